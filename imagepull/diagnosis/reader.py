"""Reads cases from a cluster: lists, not Pod by Pod, and only of the namespaces in which something fails.

What may not be listed in the whole cluster is listed in each namespace; a Secret that may not be listed is asked for by
name. What may not be read is null in the case, never taken to be absent.
"""

import asyncio
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from imagepull.diagnosis.dump import (
    pick_event_facts,
    pick_node_facts,
    pick_pod_facts,
    pick_secret_facts,
    pick_service_account_facts,
)
from imagepull.diagnosis.fields import Json, read_items, read_mapping, read_names, read_text
from imagepull.diagnosis.node_role import read_audience_right
from imagepull.diagnosis.objects import Pod
from imagepull.diagnosis.parsing import parse_pod, parse_service_account
from imagepull.diagnosis.pull_objects import Named, Names, group_by_namespace, read_accounts, read_pull_secrets
from imagepull.diagnosis.selection import Target, belongs_to, may_wait_for_image
from imagepull.errors import ClusterError, Forbidden
from imagepull.kubernetes.client import Cluster, for_each
from imagepull.kubernetes.kinds import KINDS, SECRET
from imagepull.kubernetes.listing import list_objects
from imagepull.registries.lifetimes import format_time

__all__ = ["ClusterReading", "read"]

_FEW: Final = 12
"""Up to so many namespaces or nodes are asked one by one; more are listed in the whole cluster."""
_MOST_NAMESAKES: Final = 8
"""Absent Secrets whose name is looked for in the other namespaces."""

Row = dict[str, object]


@dataclass(frozen=True, kw_only=True)
class ClusterReading:
    """What was read: `rows` in the form of a case file, and how many Pods were looked at."""

    rows: tuple[Row, ...]
    pods: int


async def read(cluster: Cluster, namespace: str, target: Target | None) -> ClusterReading:
    """The cases of a namespace, or of all (`EVERY_NAMESPACE`).

    Args:
        target: A Pod or a workload, whose Pods are all read; None for every Pod that waits for an image.

    Raises:
        ClusterError: the cluster cannot be reached, the Pods may not be listed, or the target is not there.
    """
    looked_at, pods = await _read_pods(cluster, namespace, target)
    if not pods:
        return ClusterReading(rows=(), pods=looked_at)
    source = _Source(cluster=cluster, pods=pods)
    events, accounts, nodes = await asyncio.gather(
        source.read_events(target), source.read_service_accounts(), source.read_nodes()
    )
    secrets = await source.read_secrets(accounts)
    granted = await source.read_audience_right(accounts)
    logs = await source.read_logs() if target is not None else {}
    now = format_time(datetime.now(UTC))
    rows = []
    for pod in pods:
        parsed = parse_pod(pod)
        there = accounts.get(parsed.namespace)
        own = (there or {}).get(parsed.service_account)
        rows.append(
            {
                "name": f"{parsed.namespace}/{parsed.name}",
                "captured_at": now,
                "pod": pod,
                "events": events.get((parsed.namespace, parsed.name), []) if events is not None else None,
                "serviceaccount": own,
                "serviceaccounts_other": [each for each in (there or {}).values() if each is not own],
                "node": nodes.get(parsed.node),
                "logs": logs.get((parsed.namespace, parsed.name), {}),
                **secrets.make_fields(parsed),
                **({"audience_granted": granted} if own is not None and _names_role(own) else {}),
            }
        )
    return ClusterReading(rows=tuple(rows), pods=looked_at)


async def _read_pods(cluster: Cluster, namespace: str, target: Target | None) -> tuple[int, list[Row]]:
    """How many Pods were looked at, and those to tell of."""
    if target is not None and target.kind == "Pod":
        one = await cluster.get(KINDS["Pod"], target.name, namespace)
        if one is None:
            raise ClusterError(f"there is no Pod {target.name} in namespace {namespace}; correct the name or give -n")
        return 1, [pick_pod_facts(one.document)]
    labels = await _read_pod_labels(cluster, namespace, target) if target is not None else None

    def keep(document: Json) -> Row | None:
        wanted = may_wait_for_image(parse_pod(document)) if target is None else belongs_to(document, target)
        return pick_pod_facts(document) if wanted else None

    found = await cluster.list(KINDS["Pod"], namespace=namespace, labels=labels, parse=keep)
    kept = [each for each in found if each is not None]
    if target is not None and not kept:
        raise ClusterError(f"{target} in namespace {namespace} has no Pod; `kubectl -n {namespace} describe` says why")
    return len(found), kept


async def _read_pod_labels(cluster: Cluster, namespace: str, target: Target) -> Mapping[str, str] | None:
    """The labels of a workload's Pods; None where it names none (CronJobs)."""
    workload = await cluster.get(KINDS[target.kind], target.name, namespace)
    if workload is None:
        raise ClusterError(f"there is no {target} in namespace {namespace}; correct the name or give -n")
    labels = read_mapping(workload.document, "spec", "selector", "matchLabels")
    return {key: value for key, value in labels.items() if isinstance(value, str)} or None


@dataclass(frozen=True, kw_only=True)
class _Secrets:
    """Facts of the pull Secrets of the namespaces, and of those elsewhere that have the name of an absent one."""

    here: Named[Row]
    namesakes: Mapping[str, Collection[Row]]

    def make_fields(self, pod: Pod) -> Row:
        """The part of a row about the Secrets that concern a Pod."""
        found = self.here.found.get(pod.namespace, {})
        absent = self.here.absent.get(pod.namespace, ())
        elsewhere = [row for name in pod.pull_secrets if name not in found for row in self.namesakes.get(name, ())]
        unlisted = pod.namespace in self.here.unlisted
        return {
            "secrets": [*found.values(), *elsewhere] if not unlisted or found or absent else None,
            "secrets_incomplete": unlisted,
            "absent_secrets": sorted(absent),
        }


