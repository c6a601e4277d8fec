"""The arguments by which a part of a cluster is chosen, and its status."""

import argparse
import asyncio
from typing import Final

from imagepull.cli import cluster_arguments
from imagepull.errors import Problem
from imagepull.registries import lifetimes
from imagepull.status.model import Status

__all__ = ["add_arguments", "read_status"]

_WITHIN: Final = "6h"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare which part of which cluster, and how far ahead to look."""
    where = cluster_arguments.add_arguments(parser)
    where.add_argument("--stack", help="the workloads of this Pulumi stack; run it in the project's folder")
    parser.add_argument(
        "--within",
        default=_WITHIN,
        metavar="TIME",
        help="count a token that expires within this time and that nobody renews, as 90m or 12h (default: %(default)s)",
    )


def read_status(given: argparse.Namespace) -> Status:
    """The status of what the arguments choose.

    Raises:
        InvalidInput: an argument is wrong.
        ClusterError: the cluster cannot be reached, or its Pods may not be listed.
    """
    wrong = [] if lifetimes.DURATION.pattern.fullmatch(given.within) else [given.within]
    cluster_arguments.check(
        given, *(Problem(path="--within", reason=f"is {each!r}; write {lifetimes.DURATION.expected}") for each in wrong)
    )
    return asyncio.run(_read(given, lifetimes.parse_seconds(given.within)))


async def _read(given: argparse.Namespace, within: float) -> Status:
    # What only a cluster needs takes a quarter of a second to import.
    from imagepull.status.assemble import assemble
    from imagepull.status.explain import Explainer
    from imagepull.status.reader import EVERY_NAMESPACE, read_inventory
    from imagepull.status.stack import list_workloads_of_plan, read_stack, select_stack

    cluster, namespace = cluster_arguments.connect(given)
    workloads = None
    try:
        if given.stack:
            workloads = list_workloads_of_plan(read_stack(given.stack), namespace)
            places = {place for place, _ in workloads}
            namespace = places.pop() if len(places) == 1 else EVERY_NAMESPACE
        scope = "all namespaces" if namespace == EVERY_NAMESPACE else f"namespace {namespace}"
        inventory = await read_inventory(cluster, namespace, scope)
        if not inventory.pods and workloads is None:
            await cluster_arguments.check_namespace(cluster, namespace)
    finally:
        await cluster.close()
    explainer = Explainer(inventory)
    status = assemble(inventory, within, explain=explainer.explain, fails_now=explainer.fails_now)
    return status if workloads is None else select_stack(status, given.stack, workloads)
