"""A comment for a pull request: what a preview means for image pulls, the most important first, within a size limit."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from imagepull.errors import InvalidInput, Problem
from imagepull.preview.comment_sections import ICONS, Section, format_count, make_sections
from imagepull.preview.engine_events import PreviewRun
from imagepull.preview.image_changes import (
    AccessChange,
    ImageChange,
    find_access_changes,
    find_image_changes,
    find_reported_findings,
    read_plan,
)
from imagepull.preview.markdown import format_prose
from imagepull.pull_plan.findings import Severity, collect_findings

__all__ = ["GITHUB_LIMIT", "LEAST_LIMIT", "make_marker", "render"]

GITHUB_LIMIT: Final = 65_536
"""The most characters that GitHub takes in a comment."""
LEAST_LIMIT: Final = 2_000
"""What the verdict, and the sentence that says what is cut, need at most."""

_VERBS: Final = ("create", "update", "replace", "delete", "import")
_LEAST_ROWS: Final = 20
"""Rows that each section gets before an earlier one gets more."""
_stack_name = re.compile(r"[A-Za-z0-9](?:-?[A-Za-z0-9_./]){0,99}")
_url = re.compile(r"https?://[!-'*-;=?-Z_a-z~]{1,500}")


def make_marker(stack: str) -> str:
    """The invisible line by which the comment of a stack is found again, to be updated.

    Raises:
        InvalidInput: that cannot be the name of a stack.
    """
    if not _stack_name.fullmatch(stack):
        reason = "is no stack's name; write letters, digits, '_', '.', '/' and inner '-', at most 100"
        raise InvalidInput([Problem(path="stack", reason=reason)])
    return f"<!-- imagepull: {stack} -->"


def render(
    run: PreviewRun, *, stack: str, limit: int = GITHUB_LIMIT, log_url: str = "", now: datetime | None = None
) -> str:
    """The comment as Markdown.

    Args:
        run: The preview (or update).
        stack: Name to show; the comments of two stacks are two comments.
        limit: The most characters, counted as bytes of UTF-8, of which there are never fewer.
        log_url: Where the whole log is, for the sentence that says what was cut.
        now: The moment from which on a token's time left counts (timezone-aware). Default: this one.

    Raises:
        InvalidInput: one of the arguments is wrong.
    """
    foot = make_marker(stack)
    if limit < LEAST_LIMIT:
        raise InvalidInput([Problem(path="limit", reason=f"is {limit}; write {LEAST_LIMIT} or more")])
    if log_url and not _url.fullmatch(log_url):
        raise InvalidInput([Problem(path="log-url", reason="is no URL; write one that begins with https://")])
    images, access = find_image_changes(run), find_access_changes(run)
    found = collect_findings(read_plan(run))
    printed = find_reported_findings(run, found)
    verdict = _write_verdict(
        run, stack, images, access, [*(each.severity.value for each in found), *map(_read_severity, printed)]
    )
    moment = now or datetime.now(UTC)
    parts = [part for part in make_sections(run, images, access, found, printed, moment) if part.rows]
    counts = [len(part.rows) for part in parts]
    if _measure([verdict, *_write_body(parts, counts), "", foot]) > limit:
        longest_note = _write_cut_note(parts, [0] * len(parts), log_url)
        counts = _count_fitting_rows(parts, limit - _measure([verdict, *longest_note, "", foot]))
    return "\n".join([verdict, *_write_body(parts, counts), *_write_cut_note(parts, counts, log_url), "", foot, ""])


def _write_verdict(
    run: PreviewRun,
    stack: str,
    images: Sequence[ImageChange],
    access: Sequence[AccessChange],
    severities: Sequence[str],
) -> str:
    changes = [f"{run.counts[verb]} to {verb}" for verb in _VERBS if run.counts.get(verb)]
    verdict = f"{'preview' if run.preview else 'update'} failed" if run.failed else ", ".join(changes) or "no changes"
    counted = {
        "": [
            format_count(sum(message.severity == "error" for message in run.messages), "error")
            if run.failed
            else f"{run.counts.get('same', 0)} unchanged"
        ],
        "image pulls: ": [
            format_count(len(images), "image"),
            format_count(sum(each.kind == "Secret" and each.op != "renew" for each in access), "Secret"),
            format_count(sum(each.kind == "ServiceAccounts" for each in access), "ServiceAccount list"),
            format_count(sum(each.op == "renew" for each in access), "renewal"),
        ],
        "findings: ": [
            format_count(severities.count(severity.value), severity.value)
            for severity in (Severity.ERROR, Severity.WARNING)
        ],
    }
    parts = [title + ", ".join(filter(None, counts)) for title, counts in counted.items() if any(counts)]
    return f"### {_choose_icon(run, severities)} {format_prose(stack)}: {' · '.join([verdict, *parts])}"


def _choose_icon(run: PreviewRun, severities: Sequence[str]) -> str:
    if run.failed or Severity.ERROR.value in severities:
        return ICONS[Severity.ERROR]
    return ICONS[Severity.WARNING] if Severity.WARNING.value in severities else "✅"


def _read_severity(line: str) -> str:
    return line.partition(":")[0]


def _write_body(parts: Sequence[Section], counts: Sequence[int]) -> list[str]:
    return [line for part, count in zip(parts, counts, strict=True) for line in part.render_lines(count)]


def _write_cut_note(parts: Sequence[Section], counts: Sequence[int], log_url: str) -> list[str]:
    cut = [
        f"{len(part.rows) - count} of {len(part.rows)} rows of {part.title}"
        for part, count in zip(parts, counts, strict=True)
        if count < len(part.rows)
    ]
    if not cut:
        return []
    where = f"[the run's log]({log_url})" if log_url else "the run's log"
    return ["", f"**Cut to fit into a comment:** {', '.join(cut)}. All of it is in {where}."]


def _count_fitting_rows(parts: Sequence[Section], room: int) -> list[int]:
    """How many rows of each section fit: a few of each first, then more, both in order of importance."""
    counts = [0] * len(parts)
    for most in (_LEAST_ROWS, max(len(part.rows) for part in parts)):
        for place, part in enumerate(parts):
            counts[place] = _find_most_rows(parts, counts, place, min(most, len(part.rows)), room)
    return counts


def _find_most_rows(parts: Sequence[Section], counts: Sequence[int], place: int, most: int, room: int) -> int:
    """By bisection, as more rows are never shorter."""
    fits = counts[place]
    while fits < most:
        middle = (fits + most + 1) // 2
        if _measure(_write_body(parts, [*counts[:place], middle, *counts[place + 1 :]])) <= room:
            fits = middle
        else:
            most = middle - 1
    return fits


def _measure(lines: Sequence[str]) -> int:
    return sum(len(line.encode()) + 1 for line in lines)
