"""The command `python -m imagepull`.

Each subcommand is a module with `add(subparsers)`, which declares its arguments, and a function that returns the exit
status. Status 1 is a finding or a failure that is shown, 2 is a wrong call or input.
"""

import argparse
import sys
from collections.abc import Sequence

from imagepull.cli import comment, config, plan
from imagepull.errors import ImagePullError

__all__ = ["main"]

_COMMANDS = (plan, comment, config)


def main(arguments: Sequence[str]) -> int:
    """Run a subcommand; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m imagepull", description="Private container images, pulled.")
    subparsers = parser.add_subparsers(metavar="COMMAND", required=True)
    for command in _COMMANDS:
        command.add(subparsers)
    given = parser.parse_args(arguments)
    try:
        status: int = given.run(given)
    except (ImagePullError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return status
