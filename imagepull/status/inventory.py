"""What is read of a cluster for its status: Pods, what makes them, and all that decides about their images."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from imagepull.diagnosis.objects import Event, Missing, Node, Pod, Secret, Secrets, ServiceAccount

__all__ = ["ClusterWorkload", "Inventory", "RunningRenewer"]


@dataclass(frozen=True, kw_only=True, slots=True)
class ClusterWorkload:
    """Something that makes Pods and will make more.

    Attributes:
        template: the Pod that it makes next, without a status.
    """

    kind: str
    name: str
    template: Pod

    @property
    def title(self) -> str:
        """`Deployment/web`."""
        return f"{self.kind}/{self.name}"


@dataclass(frozen=True, kw_only=True, slots=True)
class RunningRenewer:
    """A renewer that runs in the cluster, and one Secret that it keeps alive.

    Attributes:
        title: as a reader knows it: `CronJob imagepull/renew`.
        stopped: it is suspended.
        refresh_before: seconds before the expiry from which on it renews; None for half of a token's life.
    """

    title: str
    stopped: bool = False
    refresh_before: float | None = None


@dataclass(frozen=True, kw_only=True)
class Inventory:
    """The objects of a cluster, or of a part of it, as they were at one moment.

    Attributes:
        scope: what was read, as in `Status`.
        at: when (timezone-aware).
        accounts: by namespace, then by name; a namespace whose accounts may not be read is not in it.
        secrets: by namespace; a namespace that is not in it may not be read.
        nodes: by name; None when they may not be read.
        events: of Pods that wait for an image, by namespace and name of the Pod; None when they may not be read.
        controllers: `Job/tidy-28` to `CronJob/tidy`: the controller of what controls a Pod, by namespace and title.
        renewals: by namespace and name of the Secret that is renewed.
        audience_granted: whether kubelets may ask for ServiceAccounts' tokens for AWS; None when that was not read.
        limits: what could not be read, one sentence each.
    """

    scope: str
    at: datetime
    pods: tuple[Pod, ...] = ()
    workloads: tuple[ClusterWorkload, ...] = ()
    accounts: Mapping[str, Mapping[str, ServiceAccount]] = field(default_factory=dict)
    secrets: Mapping[str, Secrets] = field(default_factory=dict)
    nodes: Mapping[str, Node] | None = None
    events: Mapping[tuple[str, str], tuple[Event, ...]] | None = None
    controllers: Mapping[tuple[str, str], str] = field(default_factory=dict)
    renewals: Mapping[tuple[str, str], RunningRenewer] = field(default_factory=dict)
    audience_granted: bool | None = None
    limits: tuple[str, ...] = ()

    def find_account(self, namespace: str, name: str) -> ServiceAccount | Missing:
        """A ServiceAccount, or why it is not at hand."""
        if namespace not in self.accounts:
            return Missing.WITHHELD
        return self.accounts[namespace].get(name, Missing.ABSENT)

    def find_secret(self, namespace: str, name: str) -> Secret | Missing:
        """A Secret, or why it is not at hand."""
        return self.secrets.get(namespace, Secrets()).look_up(name)

    def find_workload(self, pod: Pod) -> str:
        """Title of what makes a Pod: `Deployment/web`; of the Pod itself when nothing does."""
        if not pod.owner:
            return f"Pod/{pod.name}"
        return self.controllers.get((pod.namespace, pod.owner), pod.owner)
