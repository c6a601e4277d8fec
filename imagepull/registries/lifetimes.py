"""When a token is to be renewed: lifetimes, durations, and the words for the time that is left."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from imagepull.inputs import TextPattern

__all__ = [
    "DURATION",
    "Due",
    "Lifetime",
    "describe_time_left",
    "find_due",
    "find_due_time",
    "find_earliest_expiry",
    "find_issue_time",
    "format_lifetimes",
    "format_time",
    "parse_lifetimes",
    "parse_seconds",
    "parse_time",
]

DURATION: Final = TextPattern(
    pattern=re.compile(r"(?=[0-9])(?:([0-9]+)h)?(?:([0-9]+)m)?(?:([0-9]+)s)?"),
    longest=16,
    expected="a duration such as '6h', '90m', '1h30m' or '45s'",
)


@dataclass(frozen=True, kw_only=True)
class Lifetime:
    """When a token was issued and when it expires (both timezone-aware)."""

    issued: datetime
    expires: datetime

    @property
    def seconds(self) -> float:
        return (self.expires - self.issued).total_seconds()


@dataclass(frozen=True, kw_only=True)
class Due:
    """A renewal that is due: the host whose token expires first, and the seconds until then (negative once expired)."""

    host: str
    seconds_left: float


def find_due(lifetimes: Mapping[str, Lifetime], refresh_before: float | None, now: datetime) -> Due | None:
    """The most urgent renewal due at `now`, among lifetimes by host; None when there is none.

    Due is a token with at most `refresh_before` seconds left; None stands for half of its life (as in
    kubernetes/cloud-provider-aws cmd/ecr-credential-provider/main.go, getCacheDuration).
    """
    left = {host: (lifetime.expires - now).total_seconds() for host, lifetime in lifetimes.items()}
    late = [
        Due(host=host, seconds_left=left[host])
        for host, lifetime in lifetimes.items()
        if left[host] <= (lifetime.seconds / 2 if refresh_before is None else refresh_before)
    ]
    return min(late, key=lambda each: each.seconds_left, default=None)


def find_due_time(lifetime: Lifetime, refresh_before: float | None) -> datetime:
    """When the renewal of a token is due; None for `refresh_before` stands for half of its life."""
    before = lifetime.seconds / 2 if refresh_before is None else refresh_before
    return lifetime.expires - timedelta(seconds=before)


def find_earliest_expiry(lifetimes: Mapping[str, Lifetime]) -> datetime | None:
    """The first expiry, None when nothing expires."""
    return min((lifetime.expires for lifetime in lifetimes.values()), default=None)


def find_issue_time(lifetimes: Mapping[str, Lifetime]) -> datetime | None:
    """When the token that expires first was issued, None when nothing expires."""
    first = min(lifetimes.values(), key=lambda each: each.expires, default=None)
    return None if first is None else first.issued


def parse_seconds(duration: str) -> float:
    """The seconds of a text that DURATION admits."""
    match = DURATION.pattern.fullmatch(duration)
    assert match is not None
    hours, minutes, secs = (int(part or 0) for part in match.groups())
    return float(hours * 3600 + minutes * 60 + secs)


def describe_time_left(seconds: float) -> str:
    """`5.9 hours left`, `40 seconds left`, `expired 2.1 hours ago`."""
    size = abs(seconds)
    amount = f"{size / 3600:.1f} hours" if size >= 360 else f"{size:.0f} seconds"
    return f"{amount} left" if seconds > 0 else f"expired {amount} ago"


def format_time(moment: datetime) -> str:
    """RFC 3339, UTC, whole seconds: `2026-01-31T12:00:00Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_time(text: object) -> datetime | None:
    """The moment that an RFC 3339 text names; None when it is none, or names no time zone."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
        # Within a day of the first or last year, there is no such moment in UTC.
        return moment.astimezone(UTC) if moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def format_lifetimes(lifetimes: Mapping[str, Lifetime]) -> dict[str, dict[str, str]]:
    """As state and annotations hold them: `{host: {"issued": RFC 3339, "expires": RFC 3339}}`."""
    return {
        host: {"issued": format_time(lifetime.issued), "expires": format_time(lifetime.expires)}
        for host, lifetime in lifetimes.items()
    }


def parse_lifetimes(value: object) -> dict[str, Lifetime]:
    """The inverse; what is not of that form is left out."""
    found = {}
    for host, texts in value.items() if isinstance(value, Mapping) else ():
        if isinstance(texts, Mapping):
            issued, expires = parse_time(texts.get("issued")), parse_time(texts.get("expires"))
            if issued is not None and expires is not None:
                found[str(host)] = Lifetime(issued=issued, expires=expires)
    return found
