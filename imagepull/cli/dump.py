"""`imagepull dump`: what `imagepull diagnose` reads, as a file for a ticket. It holds no credential.

Left out are a Pod's environment, arguments, labels and annotations, and every value of a Secret but user names.
`imagepull diagnose --file FILE` reads it anywhere, without a cluster.
"""

import argparse
import asyncio
import json
from typing import TYPE_CHECKING, Any

from imagepull.cli import cluster_arguments
from imagepull.diagnosis.selection import Target, parse_target

if TYPE_CHECKING:
    from imagepull.diagnosis.reader import ClusterReading

__all__ = ["add", "read_cluster"]


def add(subparsers: Any) -> None:
    """Declare the subcommand."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "dump", help="print what `diagnose` reads of a cluster, without any credential", description=__doc__
    )
    cluster_arguments.add_target(parser)
    cluster_arguments.add_arguments(parser)
    parser.set_defaults(run=_run)


def read_cluster(given: argparse.Namespace) -> "ClusterReading":
    """What the arguments ask for.

    Raises:
        InvalidInput: an argument is wrong.
        ClusterError: it could not be read.
    """
    cluster_arguments.check(given)
    target = parse_target(given.target) if given.target is not None else None
    return asyncio.run(_read(given, target))


async def _read(given: argparse.Namespace, target: Target | None) -> "ClusterReading":
    from imagepull.diagnosis.reader import read

    cluster, namespace = cluster_arguments.connect(given)
    try:
        found = await read(cluster, namespace, target)
        if not found.pods:
            await cluster_arguments.check_namespace(cluster, namespace)
        return found
    finally:
        await cluster.close()


def _run(given: argparse.Namespace) -> int:
    for row in read_cluster(given).rows:
        print(json.dumps(row, ensure_ascii=False))
    return 0
