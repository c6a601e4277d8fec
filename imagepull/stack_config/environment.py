"""What one environment asks for. The fields are the keys of a stack's configuration in camel case (`secretName`).

`imagepull.stack_config.reader` reads a configuration into these classes, and makes the schema for editors of them: a
field's docstring is its description there.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from typing import Annotated, Any, Final

from annotated_types import Interval, MinLen

from imagepull.images.pull_policy import PullPolicy
from imagepull.images.rules import Rules
from imagepull.inputs import NAMESPACE, OBJECT_NAME, TextPattern
from imagepull.pull_plan.kinds import WorkloadKind
from imagepull.registries.inputs import ROLE_ARN
from imagepull.registries.lifetimes import DURATION, parse_seconds
from imagepull.registry_secret import spec as registry_secret
from imagepull.registry_secret.spec import Renewal
from imagepull.renewal.schedule import SCHEDULE
from imagepull.renewal.settings import Scope
from imagepull.stack_config.annotations import CronText, Examples, Image, Matching, RegistryInputs
from imagepull.stack_config.rollouts import PullWatchMode, make_timeout_annotation
from imagepull.stack_config.sizes import SIZE, parse_size

__all__ = [
    "ClusterSource",
    "CronJobSection",
    "Environment",
    "ExternalSecretsSection",
    "Namespace",
    "NodeSection",
    "Resources",
    "Verify",
    "WorkloadSpec",
]

Text = Annotated[str, MinLen(1)]
PLATFORM = TextPattern(
    pattern=re.compile("[a-z0-9]+/[a-z0-9_]+(?:/[a-z0-9]+)?"), longest=64, expected="a platform such as 'linux/amd64'"
)


class Verify(StrEnum):
    """Whether previews and updates ask the registries for the images, and what becomes of one that is not there."""

    OFF = "off"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, kw_only=True)
class Namespace:
    """A namespace that gets access."""

    name: Annotated[str, Matching(NAMESPACE), Examples("shop")]
    create: bool = False
    """Whether the program makes it. Default: false, it is there already."""


@dataclass(frozen=True, kw_only=True)
class Resources:
    """Quantities by resource: `{cpu: 100m, memory: 64Mi}`."""

    requests: Mapping[Text, Text] | None = None
    limits: Mapping[Text, Text] | None = None


@dataclass(frozen=True, kw_only=True)
class WorkloadSpec:
    """A workload of one container, in the short form."""

    kind: WorkloadKind = WorkloadKind.DEPLOYMENT
    name: Annotated[str, Matching(OBJECT_NAME), Examples("web")]
    namespace: Annotated[str, Matching(NAMESPACE), Examples("shop")]
    """One of `namespaces`."""
    image: Annotated[str, Image(), Examples("123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web:1.4.2")]
    """Image of the one container."""
    image_pull_policy: PullPolicy | None = None
    """Default: as the kubelet has it for the image: `Always` for `latest` or no tag, else `IfNotPresent`."""
    port: Annotated[int, Interval(ge=1, le=65535)] | None = None
    """Port that the container listens on; it is probed."""
    replicas: Annotated[int, Interval(ge=0, le=1_000_000)] | None = None
    """Number of Pods of a Deployment or StatefulSet. Default: 1, or what an autoscaler made of it."""
    schedule: Annotated[str, MinLen(1), CronText(), Examples("0 3 * * *")] | None = None
    """When a CronJob runs."""
    command: tuple[Text, ...] | None = None
    """Replaces the image's entry point."""
    arguments: tuple[str, ...] | None = None
    """Replace the image's command."""
    env: Mapping[Text, str] | None = None
    """Environment variables."""
    resources: Resources | None = None
    """What the container asks for and may use: `{limits: {memory: 64Mi}}`."""
    service_account_name: Annotated[str, Matching(OBJECT_NAME)] | None = None
    """ServiceAccount of the Pods. Default: the namespace's `default`."""
    probes: bool | None = None
    """Probe the port. Default: true."""
    restricted: bool | None = None
    """Run as the Pod Security Standard `restricted` asks: no root, no privileges. Default: true."""
    rollout_timeout: Annotated[str, Matching(DURATION), Examples("3m")] | None = None
    """How long `pulumi up` waits until it is rolled out. Default: `rolloutTimeout` of the environment."""

    @property
    def component_arguments(self) -> dict[str, Any]:
        """Arguments of the component of this kind: name to value, as far as they are given."""
        given = _list_given(self)
        if self.resources is not None:
            given["resources"] = _list_given(self.resources)
        if self.rollout_timeout is not None:
            given["metadata"] = {"annotations": make_timeout_annotation(self.rollout_timeout)}
        return {name: value for name, value in given.items() if name not in ("kind", "name", "rollout_timeout")}


