"""Who renews a Secret outside of `pulumi up`, in words for the image pull plan."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from imagepull.registry_secret.spec import Renewal
from imagepull.renewal import cron_job
from imagepull.renewal.schedule import CronSchedule
from imagepull.renewal.settings import CronJobSettings

__all__ = ["PlannedRenewer", "plan_cron_job", "plan_external_secrets", "plan_renewer"]

_WHO = {
    Renewal.CRON_JOB: "a CronJob",
    Renewal.EXTERNAL_SECRETS: "External Secrets Operator",
    Renewal.EXTERNAL: "somebody outside Pulumi",
}


@dataclass(frozen=True, kw_only=True)
class PlannedRenewer:
    """Who renews: `who` as a person says it (`a CronJob`), `name` in full, and when it starts where that is known.

    `limits`: sentences on what it does that others do not, with what to do about it.
    """

    who: str
    name: str
    schedule: CronSchedule | None = None
    time_zone: str = CronJobSettings.time_zone
    limits: tuple[str, ...] = ()

    def describe(self, now: datetime) -> str:
        """`CronJob ops/pull-renewal, next start 2026-11-24 14:17 Etc/UTC`."""
        if self.schedule is None:
            return self.name
        try:
            here = now.astimezone(ZoneInfo(self.time_zone))
        except ZoneInfoNotFoundError:  # a machine without a time zone database
            return f"{self.name}, at '{self.schedule.text}' {self.time_zone}"
        start = self.schedule.find_next_start(here)
        return self.name if start is None else f"{self.name}, next start {start:%Y-%m-%d %H:%M} {self.time_zone}"


def plan_renewer(renewal: object) -> PlannedRenewer | None:
    """The renewer that an input `renewal` names; None for `pulumi up` itself and for what is not known yet."""
    who = {way.value: who for way, who in _WHO.items()}.get(str(renewal))
    return None if who is None else PlannedRenewer(who=who, name=who)


def plan_cron_job(settings: CronJobSettings, secret_name: str, owner: str) -> PlannedRenewer:
    """The renewer that `renewal: cronJob` declares."""
    name = cron_job.make_default_name(secret_name)
    return PlannedRenewer(
        who=_WHO[Renewal.CRON_JOB],
        name=f"CronJob {settings.namespace or name}/{name}",
        schedule=cron_job.choose_schedule(settings, owner),
        time_zone=settings.time_zone,
    )


def plan_external_secrets(secret_name: str, registries: int, labels: Mapping[str, str]) -> PlannedRenewer:
    """The renewer that `renewal: externalSecrets` declares.

    Args:
        registries: How many are in the Secret.
        labels: Namespaces with these get a copy, too.
    """
    who = _WHO[Renewal.EXTERNAL_SECRETS]
    limits = [f"entries of others in Secret {secret_name} are replaced; keep them in a Secret of another name"]
    if registries > 1:
        limits.append(
            f"if one of {registries} registries fails, none in Secret {secret_name} is renewed; give one that may fail"
            " a RegistryAccess of its own"
        )
    if labels:
        chosen = ", ".join(f"{key}={value}" for key, value in sorted(labels.items()))
        limits.append(
            f"namespaces with {chosen} that this program does not name get Secret {secret_name}, but their `default`"
            f" ServiceAccounts do not list it; write imagePullSecrets: [{{name: {secret_name}}}] in the Pods there"
        )
    return PlannedRenewer(who=who, name=who, limits=tuple(limits))
