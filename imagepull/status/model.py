"""What `imagepull status` finds out: each image's next pull, and each pull Secret's tokens."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Final

__all__ = ["WILL_FAIL", "OpenedBy", "Pull", "Renewer", "StartOutcome", "Status", "TokenStatus", "find_worst"]


class StartOutcome(StrEnum):
    """How the next start of a container goes, as far as its image is concerned; the worst first."""

    FAILS_NOW = "fails now"
    FAILS_NEXT_START = "fails at next start"
    FAILS_SOON = "fails soon"
    UNKNOWN = "unknown"
    FINE = "fine"


WILL_FAIL: Final = frozenset({StartOutcome.FAILS_NOW, StartOutcome.FAILS_NEXT_START, StartOutcome.FAILS_SOON})
"""The outcomes for which the exit status is 1."""

_RANK: Final = {outcome: rank for rank, outcome in enumerate(StartOutcome)}


def find_worst(outcomes: Iterable[StartOutcome]) -> StartOutcome:
    """The worst of the outcomes; FINE for none."""
    return min(outcomes, key=_RANK.__getitem__, default=StartOutcome.FINE)


class OpenedBy(StrEnum):
    """Whose credential the kubelet sends to the registry first."""

    SECRET = "Secret"  # noqa: S105 - a kind
    """An entry of a pull Secret that the Pod has."""
    NODE = "node"
    """No Secret: the node has a credential, from a credential provider or a file."""
    NOBODY = "nobody"
    """No Secret, and the node is not known to have one: the registry is asked without a credential."""
    UNKNOWN = "unknown"
    """The Secrets may not be read."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Renewer:
    """Who replaces a token before it expires.

    Attributes:
        title: as a reader knows it: `CronJob imagepull/renew`, `pulumi up`, `nobody known`.
        automatic: it runs without anybody doing anything.
    """

    title: str
    automatic: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class TokenStatus:
    """One entry of one pull Secret.

    Attributes:
        key: of `auths`, as written: the registry.
        owner: whose the Secret is: `Pulumi: project/stack/resource`, `ExternalSecret pull`; empty when that is unknown.
        issued, expires: timezone-aware; None when unknown. An entry without `expires` is taken not to expire.
        renewal: when its renewer is due to replace it; None when that is unknown.
        workloads: those whose images it opens first: `Deployment/web`.
        pods: how many of their Pods there are.
    """

    namespace: str
    secret: str
    key: str
    owner: str
    renewer: Renewer
    issued: datetime | None = None
    expires: datetime | None = None
    renewal: datetime | None = None
    workloads: tuple[str, ...] = ()
    pods: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Pull:
    """How the next pull of one image goes, for all Pods of a workload of which the same is to be said.

    Attributes:
        workload: kind and name of what makes the Pods: `Deployment/web`; `Pod/worker` for a Pod of its own.
        container: name, with its role in front unless it is an ordinary one: `init migrate`, `volume models`.
        registry: host of the image; empty when the image is no reference.
        reason: why the policy is as it is.
        secret, key, owner, expires: of the entry that the kubelet tries first; empty and None without one. Where the
            node opens the image with the ServiceAccount's role, that role's ARN is the owner.
        code: of the cause (`imagepull.diagnosis`); empty where nothing is wrong.
        confidence: `certain`, `likely` or `possible`; empty where nothing is wrong.
        cause, fix: one sentence each; `fix` is empty where nothing is to be done.
        fails_at: from when on it fails, when that is known.
        pods: names of the Pods concerned.
        template: whether it also holds for the Pods that the workload makes next.
    """

    namespace: str
    workload: str
    container: str
    image: str
    registry: str
    policy: str
    reason: str
    opened_by: OpenedBy
    outcome: StartOutcome
    secret: str = ""
    key: str = ""
    owner: str = ""
    expires: datetime | None = None
    code: str = ""
    confidence: str = ""
    cause: str = ""
    fix: str = ""
    fails_at: datetime | None = None
    pods: tuple[str, ...] = ()
    template: bool = False

    @property
    def title(self) -> str:
        """`shop/Deployment/web`."""
        return f"{self.namespace}/{self.workload}"


@dataclass(frozen=True, kw_only=True)
class Status:
    """The status of a cluster, a namespace or a stack.

    Attributes:
        scope: what was looked at, as a reader says it: `namespace shop`, `all namespaces`, `stack prod`.
        at: when (timezone-aware).
        within: seconds ahead of `at` in which a token that expires counts.
        pulls: the worst first, then by namespace, workload and container.
        tokens: entries of pull Secrets, the first to expire first.
        namespaces, workloads, pods: how many were looked at.
        limits: what could not be read, one sentence each.
    """

    scope: str
    at: datetime
    within: float
    pulls: tuple[Pull, ...] = ()
    tokens: tuple[TokenStatus, ...] = ()
    namespaces: int = 0
    workloads: int = 0
    pods: int = 0
    limits: tuple[str, ...] = ()

    @cached_property
    def counts(self) -> Mapping[StartOutcome, int]:
        """How many pulls there are of each outcome, in the order of `StartOutcome`, zeros included."""
        counts = dict.fromkeys(StartOutcome, 0)
        for pull in self.pulls:
            counts[pull.outcome] += 1
        return counts

    @property
    def will_fail(self) -> int:
        """How many pulls fail now, at the next start, or within `within`."""
        return sum(self.counts[outcome] for outcome in WILL_FAIL)
