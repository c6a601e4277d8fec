"""`imagepull status`: will every image be pulled when its container starts next, and until when.

The first line is a verdict, then come the failures with cause and fix, then every image, the worst first. The exit
status is 1 when something fails now, at its next start, or within the time given, so that a cron job or a pipeline can
rely on it; 2 when the cluster could not be looked at.
"""

import argparse
import json
import sys

from imagepull.cli import live
from imagepull.cli.parsers import Subparsers
from imagepull.plain_text import is_control
from imagepull.status.data import as_data
from imagepull.status.metrics import as_metrics
from imagepull.status.text import as_lines

__all__ = ["add"]


def add(subparsers: Subparsers) -> None:
    """Declare the subcommand."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "status",
        help="say which images will not be pulled at their next start",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    live.add_arguments(parser)
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print one JSON object")
    form.add_argument("--metrics", action="store_true", help="print OpenMetrics: expiry by Secret and host, and counts")
    parser.set_defaults(run=_run)


def _run(given: argparse.Namespace) -> int:
    status = live.read_status(given)
    if given.json:
        print(json.dumps(as_data(status), indent=2))
    elif given.metrics:
        sys.stdout.write(as_metrics(status))
    else:
        for line in as_lines(status):
            print(line if line.isprintable() else "".join("?" if is_control(each) else each for each in line))
    return 1 if status.will_fail else 0
