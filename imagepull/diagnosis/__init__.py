"""Why a Pod's image is not pulled: objects read from the cluster, one table of causes, and rules that are pure."""
