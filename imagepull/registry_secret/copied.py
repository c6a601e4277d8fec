"""Secrets that External Secrets Operator writes: nothing here writes a credential, each Secret has one writer.

The operator's copies carry our identity, so that Pulumi knows them and may take them over or delete them.
"""

import asyncio
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any, Final

from imagepull.errors import ClusterError
from imagepull.kubernetes.client import Cluster, for_each
from imagepull.kubernetes.kinds import NAMESPACE, SECRET, Kind
from imagepull.kubernetes.lookup import find_objects
from imagepull.kubernetes.objects import Document, KubernetesObject
from imagepull.kubernetes.ownership import IDENTITY_LABEL, Owner, Standing
from imagepull.kubernetes.progress import Report, WriteOutcome
from imagepull.registry_secret.writer import find, read_secret

__all__ = ["find_uids", "find_unlabelled", "release_namespaces", "wait_for_copies"]

_EXTERNAL_SECRET: Final = Kind(name="ExternalSecret", plural="externalsecrets", api_version="external-secrets.io/v1")
_CLUSTER_EXTERNAL_SECRET: Final = Kind(
    name="ClusterExternalSecret",
    plural="clusterexternalsecrets",
    api_version="external-secrets.io/v1",
    namespaced=False,
)
_FINALIZER: Final = "externalsecrets.external-secrets.io/ces-"
_POLLS: Final = 120
_POLL: Final = 0.5
"""Seconds. The operator makes three hundred copies in half a minute with its defaults."""


async def find_uids(
    cluster: Cluster,
    name: str,
    namespaces: Collection[str],
    identity: str | None,
    known: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, str]:
    """UIDs by namespace of the Secrets of this name that carry the identity.

    Args:
        known: UIDs that the state has. They count where the namespace cannot be looked into.
    """
    found = await find(cluster, name, namespaces)
    unseen = {place: uid for place, uid in known.items() if place in found.denied}
    return unseen | {
        place: secret.uid
        for place, secret in found.secrets.items()
        if identity is not None and secret.labels.get(IDENTITY_LABEL) == identity
    }


async def wait_for_copies(
    cluster: Cluster, name: str, namespaces: Collection[str], identity: str, outcome: WriteOutcome
) -> None:
    """Waits until every namespace has its copy; those that have none in time are failures of the outcome."""
    outcome.started = True
    missing: Collection[str] = namespaces
    for _ in range(_POLLS):
        there = await find_uids(cluster, name, namespaces, identity)
        copied = await find_objects(cluster, _EXTERNAL_SECRET, [name], namespaces, _is_ready)
        missing = [place for place in namespaces if place not in there or not copied.objects.get((place, name))]
        if not missing:
            return
        await asyncio.sleep(_POLL)
    reason = f"External Secrets Operator has not copied Secret {name}; see its ExternalSecret {name} there"
    outcome.failures.update(dict.fromkeys(missing, reason))


async def release_namespaces(
    cluster: Cluster,
    name: str,
    copies: str,
    namespaces: Collection[str],
    owner: Owner,
    outcome: WriteOutcome,
    report: Report,
) -> None:
    """Takes the copies out of namespaces that no longer get one, with the mark that would keep a namespace from going.

    The operator leaves its finalizer on a namespace that it copies to no more (external-secrets#6677). Secrets of the
    owner's other runs stay; `outcome.left` has their identities.

    Args:
        copies: Name of the ClusterExternalSecret.
        owner: Of the copies: the RegistrySecret, with its identity.
    """
    outcome.started = True
    report.begin("released", len(namespaces))

    async def release(namespace: str) -> None:
        await _wait_until_not_copied(cluster, name, namespace)
        secret = await read_secret(cluster, name, namespace)
        standing = Standing.NOBODYS if secret is None else secret.find_standing(owner, ())
        if secret is not None and standing is Standing.OURS:
            await cluster.delete(SECRET, name, namespace, uid=secret.uid, resource_version=secret.resource_version)
        elif secret is not None and standing is Standing.EARLIER:
            outcome.note_left(namespace, [secret.labels[IDENTITY_LABEL]])
        await _drop_finalizer(cluster, copies, namespace)

    await for_each(namespaces, outcome.record_failures_of(release, report))


async def find_unlabelled(cluster: Cluster, copies: str) -> list[str]:
    """Namespaces that carry the operator's mark and are selected no more: they have lost a label, outside Pulumi.

    Args:
        copies: Name of the ClusterExternalSecret.
    """
    marked = await cluster.list(NAMESPACE, parse=lambda document: _read_marked(document, copies))
    names = dict(filter(None, marked))
    if not names:
        return []
    found = await cluster.get(_CLUSTER_EXTERNAL_SECRET, copies, "")
    selectors = [] if found is None else found.document.get("spec", {}).get("namespaceSelectors", [])
    return sorted(name for name, labels in names.items() if not any(_selects(each, labels) for each in selectors))


def _read_marked(document: Document, copies: str) -> tuple[str, Mapping[str, str]] | None:
    """Name and labels of a namespace with the mark."""
    namespace = KubernetesObject.parse(document)
    return (namespace.name, namespace.labels) if _FINALIZER + copies in namespace.finalizers else None


def _selects(selector: Mapping[str, Any], labels: Mapping[str, str]) -> bool:
    """Whether a selector of ours, which knows equality and `In` only, has a namespace with these labels."""
    equal = selector.get("matchLabels", {}).items()
    among = selector.get("matchExpressions", [])
    return all(labels.get(key) == value for key, value in equal) and all(
        labels.get(each["key"]) in each.get("values", ()) for each in among
    )


def _is_ready(found: KubernetesObject) -> bool:
    status = found.document.get("status")
    conditions = status.get("conditions") if isinstance(status, dict) else None
    listed = [each for each in conditions if isinstance(each, dict)] if isinstance(conditions, list) else []
    return any(each.get("type") == "Ready" and each.get("status") == "True" for each in listed)


async def _wait_until_not_copied(cluster: Cluster, name: str, namespace: str) -> None:
    for _ in range(_POLLS):
        if await cluster.get(_EXTERNAL_SECRET, name, namespace) is None:
            return
        await asyncio.sleep(_POLL)
    raise ClusterError(f"ExternalSecret {name} is still there; is External Secrets Operator running?")


async def _drop_finalizer(cluster: Cluster, copies: str, namespace: str) -> None:
    found = await cluster.get(NAMESPACE, namespace, "")
    if found is None:
        return
    if _FINALIZER + copies in found.finalizers:
        kept = [each for each in found.finalizers if each != _FINALIZER + copies]
        body = {"metadata": {"finalizers": kept, "resourceVersion": found.resource_version}}
        await cluster.patch(NAMESPACE, namespace, "", body)
