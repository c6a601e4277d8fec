"""The causes of a failed image pull, in words: one table for all that speak of them."""
