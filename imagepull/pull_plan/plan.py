"""The image pull plan: each image's pull policy and why, and the Secret that opens it, for a person and a program."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Final

from imagepull.errors import InvalidReference
from imagepull.images.reference import parse
from imagepull.pull_plan.access import MatchedEntry, PlannedAccess, PodAccess, find_first_entry
from imagepull.pull_plan.explicit import ResolvedImage
from imagepull.service_accounts.missing_secrets import describe_missing_secrets

__all__ = [
    "IMAGES_KEY",
    "TITLE",
    "Plan",
    "add_colours",
    "as_data",
    "as_table",
    "describe_renewals",
    "describe_violations",
    "list_images_of_output",
    "warn_of_missing_secrets",
]

TITLE: Final = "Image pull plan"
IMAGES_KEY: Final = "__images"
"""Key of the images in a stack's output. The CLI prints no key that begins with two underscores (pulumi/pulumi
sdk/go/common/resource/properties.go, IsInternalPropertyKey), so a terminal shows the plan once: as the table."""
_HEADINGS = ("WORKLOAD", "CONTAINER", "IMAGE", "POLICY", "WHY")
_SECRET_HEADING = "SECRET"  # noqa: S105 - the heading of a column
_NO_SECRET = "-"  # noqa: S105
_UNKNOWN = "(known after up)"
_DIGEST_SHOWN = 12
_YELLOW, _RED, _CYAN, _BOLD = "yellow", "red", "cyan", "bold"
_COLOURS: Final = {"Always": _YELLOW, "Never": _RED, "IfNotPresent": _CYAN, "error:": _RED, "warning:": _YELLOW}
_coloured_word = re.compile(r"^(?:error|warning):|(?<=  )(?:Always|IfNotPresent|Never)(?=  |$)")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a run pulls, as far as it is known.

    Attributes:
        images: in the order to show them in.
        unknown: workloads with an image that is not known yet, once for each.
        accesses: all pull Secrets that the program declares; None where they are not known.
        pods: how the workloads' Pods get their Secrets, as far as that is known; of one workload what several say
            adds up, as a component and a transform do.
    """

    images: tuple[ResolvedImage, ...] = ()
    unknown: tuple[str, ...] = ()
    accesses: tuple[PlannedAccess, ...] | None = None
    pods: tuple[PodAccess, ...] = ()

    def find_first_entry(self, image: ResolvedImage) -> MatchedEntry | None:
        """The entry of the program's Secrets that the kubelet tries first for one of the images; None without one."""
        try:
            return find_first_entry(image.image, self.accesses or (), image.namespace, self.find_pod(image))
        except InvalidReference:
            return None

    def find_pod(self, image: ResolvedImage) -> PodAccess | None:
        """How the Pods of one of the images get their Secrets; None where that is not known."""
        return self._pods.get((image.namespace, image.workload))

    @cached_property
    def _pods(self) -> Mapping[tuple[str | None, str], PodAccess]:
        found: dict[tuple[str | None, str], PodAccess] = {}
        for pod in self.pods:
            before = found.get((pod.namespace, pod.workload), pod)
            names = dict.fromkeys([*before.pull_secrets, *pod.pull_secrets])
            found[pod.namespace, pod.workload] = replace(pod, pull_secrets=tuple(names))
        return found

    def as_output(self) -> dict[str, object]:
        """The plan as a stack's output: `summary`, which the CLI prints, and `as_data` below IMAGES_KEY."""
        return {"summary": self.summary, IMAGES_KEY: self.as_data()}

    @property
    def summary(self) -> str:
        """`3 images: 2 IfNotPresent, 1 Always`."""
        count = len(self.images)
        policies = Counter(image.policy.value for image in self.images).most_common()
        images = "no images" if not count else "1 image" if count == 1 else f"{count} images"
        return f"{images}: {', '.join(f'{number} {policy}' for policy, number in policies)}" if count else images

    def as_data(self) -> list[Mapping[str, Any]]:
        """Each image as plain data, with the `secret` and the `entry` in it that open it, or `node` where the nodes do.

        How long a token lives is not in it: data that change with the clock would make every run a change.
        """
        rows: list[Mapping[str, Any]] = []
        for image in self.images:
            found = self.find_first_entry(image)
            opened: Mapping[str, Any] = {}
            if found:
                opened = {"node": True} if found.access.by_node else {"secret": found.access.secret}
                opened = {**opened, "entry": found.key}
            rows.append({**as_data(image), **opened})
        return rows


