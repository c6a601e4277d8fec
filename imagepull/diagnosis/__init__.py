"""Why a Pod's image is not pulled: objects read from the cluster, and rules that are pure."""
