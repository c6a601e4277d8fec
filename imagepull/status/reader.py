"""Reads an inventory from a cluster: lists, not object by object, and nothing that decides nothing.

What may not be listed in the whole cluster is listed in each namespace, and what may not be listed there is asked for
by name. What may not be read at all is a limit of the inventory, never taken to be absent.
"""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from imagepull.diagnosis.fields import Json, read_mapping, read_text
from imagepull.diagnosis.node_role import read_audience_right
from imagepull.diagnosis.objects import Event, Node, Pod, Secrets, ServiceAccount
from imagepull.diagnosis.parsing import parse_event, parse_node, parse_pod, parse_service_account
from imagepull.diagnosis.pull_objects import group_by_namespace, read_accounts, read_pull_secrets
from imagepull.diagnosis.secrets import parse_secret
from imagepull.errors import Forbidden
from imagepull.kubernetes.client import Cluster
from imagepull.kubernetes.kinds import EVERY_NAMESPACE, KINDS
from imagepull.kubernetes.listing import list_objects
from imagepull.renewal.cron_job import RENEWER_LABELS
from imagepull.status.inventory import ClusterWorkload, Inventory, RunningRenewer
from imagepull.status.renewers import list_renewers
from imagepull.status.workloads import WORKLOAD_KINDS, find_controller, parse_workload

__all__ = ["EVERY_NAMESPACE", "read_inventory"]

_FEW: Final = 12
"""Up to so many namespaces are asked for their Events one by one."""


async def read_inventory(cluster: Cluster, namespace: str, scope: str) -> Inventory:
    """Everything that decides about the image pulls of a namespace, or of all (`EVERY_NAMESPACE`).

    Args:
        scope: what to call it, as in `Status`.

    Raises:
        ClusterError: the cluster cannot be reached, or the Pods may not be listed.
    """
    read = _Reading(cluster, namespace)
    pods, workloads, jobs, nodes, renewals = await asyncio.gather(
        cluster.list(KINDS["Pod"], namespace=namespace, parse=parse_pod),
        read.read_workloads(),
        read.read_jobs(),
        read.read_nodes(),
        read.read_renewers(),
    )
    everything = [*workloads, *jobs]
    templates = [workload for workload, _ in everything if workload is not None]
    makers: list[Pod] = [*pods, *(workload.template for workload in templates)]
    accounts = await read.read_service_accounts(makers)
    secrets = await read.read_secrets(makers, accounts)
    return Inventory(
        scope=scope,
        at=datetime.now(UTC),
        pods=tuple(pods),
        workloads=tuple(templates),
        accounts=accounts,
        secrets=secrets,
        nodes=nodes,
        events=await read.read_events(pods),
        controllers=_find_controllers(pods, templates, dict(each for _, each in everything if each)),
        renewals=renewals,
        audience_granted=await read.read_audience_right(accounts),
        limits=tuple(dict.fromkeys(read.limits)),
    )


_Found = tuple[ClusterWorkload | None, tuple[tuple[str, str], str] | None]
"""A workload that makes Pods, and by namespace and title what controls it."""


