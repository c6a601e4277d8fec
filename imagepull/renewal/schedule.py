"""Times at which a CronJob starts: the schedule that imagepull chooses, and the next start of any schedule.

The fields and their ranges are those of Kubernetes (https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/,
robfig/cron v3 parser.go).
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice, pairwise
from typing import Final

from imagepull.inputs import TextPattern

__all__ = ["SCHEDULE", "CronSchedule", "choose", "parse"]

SCHEDULE: Final = TextPattern(
    pattern=re.compile(r"[0-9A-Za-z*/,?-]+(?: +[0-9A-Za-z*/,?-]+){4}"),
    longest=200,
    expected="a cron schedule of five fields such as '17 */2 * * *'",
)
_EVERY_HOURS: Final = 2
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_DAYS: Final = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
_FIELDS: Final = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of the month", 1, 31, ()),
    ("month", 1, 12, _MONTHS),
    ("day of the week", 0, 6, _DAYS),
)
_LONGEST_SEARCH: Final = timedelta(days=5 * 366)
"""The longest wait for a start: 29 February, where a leap year is left out."""


@dataclass(frozen=True, kw_only=True)
class CronSchedule:
    """A cron schedule. `days_are_either`: both kinds of days are limited, and either makes a day one of its days."""

    text: str
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    days_are_either: bool

    def starts_after(self, moment: datetime) -> Iterator[datetime]:
        """Starts in order, in the time zone of `moment`; ends after five years without one."""
        day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        last = moment + _LONGEST_SEARCH
        while day <= last:
            if self._includes(day):
                for hour in sorted(self.hours):
                    for minute in sorted(self.minutes):
                        start = day.replace(hour=hour, minute=minute)
                        if start > moment:
                            last = start + _LONGEST_SEARCH
                            yield start
            day += timedelta(days=1)

    def find_next_start(self, moment: datetime) -> datetime | None:
        """The first start after a moment, in its time zone; None for a schedule that never starts (30 February)."""
        return next(self.starts_after(moment), None)

    def find_longest_gap(self, moment: datetime) -> timedelta | None:
        """The longest wait between two of the next 100 starts; None for a schedule that starts at most once."""
        starts = self.starts_after(moment)
        times = list(islice(starts, 100))
        return max((after - before for before, after in pairwise(times)), default=None)

    def _includes(self, day: datetime) -> bool:
        if day.month not in self.months:
            return False
        by_date, by_weekday = day.day in self.days, day.isoweekday() % 7 in self.weekdays
        return by_date or by_weekday if self.days_are_either else by_date and by_weekday


def choose(owner: str) -> str:
    """The schedule for an owner: every two hours, at an hour and a minute that follow from the owner's title.

    A token is renewed by the first start after half of its life. Starts every two hours leave at least one more try
    before it dies, which starts at each half of a life would not. The minute differs between owners, so that a
    thousand clusters do not call AWS in the same second; it stays the same, so that previews stay silent.
    """
    number = int(hashlib.sha256(owner.encode()).hexdigest()[:8], 16)
    minute, hour = number % 60, number // 60 % _EVERY_HOURS
    return f"{minute} {hour}-23/{_EVERY_HOURS} * * *"


def parse(text: str) -> CronSchedule | str:
    """The schedule that a text of SCHEDULE's form describes, or what is wrong with it."""
    sets = []
    parts = text.split()
    for part, (name, low, high, names) in zip(parts, _FIELDS, strict=True):
        found = _parse_field(part.lower(), low, high, names)
        if found is None:
            return f"has {part!r} as its {name}, which may be from {low} to {high}"
        sets.append(found)
    minutes, hours, days, months, weekdays = sets
    either = not parts[2].startswith(("*", "?")) and not parts[4].startswith(("*", "?"))
    return CronSchedule(
        text=text,
        minutes=minutes,
        hours=hours,
        days=days,
        months=months,
        weekdays=weekdays,
        days_are_either=either,
    )


def _parse_field(text: str, low: int, high: int, names: tuple[str, ...]) -> frozenset[int] | None:
    found: set[int] = set()
    for part in text.split(","):
        span, slash, step = part.partition("/")
        first, dash, last = span.partition("-")
        if first in ("*", "?"):
            start, end = low, high
        else:
            start = end = _parse_number(first, low, names)
            if dash:
                end = _parse_number(last, low, names)
            elif slash:
                end = high
        width = int(step) if step.isdecimal() else 0 if slash else 1
        if not low <= start <= end <= high or width < 1:
            return None
        found.update(range(start, end + 1, width))
    return frozenset(found)


def _parse_number(text: str, low: int, names: tuple[str, ...]) -> int:
    """The number that a text or name stands for; -1 for none."""
    if text in names:
        return names.index(text) + low
    return int(text) if text.isdecimal() else -1
