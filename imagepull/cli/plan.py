"""`python -m imagepull plan`: the image pull plan of a saved preview, and what there is to say about it."""

import argparse
import os
import re
import sys
from typing import Final

from imagepull.cli import source
from imagepull.cli.parsers import Subparsers
from imagepull.preview.image_changes import read_plan
from imagepull.pull_plan.findings import Severity, collect_findings
from imagepull.pull_plan.plan import add_colours, as_table, describe_renewals, warn_of_missing_secrets
from imagepull.redaction import redact

__all__ = ["add"]

_ANSI: Final = {
    "bold": "\x1b[1m",
    "red": "\x1b[31m",
    "yellow": "\x1b[33m",
    "cyan": "\x1b[36m",
    "off": "\x1b[0m",
}
_unprintable = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")


def add(subparsers: Subparsers) -> None:
    """Declare the subcommand."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "plan", help="print the image pull plan of a saved preview", description=__doc__
    )
    source.add_argument(parser)
    parser.add_argument(
        "--strict", action="store_true", help="exit with 1 when a finding is an error, or the preview failed"
    )
    parser.set_defaults(run=_run)


def _run(given: argparse.Namespace) -> int:
    run = source.read(given)
    after = read_plan(run)
    found = collect_findings(after)
    shown = [each for each in found if each.severity is not Severity.INFO]
    lines = as_table(after).splitlines()
    for more in (describe_renewals(after), [*map(str, shown), *warn_of_missing_secrets(after)]):
        lines += ["", *more] if more else []
    if run.failed:
        lines += [
            "",
            "The preview failed, so this plan may lack images. The reason is in what `pulumi preview` printed.",
        ]
    if not run.complete:
        lines += ["", "What does not change is left out: give what `pulumi preview --json --show-sames` prints."]
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    for line in lines:
        safe = _unprintable.sub("?", redact(line))
        print(add_colours(safe, _ANSI) if colour else safe)
    is_wrong = run.failed or any(each.severity is Severity.ERROR for each in found)
    return 1 if given.strict and is_wrong else 0
