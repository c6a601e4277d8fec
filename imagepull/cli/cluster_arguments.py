"""The arguments that say which cluster, namespace and Pods, as kubectl has them."""

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from imagepull.diagnosis.selection import parse_target
from imagepull.errors import ClusterError, Forbidden, InvalidInput, Problem
from imagepull.inputs import NAMESPACE, describe_value

if TYPE_CHECKING:
    from imagepull.kubernetes.client import Cluster

__all__ = ["add_arguments", "add_target", "check", "check_namespace", "connect"]


def add_arguments(parser: argparse.ArgumentParser) -> Any:
    """Declare --kubeconfig, --context, -n and -A; returns argparse's group of what excludes -n and -A."""
    parser.add_argument("--kubeconfig", metavar="FILE", help="default: KUBECONFIG, then ~/.kube/config")
    parser.add_argument("--context", help="default: the current one")
    where = parser.add_mutually_exclusive_group()
    where.add_argument("-n", "--namespace", help="default: the context's")
    where.add_argument("-A", "--all-namespaces", action="store_true", help="every namespace")
    return where


def add_target(parser: argparse.ArgumentParser) -> None:
    """Declare the Pod or workload."""
    parser.add_argument("target", metavar="POD|KIND/NAME", nargs="?", help="default: every Pod that waits for an image")


def check(given: argparse.Namespace, *others: Problem) -> None:
    """Refuse wrong arguments before anything is asked of a cluster; raises InvalidInput with all, `others` included."""
    problems = [*_find_problems(given), *others]
    if problems:
        raise InvalidInput(problems)


def _find_problems(given: argparse.Namespace) -> Iterator[Problem]:
    """An empty text is wrong, too: a script's variable without a value must not mean the default."""
    target = getattr(given, "target", None)
    if target is not None:
        try:
            parse_target(target)
        except InvalidInput as error:
            yield from error.problems
        if given.all_namespaces:
            yield Problem(path="-A", reason=f"does not go with {describe_value(target)}; give its namespace with -n")
    if given.namespace is not None and not NAMESPACE.admits(given.namespace):
        yield Problem(path="-n", reason=f"is {describe_value(given.namespace)}; write {NAMESPACE.expected}")
    if given.context is not None and not given.context.strip():
        yield Problem(path="--context", reason="is empty; write one of `kubectl config get-contexts`, or leave it out")


def connect(given: argparse.Namespace) -> tuple["Cluster", str]:
    """The cluster, and the namespace that is meant; raises InvalidInput and ClusterError."""
    check(given)
    # The client takes 0.2 s to import, which other subcommands do not need.
    from imagepull.kubernetes import kubeconfig
    from imagepull.kubernetes.client import Cluster
    from imagepull.kubernetes.kinds import EVERY_NAMESPACE

    config = kubeconfig.load(given.kubeconfig, given.context)
    namespace = EVERY_NAMESPACE if given.all_namespaces else given.namespace or config.namespace
    return Cluster(config), namespace


async def check_namespace(cluster: "Cluster", namespace: str) -> None:
    """Refuse a namespace that is not there: one without Pods would look as if all were well.

    A user who may not read namespaces gets no such check.

    Raises:
        ClusterError: there is no such namespace, or the cluster cannot be reached.
    """
    from imagepull.kubernetes.kinds import EVERY_NAMESPACE
    from imagepull.kubernetes.kinds import NAMESPACE as KIND

    if namespace == EVERY_NAMESPACE:
        return
    try:
        found = await cluster.get(KIND, namespace, EVERY_NAMESPACE)
    except Forbidden:
        return
    if found is None:
        raise ClusterError(f"there is no namespace {namespace}; correct the name or give another with -n")