@dataclass(kw_only=False)
class _Reading:
    """One reading, and what could not be read in it."""

    cluster: Cluster
    namespace: str
    limits: list[str] = field(default_factory=list)

    async def read_workloads(self) -> list[_Found]:
        kinds = [kind for kind in WORKLOAD_KINDS if kind != "Job"]
        return [each for found in await asyncio.gather(*map(self._read_workloads, kinds)) for each in found]

    async def read_jobs(self) -> list[_Found]:
        return await self._read_workloads("Job")

    async def _read_workloads(self, kind: str) -> list[_Found]:
        def parse(document: Json) -> _Found:
            return parse_workload(kind, document), find_controller(kind, document)

        try:
            return await self.cluster.list(KINDS[kind], namespace=self.namespace, parse=parse)
        except Forbidden:
            self.limits.append(f"{kind}s may not be listed: what they start next is known from their Pods only.")
            return []

    async def read_nodes(self) -> Mapping[str, Node] | None:
        try:
            nodes = await self.cluster.list(KINDS["Node"], parse=parse_node)
        except Forbidden:
            self.limits.append("Nodes may not be listed: which images they have, and for which platform, is not known.")
            return None
        return {node.name: node for node in nodes}

    async def read_renewers(self) -> Mapping[tuple[str, str], RunningRenewer]:
        """The Secrets that our CronJobs keep alive, by the documents in their ConfigMaps, in whatever namespace."""
        kinds = [KINDS["ConfigMap"], KINDS["CronJob"]]
        try:
            documents, cron_jobs = await asyncio.gather(
                *(self.cluster.list(kind, labels=RENEWER_LABELS, parse=dict) for kind in kinds)
            )
        except Forbidden:
            self.limits.append(
                "ConfigMaps and CronJobs of other namespaces may not be listed: who renews is not known."
            )
            return {}
        return list_renewers(documents, cron_jobs)

    async def read_service_accounts(self, pods: Collection[Pod]) -> Mapping[str, Mapping[str, ServiceAccount]]:
        wanted = group_by_namespace((pod.namespace, pod.service_account) for pod in pods)
        read = await read_accounts(
            self.cluster, self._add_asked_namespace(wanted), parse_service_account, whole=self.whole
        )
        self._tell_denied("ServiceAccounts", read.withheld)
        return {namespace: there for namespace, there in read.found.items() if namespace not in read.withheld}

    async def read_audience_right(self, accounts: Mapping[str, Mapping[str, ServiceAccount]]) -> bool | None:
        """As in `Inventory`; asked for only where some ServiceAccount names a role for the node."""
        if all(account.node_role is None for there in accounts.values() for account in there.values()):
            return None
        granted = await read_audience_right(self.cluster)
        if granted is None:
            self.limits.append(
                "ClusterRoles or ClusterRoleBindings may not be listed: whether kubelets may ask for ServiceAccounts'"
                " tokens for AWS is not known."
            )
        return granted

    async def read_secrets(
        self, pods: Collection[Pod], accounts: Mapping[str, Mapping[str, ServiceAccount]]
    ) -> Mapping[str, Secrets]:
        """All pull Secrets, and what the names of others that Pods and ServiceAccounts list stand for."""
        wanted = group_by_namespace(
            [(pod.namespace, name) for pod in pods for name in pod.pull_secrets]
            + [
                (namespace, name)
                for namespace, there in accounts.items()
                for account in there.values()
                for name in account.pull_secrets
            ]
        )
        spaces = {pod.namespace: wanted.get(pod.namespace, set()) for pod in pods} | wanted
        read = await read_pull_secrets(self.cluster, self._add_asked_namespace(spaces), parse_secret, whole=self.whole)
        denied = read.unlisted | read.withheld.keys()
        self._tell_denied("Secrets", denied)
        return {
            namespace: Secrets(
                found=read.found.get(namespace, {}),
                complete=namespace not in denied,
                absent=frozenset(read.absent.get(namespace, ())),
            )
            for namespace in {*spaces, *read.found}
        }

    def _add_asked_namespace(self, wanted: Mapping[str, Collection[str]]) -> Mapping[str, Collection[str]]:
        """The namespace that was asked for is looked into also when no Pod is in it."""
        return wanted if self.whole else {self.namespace: (), **wanted}

    @property
    def whole(self) -> bool:
        return self.namespace == EVERY_NAMESPACE

    async def read_events(self, pods: Iterable[Pod]) -> Mapping[tuple[str, str], tuple[Event, ...]] | None:
        """The Events of the Pods that wait."""
        waiting = {(pod.namespace, pod.name) for pod in pods if _is_waiting(pod)}
        spaces = {namespace for namespace, _ in waiting}
        listed = await list_objects(
            self.cluster,
            KINDS["Event"],
            spaces,
            lambda document: _parse_event_of(document, waiting),
            whole=len(spaces) > _FEW,
            fields={"involvedObject.kind": "Pod"},
        )
        self._tell_denied("Events", listed.denied)
        if listed.denied and not any(listed.found.values()):
            return None
        found: dict[tuple[str, str], list[Event]] = {}
        for event in (each for here in listed.found.values() for each in here):
            found.setdefault((event.namespace, event.pod), []).append(event)
        return {place: tuple(events) for place, events in found.items()}

    def _tell_denied(self, what: str, namespaces: Collection[str]) -> None:
        if namespaces:
            names = sorted(namespaces)
            more = f" and {len(names) - 3} more" if len(names) > 3 else ""
            self.limits.append(f"{what} of namespace {', '.join(names[:3])}{more} may not be read.")


def _is_waiting(pod: Pod) -> bool:
    return any(container.waiting_reason for container in pod.containers)


def _parse_event_of(document: Any, pods: Collection[tuple[str, str]]) -> Event | None:
    """The Event, if it is of one of these Pods."""
    about = read_mapping(document, "involvedObject")
    return parse_event(document) if (read_text(about, "namespace"), read_text(about, "name")) in pods else None


def _find_controllers(
    pods: Iterable[Pod], workloads: Iterable[ClusterWorkload], known: Mapping[tuple[str, str], str]
) -> Mapping[tuple[str, str], str]:
    """What controls the controllers of Pods: of ReplicaSets, which are not read, their names say it."""
    deployments = {(each.template.namespace, each.name) for each in workloads if each.kind == "Deployment"}
    found = dict(known)
    for pod in pods:
        kind, _, name = pod.owner.partition("/")
        deployment = name.rpartition("-")[0]
        if kind == "ReplicaSet" and (pod.namespace, deployment) in deployments:
            found[pod.namespace, pod.owner] = f"Deployment/{deployment}"
    return found
