"""What a cluster shows about pulls that need no Secret, so that nothing public is said to fail.

A container whose policy is Always was pulled when it started: the registry was asked then, whatever the node had. Where
its Pod has no Secret at all, the node's own credential opened the image, or none was needed; unless its ServiceAccount
names a role for the node to pull with.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from imagepull.diagnosis.objects import Missing, ServiceAccount
from imagepull.errors import InvalidReference
from imagepull.images.pull_policy import PullPolicy
from imagepull.images.reference import HUB, ImageReference, parse
from imagepull.registries.ecr_hosts import parse_host
from imagepull.status.inventory import Inventory

__all__ = ["Evidence", "asks_for_credentials", "gather_evidence"]

_EKS: Final = "-eks-"
"""Part of a kubelet's version on Amazon EKS: `v1.31.4-eks-aeac579`. Its nodes have the ecr-credential-provider."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What needs no Secret.

    Attributes:
        repositories: pulled by a Pod without any Secret.
        hosts: ECR registries of which a repository was.
        eks: every node is one of Amazon EKS.
    """

    repositories: frozenset[str] = frozenset()
    hosts: frozenset[str] = frozenset()
    eks: bool = False

    def has_node_credential(self, reference: ImageReference) -> bool:
        """Whether the nodes have a credential of their own for an image of ECR."""
        return asks_for_credentials(reference) and (self.eks or self.has_pulled_from(reference))

    def has_pulled_from(self, reference: ImageReference) -> bool:
        """Whether a node has pulled from this ECR registry for a Pod without a Secret and without a role."""
        return reference.domain in self.hosts

    def opens_without_secret(self, reference: ImageReference) -> bool:
        """Whether a Pod without a Secret has pulled from this repository."""
        return reference.repository in self.repositories

    @staticmethod
    def is_official(reference: ImageReference) -> bool:
        """Whether it is one of Docker Hub's official images, which are all public."""
        return reference.domain == HUB and reference.path.startswith("library/")


def asks_for_credentials(reference: ImageReference) -> bool:
    """Whether the registry is known to open nothing without a credential: private ECR."""
    host = parse_host(reference.domain)
    return host is not None and not host.public


def gather_evidence(inventory: Inventory) -> Evidence:
    """The evidence in a cluster's Pods and nodes."""
    pulled = {reference.repository: reference for reference in _find_pulled_without_secret(inventory)}
    nodes = (inventory.nodes or {}).values()
    return Evidence(
        repositories=frozenset(pulled),
        hosts=frozenset(reference.domain for reference in pulled.values() if asks_for_credentials(reference)),
        eks=bool(nodes) and all(_EKS in node.kubelet for node in nodes),
    )


def _find_pulled_without_secret(inventory: Inventory) -> Iterable[ImageReference]:
    seen: set[str] = set()
    for pod in inventory.pods:
        if pod.pull_secrets or _names_role(inventory.find_account(pod.namespace, pod.service_account)):
            continue
        for container in pod.containers:
            started = container.running or container.ended is not None
            if started and container.policy == PullPolicy.ALWAYS.value and container.image not in seen:
                seen.add(container.image)
                try:
                    yield parse(container.image)
                except InvalidReference:
                    continue


def _names_role(account: ServiceAccount | Missing) -> bool:
    """Whether its Pods' pulls may be by a role of its own, which opens nothing for others."""
    return not isinstance(account, Missing) and account.node_role is not None
