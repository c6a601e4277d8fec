"""A status as text for a terminal: the verdict first, then what fails and why, then every image, the worst first."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from imagepull.registries.lifetimes import describe_time_left
from imagepull.status.model import WILL_FAIL, OpenedBy, Pull, StartOutcome, Status

__all__ = ["as_lines", "describe_opening", "describe_outcome", "format_duration", "join_names", "write_verdict"]

_HEADINGS: Final = ("STATUS", "WORKLOAD", "CONTAINER", "IMAGE", "POLICY", "OPENED BY", "WHOSE", "TIME LEFT", "PODS")
_UNITS: Final = ((86400, "day"), (3600, "hour"), (60, "minute"), (1, "second"))
_OPENED_BY: Final = {
    OpenedBy.NODE: "the node's own credential",
    OpenedBy.NOBODY: "no Secret",
    OpenedBy.UNKNOWN: "unknown",
}
_IN_VERDICT: Final = {
    StartOutcome.FAILS_NOW: "{count} {verb} now",
    StartOutcome.FAILS_NEXT_START: "{count} at the next start",
    StartOutcome.FAILS_SOON: "{count} within {within}",
}


def write_verdict(status: Status) -> str:
    """The first line: how many pulls will fail, and when."""
    total, failing = len(status.pulls), status.will_fail
    within = format_duration(status.within)
    if not total:
        return f"No image to pull in {status.scope}."
    unknown = status.counts[StartOutcome.UNKNOWN]
    tail = f" {unknown} cannot be judged." if unknown else ""
    if not failing:
        if unknown == total:
            return f"None of {_format_count(total, 'image pull')} in {status.scope} can be judged."
        fine = total - unknown
        first = "The image pull" if fine == total == 1 else f"All {fine} image pulls" if fine == total else f"{fine}"
        of = "" if fine == total else f" of {total} image pulls"
        return f"{first}{of} in {status.scope} will succeed for the next {within}.{tail}"
    parts = [
        words.format(
            count=status.counts[outcome], verb="fails" if status.counts[outcome] == 1 else "fail", within=within
        )
        for outcome, words in _IN_VERDICT.items()
        if status.counts[outcome]
    ]
    return f"{failing} of {_format_count(total, 'image pull')} in {status.scope} will fail: {', '.join(parts)}.{tail}"


def as_lines(status: Status) -> Iterator[str]:
    """The status line by line."""
    yield write_verdict(status)
    yield (
        f"Looked at {_format_count(status.pods, 'Pod')} and {_format_count(status.workloads, 'workload')}"
        f" in {_format_count(status.namespaces, 'namespace')}."
    )
    yield from (f"Not seen: {limit}" for limit in status.limits)
    for pull in status.pulls:
        if pull.outcome in WILL_FAIL or pull.outcome is StartOutcome.UNKNOWN:
            yield from _explain(pull, status)
    if status.pulls:
        yield ""
        yield from _make_table([_HEADINGS, *(_make_row(pull, status) for pull in status.pulls)])


def describe_outcome(pull: Pull, status: Status) -> str:
    """The outcome in words, with the time where there is one: `fails in 2.0 hours`."""
    if pull.outcome is StartOutcome.FAILS_SOON and pull.fails_at is not None:
        return "fails in " + describe_time_left((pull.fails_at - status.at).total_seconds()).removesuffix(" left")
    return pull.outcome.value


def describe_opening(pull: Pull) -> str:
    """What opens the image: the Secret, with the entry's key where it is not just the image's registry; or the node."""
    if pull.opened_by is OpenedBy.SECRET:
        return pull.secret if pull.key == pull.registry else f"{pull.secret} [{pull.key}]"
    if pull.opened_by is OpenedBy.NODE and pull.owner:
        return f"the node, as {pull.owner.rpartition(':')[2]}"
    return _OPENED_BY[pull.opened_by]


def format_duration(seconds: float) -> str:
    """`6 hours`, `90 minutes`, `1 day`."""
    size = round(seconds)
    unit, name = next(((unit, name) for unit, name in _UNITS if size >= unit and size % unit == 0), _UNITS[-1])
    return _format_count(size // unit, name)


def _explain(pull: Pull, status: Status) -> Iterator[str]:
    yield ""
    sure = f" ({pull.confidence})" if pull.confidence not in ("", "certain") else ""
    yield f"{describe_outcome(pull, status)}{sure}: {pull.title}, container {pull.container}, image {pull.image}"
    yield f"  cause: {pull.cause}"
    if pull.fix:
        yield f"  fix:   {pull.fix}"
    if pull.pods:
        yield f"  Pods:  {join_names(pull.pods)}" + ("; and each new one" if pull.template else "")


def join_names(names: Sequence[str], most: int = 3) -> str:
    """The first names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def _make_row(pull: Pull, status: Status) -> Sequence[str]:
    left = describe_time_left((pull.expires - status.at).total_seconds()).removesuffix(" left") if pull.expires else "-"
    if pull.opened_by is OpenedBy.SECRET and pull.expires is None:
        left = "does not expire"
    return (
        describe_outcome(pull, status),
        pull.title,
        pull.container,
        pull.image,
        pull.policy,
        describe_opening(pull),
        pull.owner or "-",
        left,
        str(len(pull.pods)),
    )


def _make_table(rows: Iterable[Sequence[str]]) -> Iterator[str]:
    rows = list(rows)
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()


def _format_count(number: int, one: str) -> str:
    return f"{number:,} {one if number == 1 else f'{one}s'}"
