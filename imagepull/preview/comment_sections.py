"""The parts of a pull request's comment, the most important first, each a list of rows that may be cut short."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from imagepull.preview.engine_events import PreviewRun, Step
from imagepull.preview.image_changes import AccessChange, ImageChange, read_plan
from imagepull.preview.markdown import format_code, format_code_line, format_preformatted, format_prose, format_row
from imagepull.pull_plan.findings import Finding, Severity
from imagepull.pull_plan.plan import TITLE, Plan, as_table
from imagepull.resource_types import parse_urn

__all__ = ["ICONS", "Section", "format_count", "make_sections"]

ICONS: Final = {Severity.ERROR: "❌", Severity.WARNING: "⚠️", Severity.INFO: "📝"}
_FINDING_COLUMNS: Final = ("Severity", "Workload", "Container", "Image", "What", "Write")
_INCOMPLETE: Final = (
    "What does not change is not in this preview: run it with `--show-sames` to have every image checked."
)
_COMMANDS: Final = (
    "",
    "`imagepull diagnose` says why a Pod does not start, `imagepull status` which will not start next.",
)


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of the comment, as Markdown: rows between a head and a foot, folded under its title or not."""

    title: str
    rows: Sequence[str]
    head: Sequence[str] = ()
    foot: Sequence[str] = ()
    folded: bool = False

    def render_lines(self, count: int) -> list[str]:
        """The section as Markdown, with its first rows; nothing without rows."""
        if not count:
            return []
        rows = [*self.head, *self.rows[:count], *self.foot]
        if self.folded:
            return ["", f"<details><summary>{self.title}</summary>", "", *rows, "", "</details>"]
        return ["", f"#### {self.title}", "", *rows]


def format_count(number: int, one: str) -> str:
    """`3 images`, `1 image`; nothing for none."""
    return f"{number} {one if number == 1 else f'{one}s'}" if number > 0 else ""


def make_sections(
    run: PreviewRun,
    images: Sequence[ImageChange],
    access: Sequence[AccessChange],
    found: Sequence[Finding],
    printed: Sequence[str],
    now: datetime,
) -> Iterator[Section]:
    """All sections, also those without rows. `printed`: findings by the program, beside those `found` here."""
    errors = [message for message in run.messages if message.severity == "error"]
    serious = [_make_finding_row(each) for each in found if each.severity is not Severity.INFO]
    said = [format_preformatted(_name_resource(each.urn) + each.text) for each in errors]
    image_columns = ("", "Workload", "Container", "Image", "Policy", "Why")
    yield from _name_commands(
        [
            Section(title="Errors", rows=said),
            _make_table("Image pulls", image_columns, map(_make_image_row, images)),
            _make_table(
                "Pull Secrets and ServiceAccounts", ("", "Kind", "Name", "What"), map(_make_access_row, access)
            ),
            _make_table("Findings", _FINDING_COLUMNS, serious),
            Section(title="Findings of the program", rows=[f"- {format_prose(line)}" for line in printed]),
        ],
        # A preview that failed has touched no Pod.
        pods_are_concerned=not run.preview or bool(images or access or serious or printed),
    )
    notes = [_make_finding_row(each) for each in found if each.severity is Severity.INFO]
    yield _make_table(f"Notes ({len(notes)})", _FINDING_COLUMNS, notes, folded=True)
    changes = sorted(_make_change_row(step) for step in run.steps if step.op not in ("same", "read"))
    yield _make_table(f"All changes ({len(changes)})", ("", "Type", "Name", "Properties"), changes, folded=True)
    yield _make_plan_section(read_plan(run), now)
    others = [message for message in run.messages if message.severity != "error" and not _is_ours(message.text)]
    told = [format_preformatted(f"{each.severity}: {_name_resource(each.urn)}{each.text}") for each in others]
    yield Section(title=f"Messages ({len(told)})", rows=told, folded=True)
    yield Section(title="Not looked at", rows=[] if run.complete else [_INCOMPLETE], folded=True)


def _name_commands(sections: Sequence[Section], *, pods_are_concerned: bool) -> Iterator[Section]:
    """The sections, with the commands for Pods that do not start below the last of them that has rows."""
    last = max((place for place, each in enumerate(sections) if each.rows), default=-1)
    for place, each in enumerate(sections):
        yield replace(each, foot=_COMMANDS) if place == last and pods_are_concerned else each


def _make_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], *, folded: bool = False) -> Section:
    head = [format_row(columns), format_row(["---"] * len(columns))]
    return Section(title=title, head=head, rows=[format_row(row) for row in rows], folded=folded)


def _make_plan_section(after: Plan, now: datetime) -> Section:
    count = len(after.images) + len(after.unknown)
    _, *lines = as_table(after, now).splitlines() if count else ("",)
    return Section(
        title=f"{TITLE} ({format_count(count, 'image')})",
        head=["<pre>", *map(format_code_line, lines[:1])],
        rows=[format_code_line(line) for line in lines[1:]],
        foot=["</pre>"],
        folded=True,
    )


def _make_image_row(change: ImageChange) -> list[str]:
    before, after = change.before, change.after
    image = after or before
    assert image is not None  # a change has one or the other
    return [
        "update" if before and after else "create" if after else "delete",
        format_code(image.workload_title),
        format_code(image.container),
        _render_change(before.image if before else "", after.image if after else ""),
        _render_change(before.policy.value if before else "", after.policy.value if after else ""),
        format_prose(after.reason) if after else "",
    ]


def _render_change(before: str, after: str) -> str:
    if before and after and before != after:
        return f"{format_code(before)} → **{format_code(after)}**"
    return format_code(after or before)


def _make_access_row(change: AccessChange) -> list[str]:
    return [
        format_prose(change.op),
        change.kind,
        format_code(change.name),
        "; ".join(map(format_prose, change.details)),
    ]


def _make_finding_row(finding: Finding) -> list[str]:
    image = finding.image
    return [
        f"{ICONS[finding.severity]} {finding.severity.value}",
        format_code(image.workload_title),
        format_code(image.container),
        format_code(image.image),
        format_prose(finding.text),
        format_prose(finding.advice),
    ]


def _make_change_row(step: Step) -> list[str]:
    return [format_prose(step.op), format_code(step.type), format_code(step.name), format_code(", ".join(step.changed))]


def _name_resource(urn: str) -> str:
    """`TYPE NAME: ` of a URN; nothing of an empty one."""
    found = parse_urn(urn)
    return f"{found.type} {found.name}: " if found else ""


def _is_ours(text: str) -> bool:
    """What the program prints of ours: the comment says it elsewhere."""
    return text.startswith((TITLE, "renewal due"))
