"""The argument that says where a preview was saved."""

import argparse
import sys
from pathlib import Path

from imagepull.preview import engine_events
from imagepull.preview.engine_events import PreviewRun

__all__ = ["add_argument", "read"]


def add_argument(parser: argparse.ArgumentParser) -> None:
    """Declare FILE."""
    parser.add_argument(
        "file",
        metavar="FILE",
        nargs="?",
        default="-",
        help="what `pulumi preview --json --show-sames` printed, or an event log; default: standard input",
    )


def read(given: argparse.Namespace) -> PreviewRun:
    """The run in FILE.

    Raises:
        InvalidInput: it is none.
        OSError: it cannot be read.
    """
    text = sys.stdin.read() if given.file == "-" else Path(given.file).read_text(encoding="utf-8", errors="replace")
    return engine_events.read(text)
