"""`python -m imagepull comment`: a saved preview as a Markdown comment for a pull request."""

import argparse
import sys

from imagepull.cli import source
from imagepull.cli.parsers import Subparsers
from imagepull.preview.comment import GITHUB_LIMIT, make_marker, render

__all__ = ["add"]


def add(subparsers: Subparsers) -> None:
    """Declare the subcommand."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "comment", help="print a saved preview as a comment for a pull request", description=__doc__
    )
    source.add_argument(parser)
    parser.add_argument("--stack", required=True, help="name to show; each stack has a comment of its own")
    parser.add_argument(
        "--limit", type=int, default=GITHUB_LIMIT, help="most characters (default: %(default)s, GitHub)"
    )
    parser.add_argument("--log-url", default="", help="where the whole log is, for what is cut")
    parser.add_argument("--marker", action="store_true", help="print only the line by which the comment is found again")
    parser.set_defaults(run=_run)


def _run(given: argparse.Namespace) -> int:
    if given.marker:
        print(make_marker(given.stack))
    else:
        sys.stdout.write(render(source.read(given), stack=given.stack, limit=given.limit, log_url=given.log_url))
    return 0
