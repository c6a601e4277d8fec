"""The workloads of one Pulumi stack, by its output `imagePullPlan`, and the part of a status that is about them."""

import json
import shutil
import subprocess
from collections.abc import Collection
from dataclasses import replace
from typing import Final

from imagepull.errors import InvalidInput, Problem
from imagepull.plain_text import to_one_line
from imagepull.pull_plan.plan import IMAGES_KEY
from imagepull.status.model import Pull, Status

__all__ = ["list_workloads_of_plan", "read_stack", "select_stack"]

_OUTPUT: Final = "imagePullPlan"
_WANTED: Final = "the stack's program has to export it: pulumi.export('imagePullPlan', image_pull_plan())"


def read_stack(stack: str) -> str:
    """The stack's image pull plan as JSON, from `pulumi stack output` in the current folder.

    Raises:
        InvalidInput: pulumi is not there, or does not give it.
    """
    if shutil.which("pulumi") is None:
        raise _make_problem("needs the pulumi CLI on PATH; install it, or leave --stack out")
    command = ["pulumi", "stack", "output", _OUTPUT, "--json", "--stack", stack, "--non-interactive"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = to_one_line(done.stderr.removeprefix("error: ")) or "without a word"
        raise _make_problem(f"cannot be read: pulumi says {said!r}; if the output {_OUTPUT} is missing, {_WANTED}")
    return done.stdout


def list_workloads_of_plan(plan: str, namespace: str) -> frozenset[tuple[str, str]]:
    """Namespace and title (`Deployment/web`) of each workload in the plan.

    Args:
        plan: as `read_stack` gives it.
        namespace: where a workload is that names none.

    Raises:
        InvalidInput: it is no image pull plan.
    """
    try:
        rows = json.loads(plan)[IMAGES_KEY]
        found = {(row.get("namespace") or namespace, row["workload"]) for row in rows}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise _make_problem(f"has an output {_OUTPUT} that is no image pull plan; {_WANTED}") from None
    return frozenset((str(place), str(workload)) for place, workload in found)


def select_stack(status: Status, stack: str, workloads: Collection[tuple[str, str]]) -> Status:
    """The status of these workloads alone, and of the tokens that their images need."""
    pulls = tuple(pull for pull in status.pulls if (pull.namespace, pull.workload) in workloads)
    used = {(pull.namespace, pull.secret, pull.key) for pull in pulls}
    pods = {(pull.namespace, name) for pull in pulls for name in pull.pods}
    missing = [f"{place}/{workload}" for place, workload in sorted(set(workloads) - _list_places(pulls))]
    limits = [f"{title} of stack {stack} is not in the cluster." for title in missing]
    return replace(
        status,
        scope=f"stack {stack}",
        pulls=pulls,
        tokens=tuple(token for token in status.tokens if (token.namespace, token.secret, token.key) in used),
        namespaces=len({pull.namespace for pull in pulls}),
        workloads=len(_list_places(pulls)),
        pods=len(pods),
        limits=(*status.limits, *limits),
    )


def _list_places(pulls: Collection[Pull]) -> set[tuple[str, str]]:
    return {(pull.namespace, pull.workload) for pull in pulls}


def _make_problem(reason: str) -> InvalidInput:
    return InvalidInput([Problem(path="--stack", reason=reason)])
