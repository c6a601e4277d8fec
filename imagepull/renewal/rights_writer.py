"""Writes, reads and removes RenewalRights in the cluster: a Role and a RoleBinding in each namespace."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from imagepull.errors import ClusterError
from imagepull.kubernetes.client import Cluster, for_each, retry_on_conflict
from imagepull.kubernetes.kinds import KINDS, Kind
from imagepull.kubernetes.lookup import find_objects
from imagepull.kubernetes.objects import KubernetesObject
from imagepull.kubernetes.ownership import IDENTITY_LABEL, Owner, Standing, find_standing, read_holder
from imagepull.kubernetes.progress import Report, WriteOutcome
from imagepull.renewal import rights
from imagepull.renewal.rights import RightsSpec

__all__ = ["apply", "find_intact", "remove"]

_KINDS: Final = ((KINDS["Role"], rights.make_role), (KINDS["RoleBinding"], rights.make_role_binding))
_CONTENT: Final = ("rules", "roleRef", "subjects")


@dataclass(frozen=True, kw_only=True)
class _Held:
    """An object that is there, and what of it matters here."""

    uid: str
    resource_version: str
    labels: Mapping[str, str]
    owner_title: str
    content: Mapping[str, Any]


async def apply(
    cluster: Cluster, spec: RightsSpec, owner: Owner, previous: Collection[str], outcome: WriteOutcome, report: Report
) -> None:
    """Writes both objects in each namespace, then removes them from namespaces that the spec no longer names.

    Args:
        previous: Namespaces of an earlier run.
        outcome: Kept up to date with what is done and what failed.
    """
    outcome.started = True
    report.begin("written", len(spec.namespaces))

    async def put(namespace: str) -> None:
        for kind, body_of in _KINDS:
            await _write(cluster, kind, body_of(spec, owner, namespace), owner)

    await for_each(spec.namespaces, outcome.record_failures_of(put, report))
    await _remove(cluster, spec.name, owner, set(previous) - set(spec.namespaces), outcome, report)


async def remove(
    cluster: Cluster, name: str, owner: Owner, namespaces: Collection[str], outcome: WriteOutcome, report: Report
) -> None:
    """Removes what is the owner's from the namespaces; what others made of that name stays.

    So does what the owner's other runs made; `outcome.left` has their identities.
    """
    outcome.started = True
    await _remove(cluster, name, owner, namespaces, outcome, report)


async def find_intact(cluster: Cluster, spec: RightsSpec, owner: Owner) -> list[str]:
    """The namespaces of the spec whose Role and RoleBinding are as they were written, or may not be read."""
    faulty: set[str] = set()
    for kind, body_of in _KINDS:
        found = await find_objects(cluster, kind, [spec.name], spec.namespaces, _parse_held)
        for namespace in spec.namespaces:
            held = found.objects.get((namespace, spec.name))
            unseen = namespace in found.denied
            if not unseen and (held is None or not _is_as_written(held, body_of(spec, owner, namespace), owner)):
                faulty.add(namespace)
    return [namespace for namespace in spec.namespaces if namespace not in faulty]


async def _write(cluster: Cluster, kind: Kind, body: Mapping[str, Any], owner: Owner) -> None:
    name, namespace = body["metadata"]["name"], body["metadata"]["namespace"]

    async def attempt(held: _Held | None) -> None:
        if held is None:
            await cluster.create(kind, body)
            return
        if not _find_standing(held, owner).may_be_written:
            whose = f"belongs to {held.owner_title}" if held.owner_title else "is there already, and is not ours"
            raise ClusterError(f"{kind.name} {name} {whose}; delete it, or choose another secretName")
        if _is_as_written(held, body, owner):
            return
        if held.content.get("roleRef") not in (None, body.get("roleRef")):
            raise ClusterError(f"{kind.name} {name} names another Role, which cannot change; delete it")
        metadata = {**body["metadata"], "uid": held.uid, "resourceVersion": held.resource_version}
        await cluster.patch(kind, name, namespace, {**body, "metadata": metadata})

    read = partial(_read, cluster, kind, name, namespace)
    await retry_on_conflict(f"{kind.name} {name}", await read(), attempt, read)


async def _remove(
    cluster: Cluster, name: str, owner: Owner, namespaces: Collection[str], outcome: WriteOutcome, report: Report
) -> None:
    report.begin("deleted", len(namespaces))

    async def take(namespace: str) -> None:
        # The RoleBinding first: a Role without one grants nothing.
        for kind, _ in reversed(_KINDS):
            held = await _read(cluster, kind, name, namespace)
            standing = Standing.NOBODYS if held is None else _find_standing(held, owner)
            if held is not None and standing is Standing.OURS:
                await cluster.delete(kind, name, namespace, uid=held.uid, resource_version=held.resource_version)
            elif held is not None and standing is Standing.EARLIER:
                outcome.note_left(namespace, [held.labels[IDENTITY_LABEL]])

    await for_each(namespaces, outcome.record_failures_of(take, report))


def _find_standing(held: _Held, owner: Owner) -> Standing:
    return find_standing(held.labels, held.uid, owner, ())


def _is_as_written(held: _Held, body: Mapping[str, Any], owner: Owner) -> bool:
    return _find_standing(held, owner) is Standing.OURS and held.content == {
        key: body[key] for key in _CONTENT if key in body
    }


async def _read(cluster: Cluster, kind: Kind, name: str, namespace: str) -> _Held | None:
    found = await cluster.get(kind, name, namespace)
    return None if found is None else _parse_held(found)


def _parse_held(found: KubernetesObject) -> _Held:
    document = found.document
    content = {key: document[key] for key in _CONTENT if document.get(key) is not None}
    if isinstance(subjects := content.get("subjects"), list):
        content["subjects"] = [_drop_group(each) for each in subjects]
    return _Held(
        uid=found.uid,
        resource_version=found.resource_version,
        labels=found.labels,
        owner_title=read_holder(found.annotations),
        content=content,
    )


def _drop_group(subject: object) -> object:
    return {key: value for key, value in subject.items() if key != "apiGroup"} if isinstance(subject, dict) else subject
