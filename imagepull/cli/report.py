"""`imagepull report`: the status of a cluster as one HTML page, to open from disk or to keep as a CI artifact.

The exit status is that of `imagepull status`.
"""

import argparse
import sys
from pathlib import Path
from typing import Final

from imagepull.cli import live
from imagepull.cli.parsers import Subparsers
from imagepull.preview import engine_events

__all__ = ["add"]

_FILE: Final = "imagepull-report.html"


def add(subparsers: Subparsers) -> None:
    """Declare the subcommand."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "report",
        help="write the status of a cluster as one HTML page",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    live.add_arguments(parser)
    parser.add_argument(
        "--html", default=_FILE, metavar="FILE", help="where to write it, - for standard output (default: %(default)s)"
    )
    parser.add_argument(
        "--preview", metavar="FILE", help="add what `pulumi preview --json --show-sames` in this file would change"
    )
    parser.set_defaults(run=_run)


def _run(given: argparse.Namespace) -> int:
    # Templates are needed here only.
    from imagepull.report.change import summarize_preview
    from imagepull.report.page import render

    change = None
    if given.preview:
        text = Path(given.preview).read_text(encoding="utf-8", errors="replace")
        change = summarize_preview(engine_events.read(text))
    status = live.read_status(given)
    page = render(status, change)
    if given.html == "-":
        sys.stdout.write(page)
    else:
        Path(given.html).write_text(page, encoding="utf-8")
        print(f"wrote {given.html}", file=sys.stderr)
    return 1 if status.will_fail else 0
