"""The workload components, one for each kind: pulumi_kubernetes' own resource, which `Workload` gives its arguments."""

from typing import Unpack

import pulumi
from pulumi_kubernetes.apps import v1 as apps
from pulumi_kubernetes.batch import v1 as batch
from pulumi_kubernetes.core import v1 as core

from imagepull.pull_plan.kinds import WorkloadKind

from .workload import Workload
from .workload_args import CronJobArgs, DaemonSetArgs, DeploymentArgs, JobArgs, PodArgs, StatefulSetArgs

__all__ = ["CronJob", "DaemonSet", "Deployment", "Job", "Pod", "StatefulSet"]


class Pod(Workload, core.Pod):
    """`kubernetes.core.v1.Pod` with explicit pull policies and pull Secrets. See `Workload`."""

    _kind = WorkloadKind.POD
    _arguments = PodArgs

    def __init__(
        self,
        name: str,
        args: PodArgs | core.PodInitArgs | None = None,
        opts: pulumi.ResourceOptions | None = None,
        **fields: Unpack[PodArgs],
    ) -> None:
        super().__init__(name, args, opts, **fields)


class Deployment(Workload, apps.Deployment):
    """`kubernetes.apps.v1.Deployment` with explicit pull policies and pull Secrets. See `Workload`."""

    _kind = WorkloadKind.DEPLOYMENT
    _arguments = DeploymentArgs

    def __init__(
        self,
        name: str,
        args: DeploymentArgs | apps.DeploymentInitArgs | None = None,
        opts: pulumi.ResourceOptions | None = None,
        **fields: Unpack[DeploymentArgs],
    ) -> None:
        super().__init__(name, args, opts, **fields)


class StatefulSet(Workload, apps.StatefulSet):
    """`kubernetes.apps.v1.StatefulSet` with explicit pull policies and pull Secrets. See `Workload`."""

    _kind = WorkloadKind.STATEFUL_SET
    _arguments = StatefulSetArgs

    def __init__(
        self,
        name: str,
        args: StatefulSetArgs | apps.StatefulSetInitArgs | None = None,
        opts: pulumi.ResourceOptions | None = None,
        **fields: Unpack[StatefulSetArgs],
    ) -> None:
        super().__init__(name, args, opts, **fields)


class DaemonSet(Workload, apps.DaemonSet):
    """`kubernetes.apps.v1.DaemonSet` with explicit pull policies and pull Secrets. See `Workload`."""

    _kind = WorkloadKind.DAEMON_SET
    _arguments = DaemonSetArgs

    def __init__(
        self,
        name: str,
        args: DaemonSetArgs | apps.DaemonSetInitArgs | None = None,
        opts: pulumi.ResourceOptions | None = None,
        **fields: Unpack[DaemonSetArgs],
    ) -> None:
        super().__init__(name, args, opts, **fields)


class Job(Workload, batch.Job):
    """`kubernetes.batch.v1.Job` with explicit pull policies and pull Secrets. See `Workload`."""

    _kind = WorkloadKind.JOB
    _arguments = JobArgs

    def __init__(
        self,
        name: str,
        args: JobArgs | batch.JobInitArgs | None = None,
        opts: pulumi.ResourceOptions | None = None,
        **fields: Unpack[JobArgs],
    ) -> None:
        super().__init__(name, args, opts, **fields)


class CronJob(Workload, batch.CronJob):
    """`kubernetes.batch.v1.CronJob` with explicit pull policies and pull Secrets. See `Workload`."""

    _kind = WorkloadKind.CRON_JOB
    _arguments = CronJobArgs

    def __init__(
        self,
        name: str,
        args: CronJobArgs | batch.CronJobInitArgs | None = None,
        opts: pulumi.ResourceOptions | None = None,
        **fields: Unpack[CronJobArgs],
    ) -> None:
        super().__init__(name, args, opts, **fields)