@dataclass(frozen=True, kw_only=True)
class CronJobSection:
    """How the renewer runs in the cluster, for `renewal: cronJob`."""

    image: Annotated[str, MinLen(1), Examples("ghcr.io/acme/imagepull-renewer@sha256:...")] | None = None
    """Image of the renewer. Default: the released image of this version."""
    namespace: Annotated[str, Matching(NAMESPACE)] | None = None
    """Namespace that the renewer runs in; it must exist. Default: one of its own, which is made."""
    schedule: Annotated[str, Matching(SCHEDULE), Examples("17 */2 * * *")] | None = None
    """When to look for tokens that are due. Default: every two hours, at a minute that differs between stacks."""
    time_zone: Annotated[str, MinLen(1), Examples("Europe/Berlin")] | None = None
    """Time zone of the schedule. Default: `Etc/UTC`."""
    scope: Scope | None = None
    """`namespaces`: a Role in each namespace. `cluster`: one ClusterRole, limited to Secrets of this name.
    Default: `namespaces`."""
    role_arn: Annotated[str, MinLen(1), Examples("arn:aws:iam::123456789012:role/pull")] | None = None
    """IAM role that the renewer's ServiceAccount becomes (IRSA). Default: Pod Identity, or the node's role."""
    credentials_secret: Annotated[str, Matching(OBJECT_NAME)] | None = None
    """Secret in the renewer's namespace with `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`. Default: none."""
    image_pull_secrets: tuple[Annotated[str, Matching(OBJECT_NAME)], ...] | None = None
    """Pull Secrets for the renewer's own image, in its namespace. Default: none."""
    env: Mapping[Text, Text] | None = None
    """Environment variables of the renewer. Default: none."""


@dataclass(frozen=True, kw_only=True)
class ExternalSecretsSection:
    """How External Secrets Operator, which must be in the cluster, fetches and copies."""

    namespace: Annotated[str, Matching(NAMESPACE)] | None = None
    """Namespace of the source; it must exist. Default: one of its own, which is made."""
    namespace_labels: Mapping[Text, str] | None = None
    """Every namespace with all of these labels gets a copy. Default: only those in `namespaces`."""
    service_account: Annotated[str, Matching(OBJECT_NAME)] | None = None
    """ServiceAccount in the source's namespace, with an IAM role for the operator. Default: as it reaches AWS."""
    source_interval: Annotated[str, Matching(DURATION), Examples("4h")] | None = None
    """How often the operator fetches tokens. Default: `4h`."""
    copy_interval: Annotated[str, Matching(DURATION), Examples("15m")] | None = None
    """How often it compares each copy with the source. Default: `15m`."""
    server: Text | None = None
    """Address of the API server, for an operator outside the cluster. Default: as Pods reach it."""


@dataclass(frozen=True, kw_only=True)
class NodeSection:
    """Whose AWS role the nodes pull with, for `renewal: node`."""

    role_arn: Annotated[str, Matching(ROLE_ARN), Examples("arn:aws:iam::123456789012:role/pull")] | None = None
    """IAM role of the ServiceAccounts, which are annotated with it. Default: the node's own role, for all Pods."""


@dataclass(frozen=True, kw_only=True)
class ClusterSource:
    """The cluster that another stack made."""

    stack: Annotated[str, MinLen(1), Examples("organization/infrastructure/prod")]
    """Full name of the stack: organization, project, stack."""
    output: Text = "kubeconfig"
    """Its output that is the kubeconfig: a text, or the object that EKS exports."""
    cluster_identifier: Annotated[str, MinLen(1), Examples("prod-1")] | None = None
    """A name of your choice for the cluster. With it only another name means another cluster, and the address in the
    kubeconfig may change. Default: everything is replaced when the kubeconfig's entry of the cluster changes."""


