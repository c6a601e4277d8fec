"""When a renewal is due, and how it is put into words."""

from datetime import UTC, datetime, timedelta

import pytest

from imagepull.registries import lifetimes as renewal
from imagepull.registries.lifetimes import DURATION, Due, Lifetime

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
HOST, OTHER = "123456789012.dkr.ecr.eu-west-1.amazonaws.com", "public.ecr.aws"


def lifetime(hours_left: float, of: float = 12) -> Lifetime:
    expires = NOON + timedelta(hours=hours_left)
    return Lifetime(issued=expires - timedelta(hours=of), expires=expires)


@pytest.mark.parametrize(
    ("hours_left", "refresh_before", "is_due"),
    [
        (12, None, False),
        (6.01, None, False),
        (6, None, True),
        (-1, None, True),
        (2.01, 7200, False),
        (2, 7200, True),
        (11, 12 * 3600, True),
    ],
)
def test_renewal_is_due_at_half_of_the_life_or_at_the_time_asked_for(
    hours_left: float, refresh_before: float | None, is_due: bool
) -> None:
    due = renewal.find_due({HOST: lifetime(hours_left)}, refresh_before, NOON)
    assert due == (Due(host=HOST, seconds_left=hours_left * 3600) if is_due else None)


def test_the_host_whose_token_expires_first_is_named() -> None:
    due = renewal.find_due({HOST: lifetime(3), OTHER: lifetime(1)}, None, NOON)
    assert due is not None
    assert due.host == OTHER


def test_half_of_a_short_life_is_short() -> None:
    assert renewal.find_due({HOST: lifetime(0.6, of=1)}, None, NOON) is None
    assert renewal.find_due({HOST: lifetime(0.5, of=1)}, None, NOON) is not None


def test_nothing_is_due_where_nothing_expires() -> None:
    assert renewal.find_due({}, None, NOON) is None
    assert renewal.find_earliest_expiry({}) is None


@pytest.mark.parametrize(
    ("text", "seconds"), [("6h", 21600), ("90m", 5400), ("1h30m", 5400), ("45s", 45), ("1h0m1s", 3601), ("0s", 0)]
)
def test_durations_are_read(text: str, seconds: float) -> None:
    assert DURATION.admits(text)
    assert renewal.parse_seconds(text) == seconds


@pytest.mark.parametrize("text", ["", "6", "h", "6 h", "1.5h", "-1h", "30m1h", "6h\n", "٦h", "1d", "9" * 17 + "h"])
def test_other_texts_are_no_durations(text: str) -> None:
    assert not DURATION.admits(text)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (21240, "5.9 hours left"),
        (40, "40 seconds left"),
        (-7560, "expired 2.1 hours ago"),
        (0, "expired 0 seconds ago"),
    ],
)
def test_time_left_in_words(seconds: float, words: str) -> None:
    assert renewal.describe_time_left(seconds) == words


def test_lifetimes_survive_the_way_through_text() -> None:
    lifetimes = {HOST: lifetime(3), OTHER: lifetime(-1)}
    assert renewal.parse_lifetimes(renewal.format_lifetimes(lifetimes)) == lifetimes


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        "x",
        {HOST: None},
        {HOST: {"issued": "2026-01-31T00:00:00Z"}},
        {HOST: {"issued": "yesterday", "expires": "2026-01-31T12:00:00Z"}},
        {HOST: {"issued": "2026-01-31T00:00:00", "expires": "2026-01-31T12:00:00"}},
        {HOST: {"issued": 1, "expires": 2}},
    ],
)
def test_what_is_no_lifetime_is_left_out(value: object) -> None:
    assert renewal.parse_lifetimes(value) == {}
