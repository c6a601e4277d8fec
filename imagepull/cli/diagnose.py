"""`imagepull diagnose`: why a Pod's image is not pulled, and what to do about it.

Exit status: 0 nothing is wrong, 1 something was found, 2 it could not be looked at.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, Final

from imagepull.cli import cluster_arguments
from imagepull.cli.dump import read_cluster
from imagepull.diagnosis.answers import Diagnosis
from imagepull.diagnosis.case_file import parse_case, read_cases
from imagepull.diagnosis.objects import Case
from imagepull.diagnosis.rules import diagnose
from imagepull.errors import InvalidInput, Problem
from imagepull.plain_text import to_one_line

__all__ = ["add"]

_LONGEST: Final = 900
"""Characters of a line; a registry's answer may have more."""
_PODS_NAMED: Final = 3


def add(subparsers: Any) -> None:
    """Declare the subcommand."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "diagnose", help="say why images are not pulled, and what to do", description=__doc__
    )
    cluster_arguments.add_target(parser)
    cluster_arguments.add_arguments(parser)
    parser.add_argument("--file", metavar="CASE", help="a file of `imagepull dump` in the place of a cluster")
    parser.add_argument("--json", action="store_true", help="print one object for each container")
    parser.add_argument(
        "--verify",
        action="store_true",
        help="ask the registries, too, with the AWS principal of this machine: which tags and platforms are there",
    )
    parser.set_defaults(run=_run)


def _run(given: argparse.Namespace) -> int:
    cases, looked_at = _read_cases(given)
    answers = [answer for case in cases for answer in diagnose(case)]
    if given.verify:
        from imagepull.cli.pod_credentials import read_credentials
        from imagepull.diagnosis.verification import verify_answers

        answers = verify_answers(answers, {} if given.file else read_credentials(given, cases))
    for line in _as_json(answers) if given.json else _as_text(answers, looked_at):
        print(line)
    return 1 if any(answer.is_finding for answer in answers) else 0


def _read_cases(given: argparse.Namespace) -> tuple[list[Case], int]:
    """The cases, and how many Pods were looked at."""
    if given.file is None:
        reading = read_cluster(given)
        return [parse_case(row) for row in reading.rows], reading.pods
    if any((given.target, given.namespace, given.all_namespaces, given.context, given.kubeconfig)):
        reason = "reads no cluster; leave POD, -n, -A, --context and --kubeconfig out"
        raise InvalidInput([Problem(path="--file", reason=reason)])
    cases = read_cases(Path(given.file))
    return cases, len(cases)


def _as_json(answers: Iterable[Diagnosis]) -> Iterable[str]:
    return (json.dumps(answer.as_json(), ensure_ascii=False) for answer in answers)


def _as_text(answers: Sequence[Diagnosis], looked_at: int) -> Iterable[str]:
    """The findings, those with the same cause and image printed once for all their Pods; then what was looked at."""
    found = sorted((answer for answer in answers if answer.is_finding), key=_group)
    for _, group in groupby(found, key=_group):
        yield from _render_group(list(group))
    if not found:
        yield f"Nothing is wrong: no image fails in {_count(looked_at, 'Pod')}."
        return
    counted = Counter(answer.code for answer in found)
    summary = ", ".join(f"{count} {code}" for code, count in counted.most_common())
    yield f"{_count(len(found), 'container')} of {_count(looked_at, 'Pod')}: {summary}."


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"


def _group(answer: Diagnosis) -> tuple[str, ...]:
    """What findings share that are printed once. A fix names a Pod only if its own cause does."""
    return answer.code, answer.namespace, answer.image, answer.container, answer.cause, answer.confidence.value


def _render_group(group: Sequence[Diagnosis]) -> Iterable[str]:
    first = group[0]
    pods = list(dict.fromkeys(answer.pod for answer in group))  # a file may have many rows of one Pod
    named = pods[:_PODS_NAMED]
    more = f" and {len(pods) - len(named)} more" if len(pods) > len(named) else ""
    where = f"{first.namespace}/{', '.join(named)}{more}"
    yield _drop_control_characters(f"{where}, container {first.container}, image {first.image}")
    yield _drop_control_characters(f"  {first.code} ({first.confidence.value}): {first.cause}")
    yield _drop_control_characters(f"  Fix: {first.fix}")
    for evidence in first.evidence:
        yield _drop_control_characters(f"  Seen: {evidence}")
    if first.alternatives and first.confidence.value != "certain":
        yield _drop_control_characters(f"  Also possible: {', '.join(first.alternatives[:8])}")
    yield ""


def _drop_control_characters(line: str) -> str:
    """The line without control characters: names and texts come from the cluster."""
    indent = line[: len(line) - len(line.lstrip(" "))]
    encoding = sys.stdout.encoding or "utf-8"
    return indent + to_one_line(line, _LONGEST).encode(encoding, "replace").decode(encoding)
