"""The command `imagepull`, also as `python -m imagepull` and `kubectl imagepull`.

Each subcommand is a module with `add(subparsers)`, which declares its arguments, and a function that returns the exit
status. Status 1 is a finding or a failure that is shown, 2 is a wrong call or input, 130 Ctrl-C, 141 a reader that has
read enough, such as `head`.
"""

import argparse
import importlib
import io
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from imagepull import __version__
from imagepull.errors import ImagePullError, describe_fault

__all__ = ["main", "make_parser", "run"]

_COMMANDS: Final = (
    "diagnose",
    "status",
    "report",
    "plan",
    "comment",
    "config",
    "plugin",
    "rbac",
    "renew",
    "node-config",
    "dump",
    "orphans",
)
_CALLED: Final = {"__main__": "python -m imagepull", "kubectl-imagepull": "kubectl imagepull"}
"""What a person has typed, by the name of the file that runs; others type the file's name."""
_CLOSED_PIPE: Final = 141
_INTERRUPTED: Final = 130
"""What a shell reports of a process that SIGPIPE, or Ctrl-C, has ended."""


def run() -> int:
    """The console scripts: `main` with the arguments of this process."""
    return main(sys.argv[1:])


def make_parser(only: str | None = None) -> argparse.ArgumentParser:
    """The command line.

    Args:
        only: The subcommand that is called: the others' modules, which take longer to load than most commands to run,
            are left out. With None, or what is no subcommand, all are there.
    """
    name = Path(sys.argv[0]).stem
    parser = argparse.ArgumentParser(
        prog=_CALLED.get(name, "imagepull"), description="Private container images, pulled."
    )
    parser.add_argument("--version", action="version", version=f"imagepull {__version__}")
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in (only,) if only in _COMMANDS else _COMMANDS:
        importlib.import_module(f"{__name__}.{command.replace('-', '_')}").add(subparsers)
    return parser


def main(arguments: Sequence[str]) -> int:
    """Run a subcommand; returns the exit status."""
    _choose_encodings()
    parser = make_parser(*arguments[:1])
    if not arguments:
        parser.print_help(sys.stderr)
        return 2
    given = parser.parse_args(arguments)
    try:
        exit_status: int = given.run(given)
        sys.stdout.flush()
    except BrokenPipeError:
        # Nobody reads on. Python would say so once more when it flushes at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _CLOSED_PIPE
    except ImagePullError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        print(f"error: {where}{error.strerror or error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        return _INTERRUPTED
    except Exception as error:
        print(f"error: {describe_fault(error)}", file=sys.stderr)
        return 2
    return exit_status


def _choose_encodings() -> None:
    """Files and pipes are UTF-8 everywhere; a terminal that lacks a character shows `?` for it.

    A comment, a page or JSON is read by programs that expect UTF-8, whatever the locale of the machine that wrote it.
    """
    for stream in (sys.stdin, sys.stdout):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="replace")
