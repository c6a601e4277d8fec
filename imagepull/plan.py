"""The image pull plan: each container's image, its pull policy and why, for a person and for a program."""

from collections.abc import Iterable, Sequence
from typing import Any

from imagepull.workload import ResolvedImage

__all__ = ["as_data", "as_table", "broken_rules"]

_HEADINGS = ("WORKLOAD", "CONTAINER", "IMAGE", "POLICY", "WHY")
_UNKNOWN = "(known after up)"
_DIGEST_SHOWN = 12


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


def as_table(images: Iterable[ResolvedImage], unknown: Sequence[str] = ()) -> str:
    """The plan as lines of aligned columns.

    Args:
        images: In the order to show them in.
        unknown: Names of workloads that have an image which is not known yet, once for each.
    """
    rows = [_row(image) for image in images] + [(name, "", _UNKNOWN, _UNKNOWN, "") for name in unknown]
    if not rows:
        return "Image pull plan: no images"
    widths = [max(len(row[column]) for row in (_HEADINGS, *rows)) for column in range(len(_HEADINGS))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (_HEADINGS, *rows)
    ]
    return "\n".join(["Image pull plan", *(line.rstrip() for line in lines)])


def broken_rules(images: Iterable[ResolvedImage]) -> list[str]:
    """A line for each violation: workload, container, image, rule, and what to write."""
    return [
        f"{image.workload_title}, container {image.container}, image {image.image}: "
        f"{violation.rule}: {violation.message}"
        for image in images
        for violation in image.violations
    ]


def _row(image: ResolvedImage) -> Sequence[str]:
    return image.workload_title, image.container, _short(image.image), image.policy.value, image.reason


def _short(image: str) -> str:
    name, at, digest = image.partition("@")
    algorithm, colon, encoded = digest.partition(":")
    return f"{name}{at}{algorithm}{colon}{encoded[:_DIGEST_SHOWN]}..." if len(encoded) > _DIGEST_SHOWN else image
