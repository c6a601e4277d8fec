"""The arguments of the workload components."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict, Union

import pulumi

from imagepull.images.rules import Rules

from .access import Access
from .rules_args import ImageRules

__all__ = [
    "CronJobArgs",
    "DaemonSetArgs",
    "DeploymentArgs",
    "JobArgs",
    "PodArgs",
    "ShortFormArgs",
    "StatefulSetArgs",
    "WorkloadArgs",
]


class ShortFormArgs(TypedDict, total=False):
    """A workload of one container."""

    image: pulumi.Input[str]
    """Short form: image of the one container."""
    image_pull_policy: pulumi.Input[str]
    """Short form: `Always`, `IfNotPresent` or `Never`. Default: as the kubelet has it for the image."""
    port: pulumi.Input[int]
    """Short form: port that the container listens on. Default: none."""
    command: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Short form: replaces the image's entry point. Default: the image's."""
    arguments: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Short form: `args` of the container, which replace the image's command. Default: the image's."""
    env: pulumi.Input[Mapping[str, pulumi.Input[str]]]
    """Short form: environment variables. Default: none."""
    resources: pulumi.Input[Any]
    """Short form: `requests` and `limits` of the container. Default: none."""
    service_account_name: pulumi.Input[str]
    """Short form: ServiceAccount of the Pods. Default: the namespace's `default`."""
    probes: bool
    """Short form: probe the port (startup, readiness, liveness). Default: true."""
    restricted: bool
    """Short form: run as the Pod Security Standard `restricted` asks: no root, no privileges. Default: true."""


class WorkloadArgs(ShortFormArgs, total=False):
    """A workload: whole (`spec`, as pulumi_kubernetes takes it) or in the short form (`image` and what follows)."""

    access: Access
    """RegistryAccess or AccessReference whose Secret the Pods name, and that is there before they are. Not together
    with `image_pull_secrets`. Default: none."""
    image_pull_secrets: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Secrets that the Pods name: the `image_pull_secrets` of a RegistryAccess, also of one in another stack.
    Default: none."""
    rules: Union[Rules, ImageRules]
    """Rules that the images must keep to. Default: none but the kubelet's own."""
    metadata: pulumi.Input[Any]
    """The object's metadata. In the short form its name is the resource's, unless given here."""
    spec: pulumi.Input[Any]
    """The object's spec, whole. Not together with the short form."""
    namespace: pulumi.Input[str]
    """Short form: namespace. Default: that of the metadata, else the provider's."""


class PodArgs(WorkloadArgs, total=False):
    """See `WorkloadArgs`."""


class DeploymentArgs(WorkloadArgs, total=False):
    """See `WorkloadArgs`."""

    replicas: pulumi.Input[int]
    """Short form: number of Pods. Default: 1, or what an autoscaler made of it."""


class StatefulSetArgs(WorkloadArgs, total=False):
    """See `WorkloadArgs`."""

    replicas: pulumi.Input[int]
    """Short form: number of Pods. Default: 1, or what an autoscaler made of it."""


class DaemonSetArgs(WorkloadArgs, total=False):
    """See `WorkloadArgs`."""


class JobArgs(WorkloadArgs, total=False):
    """See `WorkloadArgs`."""


class CronJobArgs(WorkloadArgs, total=False):
    """See `WorkloadArgs`."""

    schedule: pulumi.Input[str]
    """Short form, required there: when to run, as cron has it: `0 3 * * *`."""
