"""`python -m imagepull config schema`: what a stack's configuration may say, as JSON Schema for editors."""

import argparse
import json
from typing import Final

from imagepull.cli.parsers import Subparsers
from imagepull.stack_config.reader import make_file_schema

__all__ = ["add"]

_PROJECT: Final = "private-images"


def add(subparsers: Subparsers) -> None:
    """Declare the subcommand."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "config", help="print the schema of a stack's configuration", description=__doc__
    )
    actions = parser.add_subparsers(metavar="ACTION", required=True)
    schema = actions.add_parser(
        "schema", help="print the JSON Schema of Pulumi.<stack>.yaml", description="Prints what stacks/schema.json is."
    )
    schema.add_argument(
        "--project", default=_PROJECT, help="project whose name stands before the keys (default: %(default)s)"
    )
    schema.set_defaults(run=_print_schema)


def _print_schema(given: argparse.Namespace) -> int:
    print(json.dumps(make_file_schema(given.project), indent=2, ensure_ascii=False))
    return 0
