"""The kinds of workload that have a component and a short form, and what only some of them take."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

__all__ = ["ONLY_FOR", "REQUIRED_FOR", "WorkloadKind"]


class WorkloadKind(StrEnum):
    """The kinds of workload that have a short form."""

    DEPLOYMENT = "Deployment"
    POD = "Pod"
    STATEFUL_SET = "StatefulSet"
    DAEMON_SET = "DaemonSet"
    JOB = "Job"
    CRON_JOB = "CronJob"


ONLY_FOR: Final[Mapping[str, tuple[WorkloadKind, ...]]] = {
    "replicas": (WorkloadKind.DEPLOYMENT, WorkloadKind.STATEFUL_SET),
    "schedule": (WorkloadKind.CRON_JOB,),
}
"""Fields of the short form that not every kind has, and the kinds that have them."""
REQUIRED_FOR: Final[Mapping[WorkloadKind, str]] = {WorkloadKind.CRON_JOB: "schedule"}
"""A field without which a kind has no short form."""
