"""The inputs that say which cluster is meant: of the provider, and in a stack's configuration for both providers."""

from typing import Final

__all__ = ["CLUSTER_IDENTIFIER", "CLUSTER_INPUTS", "CLUSTER_PLACE"]

CLUSTER_PLACE: Final = ("kubeconfig", "context")
"""Where the cluster is."""
CLUSTER_IDENTIFIER: Final = "clusterIdentifier"
"""Which one it is, whatever its address: pulumi-kubernetes has the same input with the same meaning."""
CLUSTER_INPUTS: Final = (*CLUSTER_PLACE, CLUSTER_IDENTIFIER)
