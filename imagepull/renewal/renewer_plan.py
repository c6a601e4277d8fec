"""Who renews a Secret outside of `pulumi up`, in words for the image pull plan."""

from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from imagepull.registry_secret.spec import Renewal
from imagepull.renewal import cron_job
from imagepull.renewal.schedule import CronSchedule
from imagepull.renewal.settings import CronJobSettings

__all__ = ["PlannedRenewer", "plan_cron_job", "plan_renewer"]

_WHO = {
    Renewal.CRON_JOB: "a CronJob",
    Renewal.EXTERNAL_SECRETS: "External Secrets Operator",
    Renewal.EXTERNAL: "somebody outside Pulumi",
}


@dataclass(frozen=True, kw_only=True)
class PlannedRenewer:
    """Who renews: `who` as a person says it (`a CronJob`), `name` in full, and when it starts where that is known."""

    who: str
    name: str
    schedule: CronSchedule | None = None
    time_zone: str = CronJobSettings.time_zone

    def describe(self, now: datetime) -> str:
        """`CronJob ops/pull-renewal, next start 2026-11-24 14:17 Etc/UTC`."""
        if self.schedule is None:
            return self.name
        try:
            here = now.astimezone(ZoneInfo(self.time_zone))
        except ZoneInfoNotFoundError:  # a machine without a time zone database
            return f"{self.name}, at '{self.schedule.text}' {self.time_zone}"
        start = self.schedule.next_after(here)
        return self.name if start is None else f"{self.name}, next start {start:%Y-%m-%d %H:%M} {self.time_zone}"


def plan_renewer(renewal: object) -> PlannedRenewer | None:
    """The renewer that an input `renewal` names; None for `pulumi up` itself and for what is not known yet."""
    who = {way.value: who for way, who in _WHO.items()}.get(str(renewal))
    return None if who is None else PlannedRenewer(who=who, name=who)


def plan_cron_job(settings: CronJobSettings, secret_name: str, owner: str) -> PlannedRenewer:
    """The renewer that `renewal: cronJob` declares."""
    name = cron_job.default_name(secret_name)
    return PlannedRenewer(
        who=_WHO[Renewal.CRON_JOB],
        name=f"CronJob {settings.namespace or name}/{name}",
        schedule=cron_job.started_by(settings, owner),
        time_zone=settings.time_zone,
    )
