"""`imagepull orphans`: objects of ours in the cluster that no given stack knows.

A `create` that was killed and never repeated leaves Secrets with living tokens. Give the state of every stack that
writes to this cluster: what none of them knows is listed, and with --delete taken away.
"""

import argparse
import asyncio
import sys
from pathlib import Path
from typing import Any

from imagepull.errors import ClusterError

__all__ = ["add"]


def add(subparsers: Any) -> None:
    """Declare the subcommand."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "orphans", help="find objects of ours that no stack knows", description=__doc__
    )
    parser.add_argument(
        "states", metavar="STATE", nargs="+", help="what `pulumi stack export` printed, one file for each stack"
    )
    parser.add_argument("--delete", action="store_true", help="take them away; what others have in a Secret stays")
    parser.add_argument("--kubeconfig", help="path of a kubeconfig. Default: as kubectl finds it")
    parser.add_argument("--context", help="context in it. Default: the current one")
    parser.set_defaults(run=_run)


def _run(given: argparse.Namespace) -> int:
    return asyncio.run(_list_or_delete(given, [Path(each).read_text(encoding="utf-8") for each in given.states]))


async def _list_or_delete(given: argparse.Namespace, states: list[str]) -> int:
    # Lazily: the other subcommands need no client of a cluster.
    from imagepull import orphans
    from imagepull.kubernetes.client import Cluster

    known = orphans.read_states(states)
    cluster = Cluster.connect(given.kubeconfig, given.context)
    failed = 0
    try:
        found = await orphans.find_orphans(cluster, known)
        for orphan in found:
            try:
                if given.delete:
                    await orphans.remove_orphan(cluster, orphan)
            except ClusterError as error:
                failed += 1
                print(f"{orphan}: {error}", file=sys.stderr)
            else:
                print(f"{'deleted ' if given.delete else ''}{orphan}")
    finally:
        await cluster.close()
    if not found:
        print("no orphans")
    return 1 if failed or (found and not given.delete) else 0