@dataclass(frozen=True, kw_only=True)
class Environment:
    """All that a stack's configuration says under this project's name."""

    registries: Annotated[tuple[Annotated[Mapping[str, str], RegistryInputs()], ...], MinLen(1)] = field(repr=False)
    """Registries to open: each host once."""
    namespaces: Annotated[tuple[Namespace, ...], MinLen(1)]
    """Namespaces to open them for."""
    service_accounts: tuple[Text, ...] | None = None
    """ServiceAccounts in each namespace whose new Pods need not name the Secret. `["*"]`: all there are; `[]`: none.
    Default: `["default"]`."""
    secret_name: Annotated[str, Matching(OBJECT_NAME)] | None = None
    """Name of the pull Secret. Default: `registry-access`."""
    refresh_before: Annotated[str, Matching(DURATION), Examples("6h")] | None = None
    """Time left to the earliest expiry from which on `pulumi up` renews the tokens. Default: half of their life."""
    renewal: Renewal | None = None
    """Who keeps ECR tokens alive: each `pulumi up` when due, imagepull in a CronJob, an operator, the nodes without a
    Secret, or somebody else. Default: `pulumi`."""
    cron_job: CronJobSection | None = None
    """How the renewer runs, for `renewal: cronJob`."""
    external_secrets: ExternalSecretsSection | None = None
    """How External Secrets Operator renews, for `renewal: externalSecrets`."""
    node: NodeSection | None = None
    """Whose role the nodes pull with, for `renewal: node`."""
    labels: Mapping[str, str] | None = None
    """Labels to put on the Secrets."""
    annotations: Mapping[str, str] | None = None
    """Annotations to put on the Secrets."""
    adopt: bool | None = None
    """Take over Secrets of that name that somebody else made. Default: false, such a Secret is an error."""
    workloads: tuple[WorkloadSpec, ...] = ()
    """Workloads to run."""
    rules: Rules = field(default_factory=Rules)
    """What images may be, and which policies. Default: the kubelet's own rule and nothing else."""
    verify: Verify = Verify.OFF
    """Ask the registries whether the images are there: `off`, `warning`, or `error`, which fails the run. It takes the
    network and the registries' credentials. Default: `off`."""
    platforms: tuple[Annotated[str, Matching(PLATFORM), Examples("linux/amd64")], ...] | None = None
    """Platforms of the nodes, which `verify` is to find in each image. Default: any."""
    largest_image: Annotated[str, Matching(SIZE), Examples("2Gi")] | None = None
    """The most that `verify` lets an image take to pull: compressed, as Kubernetes writes sizes. Default: any."""
    pull_watch: PullWatchMode = PullWatchMode.WARNING
    """Say during `pulumi up`, within seconds, why an image is not pulled: `off`, `warning`, or `error`, which fails the
    run. It takes the right to list Pods. Default: `warning`."""
    rollout_timeout: Annotated[str, Matching(DURATION), Examples("3m")] | None = None
    """How long `pulumi up` waits until a workload is rolled out, and watches its images. Default: 10 minutes."""
    cluster: ClusterSource | None = None
    """Where to deploy. Default: as `kubernetes:context` and `imagepull:context` say, else as kubectl does."""

    @property
    def access_arguments(self) -> dict[str, Any]:
        """Arguments of `components.RegistryAccess`: name to value, as far as they are given. They hold passwords."""
        given = {name: value for name, value in _list_given(self).items() if name not in _NOT_OF_ACCESS}
        if self.cron_job is not None:
            given["cron_job"] = _list_given(self.cron_job)
        if self.external_secrets is not None:
            given["external_secrets"] = _list_given(self.external_secrets)
        if self.node is not None:
            given["node"] = _list_given(self.node)
        return {
            "registries": [*self.registries],
            "namespaces": [namespace.name for namespace in self.namespaces],
            **given,
        }

    @property
    def timed_workloads(self) -> tuple[WorkloadSpec, ...]:
        """The workloads, each with the `rollout_timeout` that counts for it."""
        return tuple(
            replace(each, rollout_timeout=each.rollout_timeout or self.rollout_timeout) for each in self.workloads
        )

    @property
    def longest_rollout(self) -> str | None:
        """The longest of their timeouts; None where one has none."""
        timeouts = [each.rollout_timeout for each in self.timed_workloads]
        return None if None in timeouts else max(filter(None, timeouts), key=parse_seconds, default=None)

    @property
    def largest_bytes(self) -> int | None:
        """`largest_image` as a number of bytes."""
        return None if self.largest_image is None else parse_size(self.largest_image)

    @property
    def credentials(self) -> tuple[registry_secret.RegistrySource, ...]:
        """What opens each registry. They hold passwords."""
        return registry_secret.parse_registries([*self.registries])


_NOT_OF_ACCESS: Final = frozenset(
    ("registries", "namespaces", "workloads", "rules", "verify", "platforms", "largest_image", "pull_watch")
).union(("rollout_timeout", "cluster"))
"""Fields that say nothing of `components.RegistryAccess`."""


def _list_given(section: Any) -> dict[str, Any]:
    """The fields of a dataclass that are not None, as plain data: lists for tuples, texts for enums."""
    values = {each.name: getattr(section, each.name) for each in fields(section)}
    return {name: _to_plain(value) for name, value in values.items() if value is not None}


def _to_plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return list(value)
    return value.value if isinstance(value, StrEnum) else value
