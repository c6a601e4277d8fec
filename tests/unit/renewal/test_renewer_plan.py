"""Who renews and when, as the image pull plan says it."""

from datetime import UTC, datetime

import pytest

from imagepull.inputs import UNKNOWN, Unknown
from imagepull.pull_plan.access import PlannedAccess
from imagepull.pull_plan.plan import Plan, describe_renewals
from imagepull.renewal.renewer_plan import PlannedRenewer, plan_cron_job, plan_external_secrets, plan_renewer
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


def test_what_the_operator_does_that_others_do_not_is_said_below_its_sentence() -> None:
    renewer = plan_external_secrets("pull", 2, {"team": "x"})
    access = PlannedAccess(secret="pull", hosts=("a", "b"), namespaces=None, expires=EXPIRY, renewer=renewer)

    lines = describe_renewals(Plan(images=(), accesses=(access,)), NOW)

    assert lines[0] == "Secret pull is renewed by External Secrets Operator"
    assert [line for line in lines if "entries of others in Secret pull are replaced" in line]
    assert [line for line in lines if "if one of 2 registries fails, none in Secret pull is renewed" in line]
    assert [line for line in lines if "namespaces with team=x" in line and "write imagePullSecrets" in line]
    assert len(plan_external_secrets("pull", 1, {}).limits) == 1
