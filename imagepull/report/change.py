"""What a pull request changes, read from a saved preview, as rows for the page."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from imagepull.preview.engine_events import PreviewRun
from imagepull.preview.image_changes import (
    AccessChange,
    ImageChange,
    find_access_changes,
    find_image_changes,
    find_reported_findings,
    read_plan,
)
from imagepull.pull_plan.findings import Severity, collect_findings

__all__ = ["FindingRow", "ImageRow", "PreviewSummary", "summarize_preview"]

_VERBS: Final = ("create", "update", "replace", "delete", "import")


@dataclass(frozen=True, kw_only=True)
class ImageRow:
    """One container whose image or policy changes, comes or goes; `*_before` is empty where nothing changes."""

    op: str
    workload: str
    container: str
    image: str
    image_before: str
    policy: str
    policy_before: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class FindingRow:
    """Something that goes wrong, or may: `severity` is `error` or `warning`."""

    severity: str
    text: str


@dataclass(frozen=True, kw_only=True)
class PreviewSummary:
    """What a preview says of image pulls.

    Attributes:
        summary: how many resources change.
        failed: the preview did not get to its end.
        complete: the preview names the resources that do not change, too.
    """

    summary: str
    images: Sequence[ImageRow]
    access: Sequence[AccessChange]
    findings: Sequence[FindingRow]
    failed: bool
    complete: bool


def summarize_preview(run: PreviewRun) -> PreviewSummary:
    """The rows of a preview (or update)."""
    found = collect_findings(read_plan(run))
    serious = [str(finding) for finding in found if finding.severity is not Severity.INFO]
    counts = [f"{run.counts[verb]} to {verb}" for verb in _VERBS if run.counts.get(verb)]
    return PreviewSummary(
        summary=f"{', '.join(counts) or 'No changes'}; {run.counts.get('same', 0)} unchanged.",
        images=[_make_image_row(each) for each in find_image_changes(run)],
        access=find_access_changes(run),
        findings=[_make_finding_row(line) for line in [*serious, *find_reported_findings(run, found)]],
        failed=run.failed,
        complete=run.complete,
    )


def _make_image_row(change: ImageChange) -> ImageRow:
    before, after = change.before, change.after
    image = after or before
    assert image is not None  # a change has one or the other
    changed = before is not None and after is not None
    return ImageRow(
        op="update" if changed else "create" if after else "delete",
        workload=image.workload_title,
        container=image.container,
        image=image.image,
        image_before=before.image if before and changed and before.image != image.image else "",
        policy=image.policy.value,
        policy_before=before.policy.value if before and changed and before.policy is not image.policy else "",
        reason=image.reason,
    )


def _make_finding_row(line: str) -> FindingRow:
    severity, _, text = line.partition(": ")
    return FindingRow(severity=severity, text=text)
