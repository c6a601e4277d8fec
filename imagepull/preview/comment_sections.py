"""The parts of a pull request's comment, the most important first, each a list of rows that may be cut short."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from imagepull.preview.engine_events import PreviewRun, Step
from imagepull.preview.image_changes import AccessChange, ImageChange, plan
from imagepull.preview.markdown import code, code_line, preformatted, prose, table_row
from imagepull.pull_plan.findings import Finding, Severity
from imagepull.pull_plan.plan import TITLE, Plan, as_table

__all__ = ["ICONS", "Section", "counted", "sections"]

ICONS: Final = {Severity.ERROR: "❌", Severity.WARNING: "⚠️", Severity.INFO: "📝"}
_FINDING_COLUMNS: Final = ("Severity", "Workload", "Container", "Image", "What", "Write")
_INCOMPLETE: Final = (
    "What does not change is not in this preview: run it with `--show-sames` to have every image checked."
)


@dataclass(frozen=True, kw_only=True)
class Section:
    """A part of the comment, as Markdown: rows between a head and a foot, folded under its title or not."""

    title: str
    rows: Sequence[str]
    head: Sequence[str] = ()
    foot: Sequence[str] = ()
    folded: bool = False

    def lines(self, count: int) -> list[str]:
        """The section as Markdown, with its first rows; nothing without rows."""
        if not count:
            return []
        rows = [*self.head, *self.rows[:count], *self.foot]
        if self.folded:
            return ["", f"<details><summary>{self.title}</summary>", "", *rows, "", "</details>"]
        return ["", f"#### {self.title}", "", *rows]


def counted(number: int, one: str) -> str:
    """`3 images`, `1 image`; nothing for none."""
    return f"{number} {one if number == 1 else f'{one}s'}" if number > 0 else ""


def sections(
    run: PreviewRun,
    images: Sequence[ImageChange],
    access: Sequence[AccessChange],
    found: Sequence[Finding],
    told: Sequence[str],
    now: datetime,
) -> Iterator[Section]:
    """All sections, also those without rows. `told`: findings that the program printed, beside those `found` here."""
    errors = [message for message in run.messages if message.severity == "error"]
    yield Section(title="Errors", rows=[preformatted(_resource(each.urn) + each.text) for each in errors])
    yield _table("Image pulls", ("", "Workload", "Container", "Image", "Policy", "Why"), map(_image_row, images))
    yield _table("Pull Secrets and ServiceAccounts", ("", "Kind", "Name", "What"), map(_access_row, access))
    serious = [_finding_row(each) for each in found if each.severity is not Severity.INFO]
    yield _table("Findings", _FINDING_COLUMNS, serious)
    yield Section(title="Findings of the program", rows=[f"- {prose(line)}" for line in told])
    notes = [_finding_row(each) for each in found if each.severity is Severity.INFO]
    yield _table(f"Notes ({len(notes)})", _FINDING_COLUMNS, notes, folded=True)
    changes = sorted(_change_row(step) for step in run.steps if step.op not in ("same", "read"))
    yield _table(f"All changes ({len(changes)})", ("", "Type", "Name", "Properties"), changes, folded=True)
    yield _plan_section(plan(run), now)
    others = [message for message in run.messages if message.severity != "error" and not _is_ours(message.text)]
    said = [preformatted(f"{each.severity}: {_resource(each.urn)}{each.text}") for each in others]
    yield Section(title=f"Messages ({len(said)})", rows=said, folded=True)
    yield Section(title="Not looked at", rows=[] if run.complete else [_INCOMPLETE], folded=True)


def _table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]], *, folded: bool = False) -> Section:
    head = [table_row(columns), table_row(["---"] * len(columns))]
    return Section(title=title, head=head, rows=[table_row(row) for row in rows], folded=folded)


def _plan_section(after: Plan, now: datetime) -> Section:
    count = len(after.images) + len(after.unknown)
    _, *lines = as_table(after, now).splitlines() if count else ("",)
    return Section(
        title=f"{TITLE} ({counted(count, 'image')})",
        head=["<pre>", *map(code_line, lines[:1])],
        rows=[code_line(line) for line in lines[1:]],
        foot=["</pre>"],
        folded=True,
    )


def _image_row(change: ImageChange) -> list[str]:
    before, after = change.before, change.after
    image = after or before
    assert image is not None  # a change has one or the other
    return [
        "update" if before and after else "create" if after else "delete",
        code(image.workload_title),
        code(image.container),
        _moved(before.image if before else "", after.image if after else ""),
        _moved(before.policy.value if before else "", after.policy.value if after else ""),
        prose(after.reason) if after else "",
    ]


def _moved(before: str, after: str) -> str:
    if before and after and before != after:
        return f"{code(before)} → **{code(after)}**"
    return code(after or before)


def _access_row(change: AccessChange) -> list[str]:
    return [prose(change.op), change.kind, code(change.name), "; ".join(map(prose, change.details))]


def _finding_row(finding: Finding) -> list[str]:
    image = finding.image
    return [
        f"{ICONS[finding.severity]} {finding.severity.value}",
        code(image.workload_title),
        code(image.container),
        code(image.image),
        prose(finding.text),
        prose(finding.advice),
    ]


def _change_row(step: Step) -> list[str]:
    return [prose(step.op), code(step.type), code(step.name), code(", ".join(step.changed))]


def _resource(urn: str) -> str:
    """`TYPE NAME: ` of a URN; nothing of an empty one."""
    parts = urn.split("::")
    return f"{parts[2].rpartition('$')[2]} {parts[-1]}: " if len(parts) > 3 else ""


def _is_ours(text: str) -> bool:
    """What the program prints of ours: the comment says it elsewhere."""
    return text.startswith((TITLE, "renewal due"))
