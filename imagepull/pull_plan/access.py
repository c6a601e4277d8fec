"""Which pull Secret of the program opens an image, as far as its Pods get it at all.

Rules: a Pod's own `imagePullSecrets` come first, and only where there are none its ServiceAccount's are filled in when
the Pod is made (kubernetes/kubernetes plugin/pkg/admission/serviceaccount/admission.go); of all the entries in them the
kubelet tries those that match the image (`imagepull.registries.keyring`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from imagepull.inputs import UNKNOWN, Unknown
from imagepull.kubernetes.kinds import DEFAULT_NAMESPACE, DEFAULT_SERVICE_ACCOUNT
from imagepull.registries.docker_config import make_auths_key
from imagepull.registries.keyring import match
from imagepull.registries.lifetimes import describe_time_left
from imagepull.service_accounts import spec as service_accounts

if TYPE_CHECKING:
    from imagepull.renewal.renewer_plan import PlannedRenewer

__all__ = ["NODE", "MatchedEntry", "PlannedAccess", "PodAccess", "find_first_entry"]

NODE: Final = "the node"
"""Stands where a Secret's name would: the kubelet's credential provider opens the image. No Secret is called so."""


@dataclass(frozen=True, kw_only=True)
class PlannedAccess:
    """A pull Secret that the program declares, or the node's own access.

    Attributes:
        secret: its name; NODE where the nodes open the images.
        hosts: the registries that it opens, as they are configured (`ghcr.io`, `docker.io`).
        namespaces: where it is; None when that is not known yet.
        service_accounts: those that list it, in each of its namespaces; `*` is every one.
        expires: when the first of its tokens expires (timezone-aware); None when none does, UNKNOWN when it gets new
            ones.
        written: when that token was written to the cluster, as far as it is known: what became of it since then, the
            state does not say.
        renewer: who renews it outside of `pulumi up`; None for `pulumi up`, or where that is not known.
        missing_secrets: names in the ServiceAccounts' lists without a Secret, by `namespace/account`, as the last
            update or refresh found them.
    """

    secret: str
    hosts: tuple[str, ...]
    namespaces: tuple[str, ...] | None
    service_accounts: tuple[str, ...] = (DEFAULT_SERVICE_ACCOUNT,)
    expires: datetime | Unknown | None = UNKNOWN
    written: datetime | None = None
    renewer: "PlannedRenewer | None" = None
    missing_secrets: Mapping[str, Sequence[str]] = field(default_factory=dict)

    @property
    def by_node(self) -> bool:
        """Whether the nodes open the images, without a Secret."""
        return self.secret == NODE

    @property
    def keys(self) -> list[str]:
        """The keys of its entries."""
        return [make_auths_key(host) for host in self.hosts]

    def describe_renewal(self, now: datetime) -> str | None:
        """Who renews its tokens and when, in a sentence; None where none expires.

        Args:
            now: The moment from which on the next start counts (timezone-aware).
        """
        if self.by_node:
            return f"{', '.join(self.hosts)}: opened by the nodes, nothing to renew"
        if self.expires is None:
            return None
        if self.renewer is not None:
            return f"Secret {self.secret} is renewed by {self.renewer.describe(now)}"
        until = f"before {self.expires:%Y-%m-%d %H:%M} UTC" if isinstance(self.expires, datetime) else "within 12 hours"
        return f"Secret {self.secret} is renewed by `pulumi up`: run it {until}"

    def is_in(self, namespace: str | None) -> bool:
        """Whether it is in this namespace; True where that is not known yet, and for the node's own role everywhere."""
        if self.by_node and service_accounts.ALL in self.service_accounts:
            return True
        return self.namespaces is None or (namespace or DEFAULT_NAMESPACE) in self.namespaces

    def reaches(self, pod: "PodAccess") -> bool:
        """Whether Pods in one of its namespaces get it: they name it, or name none and their account lists it.

        The node asks for the account alone, whatever Secrets the Pod names.
        """
        if pod.pull_secrets and not self.by_node:
            return self.secret in pod.pull_secrets
        return self.is_listed_by(pod.service_account)

    def is_listed_by(self, service_account: str) -> bool:
        """Whether the ServiceAccount of this name lists it, in each of its namespaces."""
        return not {service_accounts.ALL, service_account}.isdisjoint(self.service_accounts)


@dataclass(frozen=True, kw_only=True)
class PodAccess:
    """What decides which Secrets a workload's Pods get.

    Attributes:
        workload: kind and name: `Deployment/web`.
        namespace: None where the manifest names none.
        pull_secrets: names in the Pod's own `imagePullSecrets`.
        service_account: name of its ServiceAccount.
    """

    workload: str
    namespace: str | None
    pull_secrets: tuple[str, ...] = ()
    service_account: str = DEFAULT_SERVICE_ACCOUNT


@dataclass(frozen=True, kw_only=True)
class MatchedEntry:
    """The entry that the kubelet tries first for an image."""

    access: PlannedAccess
    key: str

    def describe(self, image_host: str, now: datetime) -> str:
        """`registry-access, 11.9 hours left as written at 10:05 UTC`; with the entry's key where it is not the host."""
        expires = self.access.expires
        name = self.access.secret if self.key == image_host else f"{self.access.secret} [{self.key}]"
        if expires is None:
            return name
        if self.access.renewer is not None:  # the state does not know when its newest token expires
            return f"{name}, renewed by {self.access.renewer.who}"
        if isinstance(expires, datetime):
            written = self.access.written
            since = f" as written at {written.astimezone(UTC):%H:%M} UTC" if written else ""
            return f"{name}, {describe_time_left((expires - now).total_seconds())}{since}"
        return f"{name}, new token"


def find_first_entry(
    image: str, accesses: Sequence[PlannedAccess], namespace: str | None, pod: PodAccess | None
) -> MatchedEntry | None:
    """The entry that the kubelet tries first, of those that the program writes; None where none matches.

    Args:
        image: Reference as in the Pod.
        accesses: The program's pull Secrets.
        namespace: The Pod's; None for the client's default.
        pod: What the Pods get; None where it is not known yet: then whatever is in their namespace.

    Raises:
        InvalidReference: `image` is no image reference.
    """
    there = [access for access in accesses if access.is_in(namespace) and (pod is None or access.reaches(pod))]
    if pod is not None and pod.pull_secrets:
        names = pod.pull_secrets  # the node's credentials come after those of Secrets
        there.sort(key=lambda access: len(names) if access.by_node else names.index(access.secret))
    for key in match([key for access in there for key in access.keys], image)[:1]:
        return MatchedEntry(access=next(access for access in there if key in access.keys), key=key)
    return None
