"""The workload components, one for each kind. The Kubernetes resource that each declares is its `resource`."""

from typing import Optional, Unpack

import pulumi

from components.workload import Workload
from components.workload_args import CronJobArgs, DaemonSetArgs, DeploymentArgs, JobArgs, PodArgs, StatefulSetArgs

__all__ = ["CronJob", "DaemonSet", "Deployment", "Job", "Pod", "StatefulSet"]

# In every constructor: the schema analyzer reads the annotation of `args` and knows no Optional there.


class Pod(Workload):
    """`kubernetes.core.v1.Pod` with explicit pull policies and pull Secrets. See `Workload`."""

    kind = "Pod"
    _args = PodArgs
    _module = "pulumi_kubernetes.core.v1"

    def __init__(
        self,
        name: str,
        args: PodArgs = None,  # type: ignore[assignment]
        opts: Optional[pulumi.ResourceOptions] = None,
        **fields: Unpack[PodArgs],
    ) -> None:
        super().__init__(name, args, opts, **fields)


class Deployment(Workload):
    """`kubernetes.apps.v1.Deployment` with explicit pull policies and pull Secrets. See `Workload`."""

    kind = "Deployment"
    _args = DeploymentArgs
    _module = "pulumi_kubernetes.apps.v1"

    def __init__(
        self,
        name: str,
        args: DeploymentArgs = None,  # type: ignore[assignment]
        opts: Optional[pulumi.ResourceOptions] = None,
        **fields: Unpack[DeploymentArgs],
    ) -> None:
        super().__init__(name, args, opts, **fields)


class StatefulSet(Workload):
    """`kubernetes.apps.v1.StatefulSet` with explicit pull policies and pull Secrets. See `Workload`."""

    kind = "StatefulSet"
    _args = StatefulSetArgs
    _module = "pulumi_kubernetes.apps.v1"

    def __init__(
        self,
        name: str,
        args: StatefulSetArgs = None,  # type: ignore[assignment]
        opts: Optional[pulumi.ResourceOptions] = None,
        **fields: Unpack[StatefulSetArgs],
    ) -> None:
        super().__init__(name, args, opts, **fields)


class DaemonSet(Workload):
    """`kubernetes.apps.v1.DaemonSet` with explicit pull policies and pull Secrets. See `Workload`."""

    kind = "DaemonSet"
    _args = DaemonSetArgs
    _module = "pulumi_kubernetes.apps.v1"

    def __init__(
        self,
        name: str,
        args: DaemonSetArgs = None,  # type: ignore[assignment]
        opts: Optional[pulumi.ResourceOptions] = None,
        **fields: Unpack[DaemonSetArgs],
    ) -> None:
        super().__init__(name, args, opts, **fields)


class Job(Workload):
    """`kubernetes.batch.v1.Job` with explicit pull policies and pull Secrets. See `Workload`."""

    kind = "Job"
    _args = JobArgs
    _module = "pulumi_kubernetes.batch.v1"

    def __init__(
        self,
        name: str,
        args: JobArgs = None,  # type: ignore[assignment]
        opts: Optional[pulumi.ResourceOptions] = None,
        **fields: Unpack[JobArgs],
    ) -> None:
        super().__init__(name, args, opts, **fields)


class CronJob(Workload):
    """`kubernetes.batch.v1.CronJob` with explicit pull policies and pull Secrets. See `Workload`."""

    kind = "CronJob"
    _args = CronJobArgs
    _module = "pulumi_kubernetes.batch.v1"

    def __init__(
        self,
        name: str,
        args: CronJobArgs = None,  # type: ignore[assignment]
        opts: Optional[pulumi.ResourceOptions] = None,
        **fields: Unpack[CronJobArgs],
    ) -> None:
        super().__init__(name, args, opts, **fields)
