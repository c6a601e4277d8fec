"""`imagepull.renewal.schedule`: when a CronJob starts."""

from datetime import UTC, datetime, timedelta

import pytest

from imagepull.registries.lifetimes import Lifetime, find_due
from imagepull.renewal import schedule
from imagepull.renewal.schedule import SCHEDULE, CronSchedule

MOMENT = datetime(2026, 11, 24, 13, 30, 30, tzinfo=UTC)  # a Tuesday


def parsed(text: str) -> CronSchedule:
    found = schedule.parse(text)
    assert isinstance(found, CronSchedule), found
    return found


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("* * * * *", "2026-11-24T13:31"),
        ("17 */2 * * *", "2026-11-24T14:17"),
        ("17 1-23/2 * * *", "2026-11-24T15:17"),
        ("30 13 * * *", "2026-11-25T13:30"),
        ("0 0 1 jan *", "2027-01-01T00:00"),
        ("0 12 * * mon-fri", "2026-11-25T12:00"),
        ("5,35 13 * * ?", "2026-11-24T13:35"),
        ("0 0 1 * sat", "2026-11-28T00:00"),  # both days limited: either of them
        ("0 0 29 2 *", "2028-02-29T00:00"),
    ],
)
def test_the_next_start(text: str, expected: str) -> None:
    assert parsed(text).find_next_start(MOMENT) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_a_schedule_may_never_start() -> None:
    assert parsed("0 0 30 2 *").find_next_start(MOMENT) is None
    assert parsed("0 0 30 2 *").find_longest_gap(MOMENT) is None


@pytest.mark.parametrize("text", ["60 * * * *", "* 24 * * *", "* * 0 * *", "* * * 13 *", "* * * * 7", "*/0 * * * *"])
def test_a_wrong_field_is_named(text: str) -> None:
    assert isinstance(schedule.parse(text), str)


@pytest.mark.parametrize("text", ["", "@hourly", "* * * *", "TZ=UTC * * * * *", "* * * * * *"])
def test_other_forms_are_not_admitted(text: str) -> None:
    assert not SCHEDULE.admits(text)


@pytest.mark.parametrize("owner", [f"project/stack-{number}/access" for number in range(50)])
def test_the_chosen_schedule_renews_with_a_try_to_spare(owner: str) -> None:
    starts = parsed(schedule.choose(owner)).starts_after(MOMENT)
    issued = next(starts) + timedelta(seconds=5)
    lifetime = Lifetime(issued=issued, expires=issued + timedelta(hours=12))
    tries = []
    for start in starts:
        if start >= lifetime.expires:
            break
        if find_due({"host": lifetime}, None, start) is not None:
            tries.append(start)
    assert len(tries) >= 2
    assert tries[0] <= issued + timedelta(hours=8)


def test_the_minute_differs_between_owners_and_stays_the_same() -> None:
    chosen = [schedule.choose(f"project/stack-{number}/access") for number in range(200)]
    assert len(set(chosen)) > 50
    assert chosen == [schedule.choose(f"project/stack-{number}/access") for number in range(200)]
    assert parsed(chosen[0]).find_longest_gap(MOMENT) == timedelta(hours=2)
