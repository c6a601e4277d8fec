"""The timeline of all tokens: equal ones of many namespaces as one row, placed on one axis of time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from imagepull.registries.lifetimes import describe_time_left
from imagepull.status.model import Renewer, TokenStatus

__all__ = ["WIDTH", "Axis", "Bar", "Tick", "TokenRow", "make_axis", "make_bar", "make_token_rows"]

WIDTH: Final = 360
"""Of a bar's drawing area, in the units of the SVG, which are pixels."""

_BEFORE: Final = timedelta(hours=12)
_AFTER: Final = timedelta(hours=14)
_TICK_HOURS: Final = 6
_SLIVER: Final = 3.0
_TEXT: Final = 36


@dataclass(frozen=True, kw_only=True)
class TokenRow:
    """One token, or the equal tokens of several namespaces.

    Attributes:
        namespaces: sorted.
        workloads: as `shop/Deployment/web`, sorted.
    """

    secret: str
    key: str
    owner: str
    renewer: Renewer
    issued: datetime | None
    expires: datetime | None
    renewal: datetime | None
    namespaces: tuple[str, ...]
    workloads: tuple[str, ...]
    pods: int


@dataclass(frozen=True, kw_only=True)
class Tick:
    """A line of the axis, and what stands at it."""

    x: float
    text: str

    @property
    def anchor(self) -> str:
        """Which part of the text is at `x`: it must not leave the drawing at its ends."""
        return "start" if self.x < _TEXT / 2 else "end" if self.x > WIDTH - _TEXT / 2 else "middle"


@dataclass(frozen=True, kw_only=True)
class Axis:
    """The time that the timeline shows: `start` is at 0, `end` at `WIDTH`."""

    start: datetime
    end: datetime
    now: datetime

    def find_x(self, moment: datetime) -> float:
        """Where a moment is; the end that is nearer for one outside."""
        share = (moment - self.start) / (self.end - self.start)
        return round(min(max(share, 0.0), 1.0) * WIDTH, 1)

    @property
    def ticks(self) -> Sequence[Tick]:
        """A tick every six hours before and after now."""
        first = -int((self.now - self.start) / timedelta(hours=_TICK_HOURS)) * _TICK_HOURS
        last = int((self.end - self.now) / timedelta(hours=_TICK_HOURS)) * _TICK_HOURS
        return [
            Tick(x=self.find_x(self.now + timedelta(hours=hours)), text=f"{hours:+d} h" if hours else "now")
            for hours in range(first, last + 1, _TICK_HOURS)
        ]


def make_axis(now: datetime) -> Axis:
    """From the life of an ECR token ago until a little more than one from now."""
    return Axis(start=now - _BEFORE, end=now + _AFTER, now=now)


def make_token_rows(tokens: Iterable[TokenStatus]) -> list[TokenRow]:
    """The tokens, the first to expire first; those that differ in nothing but the namespace are one row.

    Times are compared to the minute: one renewal of many namespaces takes seconds.
    """
    alike: dict[tuple[object, ...], list[TokenStatus]] = {}
    for token in tokens:
        key = (
            token.secret,
            token.key,
            token.owner,
            token.renewer,
            _round_to_minute(token.issued),
            _round_to_minute(token.expires),
        )
        alike.setdefault(key, []).append(token)
    rows = [
        TokenRow(
            secret=first.secret,
            key=first.key,
            owner=first.owner,
            renewer=first.renewer,
            issued=first.issued,
            expires=min((each.expires for each in same if each.expires), default=None),
            renewal=min((each.renewal for each in same if each.renewal), default=None),
            namespaces=tuple(sorted({each.namespace for each in same})),
            workloads=tuple(sorted(f"{each.namespace}/{name}" for each in same for name in each.workloads)),
            pods=sum(each.pods for each in same),
        )
        for same in alike.values()
        for first in same[:1]
    ]
    return sorted(rows, key=lambda row: (row.expires is None, row.expires or 0, row.secret, row.key, row.namespaces))


@dataclass(frozen=True, kw_only=True)
class Bar:
    """The life of a token on the axis.

    Attributes:
        kind: `alive`, `soon`, `dead` or `forever`.
        x, width: in the units of the SVG; at least a visible sliver.
        renewal: where the renewal is; None for none on the axis.
        label: the same in words.
    """

    kind: str
    x: float
    width: float
    renewal: float | None
    label: str


def make_bar(row: TokenRow, axis: Axis, within: float) -> Bar:
    """The bar of a row; `within` as in `Status`."""
    if row.expires is None:
        return Bar(kind="forever", x=0, width=WIDTH, renewal=None, label="does not expire")
    left = (row.expires - axis.now).total_seconds()
    kind = "dead" if left <= 0 else "soon" if left <= within and not row.renewer.automatic else "alive"
    start = axis.find_x(row.issued) if row.issued else 0.0
    end = max(axis.find_x(row.expires), start + _SLIVER)
    shown = row.renewal is not None and axis.start <= row.renewal <= axis.end
    renewal = axis.find_x(row.renewal) if row.renewal and shown else None
    label = describe_time_left(left)
    if row.renewal is not None:
        until = (row.renewal - axis.now).total_seconds()
        when = describe_time_left(until).removeprefix("expired ").removesuffix(" left")
        label += f", renewal due {f'in {when}' if until > 0 else when}"
    return Bar(kind=kind, x=min(start, WIDTH - _SLIVER), width=round(end - start, 1), renewal=renewal, label=label)


def _round_to_minute(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(second=0, microsecond=0)