def as_data(image: ResolvedImage) -> dict[str, Any]:
    """One image as plain data with the API's way of naming, for a stack's outputs."""
    data: dict[str, Any] = {
        "workload": image.workload,
        "namespace": image.namespace,
        "container": image.container,
        "image": image.image,
        "policy": image.policy.value,
        "reason": image.reason,
        "path": image.path,
    }
    if image.violations:
        data["violations"] = [
            {"rule": violation.rule.value, "message": violation.message} for violation in image.violations
        ]
    return {name: value for name, value in data.items() if value is not None}


def list_images_of_output(output: object) -> Sequence[object]:
    """The images in a value of the form of `Plan.as_output`; none in any other."""
    images = output.get(IMAGES_KEY) if isinstance(output, Mapping) else None
    return images if isinstance(images, list) else ()


def as_table(plan: Plan, now: datetime | None = None) -> str:
    """The plan as lines of aligned columns.

    Args:
        plan: The column of the Secrets is left out where the program's are not known, or are none.
        now: The moment from which on the time left counts (timezone-aware). Default: this one.
    """
    now = now or datetime.now(UTC)
    rows = [_make_row(image) for image in plan.images] + [(name, "", _UNKNOWN, _UNKNOWN, "") for name in plan.unknown]
    if not rows:
        return f"{TITLE}: no images"
    headings: Sequence[str] = _HEADINGS
    if plan.accesses:
        secrets = [_name_secret(plan, image, now) for image in plan.images] + [""] * len(plan.unknown)
        headings = (*_HEADINGS, _SECRET_HEADING)
        rows = [(*row, secret) for row, secret in zip(rows, secrets, strict=True)]
    widths = [max(len(row[column]) for row in (headings, *rows)) for column in range(len(headings))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (headings, *rows)]
    return "\n".join([TITLE, *(line.rstrip() for line in lines)])


def describe_renewals(plan: Plan, now: datetime | None = None) -> list[str]:
    """A sentence for each Secret whose tokens expire, who renews them and when, and what to know about that renewer.

    Args:
        now: The moment from which on the next renewal counts (timezone-aware). Default: this one.
    """
    now = now or datetime.now(UTC)
    lines = []
    for access in plan.accesses or ():
        if (sentence := access.describe_renewal(now)) is not None:
            lines += [sentence, *(f"  {limit}" for limit in (access.renewer.limits if access.renewer else ()))]
    return lines


def warn_of_missing_secrets(plan: Plan) -> list[str]:
    """A warning for the namespaces whose ServiceAccounts list the same names without a Secret."""
    missing = {place: names for access in plan.accesses or () for place, names in access.missing_secrets.items()}
    return [f"warning: {sentence}" for sentence in describe_missing_secrets(missing)]


def add_colours(line: str, codes: Mapping[str, str]) -> str:
    """A line of the table, or a finding, for a terminal.

    Args:
        line: As printed.
        codes: What switches `bold`, `red`, `yellow` and `cyan` on, and all of it `off`.
    """
    if line == TITLE:
        return f"{codes[_BOLD]}{line}{codes['off']}"
    return _coloured_word.sub(lambda found: f"{codes[_COLOURS[found.group()]]}{found.group()}{codes['off']}", line)


def describe_violations(images: Iterable[ResolvedImage]) -> list[str]:
    """A line for each violation: workload, container, image, rule, and what to write."""
    return [
        f"{image.workload_title}, container {image.container}, image {image.image}: "
        f"{violation.rule}: {violation.message}"
        for image in images
        for violation in image.violations
    ]


def _make_row(image: ResolvedImage) -> Sequence[str]:
    return image.workload_title, image.container, _shorten_digest(image.image), image.policy.value, image.reason


def _name_secret(plan: Plan, image: ResolvedImage, now: datetime) -> str:
    found = plan.find_first_entry(image)
    return found.describe(parse(image.image).domain, now) if found else _NO_SECRET


def _shorten_digest(image: str) -> str:
    name, at, digest = image.partition("@")
    algorithm, colon, encoded = digest.partition(":")
    return f"{name}{at}{algorithm}{colon}{encoded[:_DIGEST_SHOWN]}..." if len(encoded) > _DIGEST_SHOWN else image
