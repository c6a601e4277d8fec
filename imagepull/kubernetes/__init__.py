"""The cluster: how it is reached, whose its objects are, how progress is reported."""
