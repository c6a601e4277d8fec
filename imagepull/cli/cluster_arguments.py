"""The arguments that say which cluster and namespace, as kubectl has them."""

import argparse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from imagepull.kubernetes.client import Cluster

__all__ = ["add_arguments", "connect"]


def add_arguments(parser: argparse.ArgumentParser) -> Any:
    """Declare --kubeconfig, --context, -n and -A; returns argparse's group of what excludes -n and -A."""
    parser.add_argument("--kubeconfig", metavar="FILE", help="default: KUBECONFIG, then ~/.kube/config")
    parser.add_argument("--context", help="default: the current one")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("-n", "--namespace", help="default: the context's")
    where.add_argument("-A", "--all-namespaces", action="store_true", help="every namespace")
    return where


def connect(given: argparse.Namespace) -> tuple["Cluster", str]:
    """The cluster, and the namespace that is meant; raises ClusterError."""
    # The client takes 0.2 s to import, which other subcommands do not need.
    from imagepull.kubernetes import kubeconfig
    from imagepull.kubernetes.client import Cluster
    from imagepull.kubernetes.kinds import EVERY_NAMESPACE

    config = kubeconfig.load(given.kubeconfig, given.context)
    namespace = EVERY_NAMESPACE if given.all_namespaces else given.namespace or config.namespace
    return Cluster(config), namespace
