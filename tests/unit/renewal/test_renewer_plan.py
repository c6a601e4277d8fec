"""Who renews and when, as the image pull plan says it."""

from datetime import UTC, datetime

import pytest

from imagepull.inputs import UNKNOWN, Unknown
from imagepull.pull_plan.access import PlannedAccess
from imagepull.renewal.renewer_plan import PlannedRenewer, plan_cron_job, plan_renewer
from imagepull.renewal.settings import CronJobSettings

NOW = datetime(2026, 11, 24, 13, 30, tzinfo=UTC)
EXPIRY = datetime(2026, 11, 25, 1, 0, tzinfo=UTC)
CRON_JOB = plan_cron_job(CronJobSettings(schedule="17 */2 * * *", time_zone="Asia/Tokyo"), "pull", "shop/prod/pull")


@pytest.mark.parametrize(
    ("expires", "renewer", "told"),
    [
        (EXPIRY, None, "by `pulumi up`: run it before 2026-11-25 01:00 UTC"),
        (UNKNOWN, None, "by `pulumi up`: run it within 12 hours"),
        (EXPIRY, plan_renewer("external"), "by somebody outside Pulumi"),
        (EXPIRY, plan_renewer("cronJob"), "by a CronJob"),
        (EXPIRY, CRON_JOB, "by CronJob pull-renewal/pull-renewal, next start 2026-11-25 00:17 Asia/Tokyo"),
    ],
)
def test_who_renews_and_when(expires: datetime | Unknown, renewer: PlannedRenewer | None, told: str) -> None:
    access = PlannedAccess(secret="pull", hosts=("ghcr.io",), namespaces=None, expires=expires, renewer=renewer)
    assert access.describe_renewal(NOW) == f"Secret pull is renewed {told}"


def test_nobody_renews_what_does_not_expire() -> None:
    assert PlannedAccess(secret="pull", hosts=("ghcr.io",), namespaces=None, expires=None).describe_renewal(NOW) is None


@pytest.mark.parametrize("renewal", ["pulumi", None, UNKNOWN, "nonsense"])
def test_pulumi_up_is_no_renewer_beside_it(renewal: object) -> None:
    assert plan_renewer(renewal) is None
