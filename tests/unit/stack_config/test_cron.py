"""A CronJob's schedule: taken and refused as robfig/cron v3 does, whose tests the vectors are like."""

import pytest

from imagepull.stack_config.cron import check_schedule


@pytest.mark.parametrize(
    "schedule",
    [
        "* * * * *",
        "*/5 * * * *",
        "0 3 * * *",
        "59 23 31 12 6",
        "0 0 1 1 0",
        "0-30/10,45 8-18 * jan-MAR,dec mon-Fri",
        "5/15 * * * ?",
        "  0   3 * * *  ",
        "@hourly",
        "@every 1h30m",
        "@every 1.5h",
    ],
)
def test_right_schedule_is_taken(schedule: str) -> None:
    assert check_schedule(schedule) is None


@pytest.mark.parametrize(
    ("schedule", "told"),
    [
        ("", "has 0 fields instead of five"),
        ("* * * *", "has 4 fields"),
        ("0 0 3 * * *", "has 6 fields"),
        ("60 * * * *", "'60' as its minute, which may be from 0 to 59"),
        ("-1 * * * *", "as its minute"),
        ("* 24 * * *", "as its hour, which may be from 0 to 23"),
        ("* * 0 * *", "as its day of the month, which may be from 1 to 31"),
        ("* * 32 * *", "as its day of the month"),
        ("* * * 13 *", "as its month"),
        ("* * * mon *", "as its month"),
        ("* * * * 7", "as its day of the week, which may be from 0 to 6"),
        ("* * * * jan", "as its day of the week"),
        ("30-10 * * * *", "as its minute"),
        ("*/0 * * * *", "as its minute"),
        ("*/ * * * *", "as its minute"),
        ("1, * * * *", "as its minute"),
        ("1- * * * *", "as its minute"),
        ("\u0663 * * * *", "holds other characters"),
        ("TZ=UTC 0 3 * * *", "names a time zone"),
        ("CRON_TZ=UTC 0 3 * * *", "names a time zone"),
        ("@reboot", "is no schedule; write one of @yearly"),
        ("@every day", "is no schedule"),
        ("@every 1h ", "is no schedule"),
    ],
)
def test_wrong_schedule_is_refused_with_what_to_write(schedule: str, told: str) -> None:
    reason = check_schedule(schedule)

    assert reason is not None
    assert told in reason