@dataclass(frozen=True, kw_only=True)
class _Source:
    cluster: Cluster
    pods: list[Row]

    @property
    def namespaces(self) -> list[str]:
        return sorted({parse_pod(pod).namespace for pod in self.pods})

    @property
    def whole(self) -> bool:
        """Whether one list of the whole cluster is less than one of each namespace."""
        return len(self.namespaces) > _FEW

    async def read_events(self, target: Target | None) -> dict[tuple[str, str], list[Row]] | None:
        """By namespace and Pod; None when they may not be read."""
        of_one = {"involvedObject.name": target.name} if target is not None and target.kind == "Pod" else {}
        wanted = {(pod.namespace, pod.name): pod.uid for pod in map(parse_pod, self.pods)}

        def keep(document: Json) -> Row | None:
            about = read_mapping(document, "involvedObject")
            uid = wanted.get((read_text(about, "namespace"), read_text(about, "name")))
            return pick_event_facts(document) if uid is not None and read_text(about, "uid") in ("", uid) else None

        fields = {"involvedObject.kind": "Pod", **of_one}
        listed = await list_objects(
            self.cluster, KINDS["Event"], self.namespaces, keep, whole=self.whole, fields=fields
        )
        if listed.denied:
            return None
        grouped: dict[tuple[str, str], list[Row]] = {}
        for event in (each for here in listed.found.values() for each in here):
            about = read_mapping(event, "involvedObject")
            grouped.setdefault((read_text(about, "namespace"), read_text(about, "name")), []).append(event)
        return grouped

    async def read_service_accounts(self) -> dict[str, Mapping[str, Row] | None]:
        """By namespace and name; None for a namespace of which none may be read."""
        wanted = group_by_namespace((pod.namespace, pod.service_account) for pod in map(parse_pod, self.pods))
        read = await read_accounts(self.cluster, wanted, pick_service_account_facts, whole=self.whole)
        return {space: read.found.get(space) for space in wanted}

    async def read_audience_right(self, accounts: Mapping[str, Mapping[str, Row] | None]) -> bool | None:
        """As in `Case`; asked for only where some ServiceAccount names a role for the node."""
        read = (account for there in accounts.values() for account in (there or {}).values())
        return await read_audience_right(self.cluster) if any(map(_names_role, read)) else None

    async def read_nodes(self) -> dict[str, Row]:
        """By name; a node that may not be read is left out."""
        wanted = sorted({pod.node for pod in map(parse_pod, self.pods)} - {""})
        found: dict[str, Row] = {}

        async def ask(name: str) -> None:
            with suppress(Forbidden):
                node = await self.cluster.get(KINDS["Node"], name, "")
                if node is not None:
                    found[name] = pick_node_facts(node.document)

        if len(wanted) <= _FEW:
            await for_each(wanted, ask)
            return found
        with suppress(Forbidden):
            listed = await self.cluster.list(KINDS["Node"], parse=pick_node_facts)
            found = {read_text(read_mapping(node, "metadata"), "name"): node for node in listed}
        return found

    async def read_secrets(self, accounts: Mapping[str, Mapping[str, Row] | None]) -> _Secrets:
        """Pull Secrets of the namespaces, and what the names of others that are listed stand for."""
        wanted = group_by_namespace(
            [(pod.namespace, name) for pod in map(parse_pod, self.pods) for name in pod.pull_secrets]
            + [
                (space, name)
                for space, there in accounts.items()
                for account in (there or {}).values()
                for name in _list_pull_secrets(account)
            ]
        )
        everywhere = {space: wanted.get(space, set()) for space in self.namespaces}
        read = await read_pull_secrets(self.cluster, everywhere, pick_secret_facts, whole=self.whole)
        return _Secrets(here=read, namesakes=await self._read_namesakes(read.absent))

    async def _read_namesakes(self, absent: Names) -> dict[str, list[Row]]:
        """Secrets of other namespaces with the name of an absent one, where they may be listed."""
        found: dict[str, list[Row]] = {}
        for name in sorted({name for listed in absent.values() for name in listed})[:_MOST_NAMESAKES]:
            try:
                found[name] = await self.cluster.list(SECRET, name=name, parse=pick_secret_facts)
            except Forbidden:
                break
        return found

    async def read_logs(self) -> dict[tuple[str, str], dict[str, str]]:
        """The last line of containers that have ended, by Pod and container, as far as logs may be read."""
        found: dict[tuple[str, str], dict[str, str]] = {}
        crashed = [
            (pod.namespace, pod.name, container.name)
            for pod in map(parse_pod, self.pods)
            for container in pod.containers
            if container.ended is not None and container.ended.exit_code and not container.running
        ]

        async def ask(place: tuple[str, str, str]) -> None:
            line = await self.cluster.read_last_log_line(*place)
            if line is not None:
                found.setdefault(place[:2], {})[place[2]] = line

        await for_each(crashed[:_FEW], ask)
        return found


def _list_pull_secrets(account: Json) -> tuple[str, ...]:
    return read_names(account, "imagePullSecrets") if read_items(account, "imagePullSecrets") else ()


def _names_role(account: Row) -> bool:
    return parse_service_account(account).node_role is not None
