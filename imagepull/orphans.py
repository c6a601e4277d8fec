"""Objects of ours in the cluster that no stack's state knows: what a killed `create` left, if no `up` came after it."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from imagepull import resource_types
from imagepull.errors import Forbidden, InvalidInput, Problem
from imagepull.kubernetes.client import Cluster, retry_on_conflict
from imagepull.kubernetes.kinds import KINDS, SECRET, SERVICE_ACCOUNT, Kind
from imagepull.kubernetes.objects import KubernetesObject
from imagepull.kubernetes.ownership import (
    IDENTITY_LABEL,
    MANAGED_BY,
    MANAGED_BY_LABEL,
    OWNER_LABEL,
    Owner,
    read_holder,
)
from imagepull.registry_secret import secret_object
from imagepull.registry_secret.existing import SECRET_TYPE, Existing
from imagepull.registry_secret.state import Previous
from imagepull.service_accounts import claims
from imagepull.service_accounts.claims import CLAIM, Account

__all__ = ["Known", "Orphan", "find_orphans", "read_states", "remove_orphan"]

_OURS: Final = (resource_types.REGISTRY_SECRET, resource_types.SERVICE_ACCOUNTS, resource_types.RENEWAL_RIGHTS)
_RIGHTS: Final = (KINDS["RoleBinding"], KINDS["Role"])


@dataclass(frozen=True, kw_only=True)
class Known:
    """Marks that the given stacks know: identities, and keys of titles for states of before there were identities."""

    marks: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Orphan:
    """An object, or a claim on a ServiceAccount. `mark`: its identity, or of old ones the key of the owner's title."""

    kind: Kind
    found: KubernetesObject = field(repr=False)
    mark: str
    title: str

    def __str__(self) -> str:
        what = "our part of " if self.kind is SERVICE_ACCOUNT else ""
        title = "".join(each if each.isprintable() else "?" for each in self.title)[:200]
        return f"{what}{self.kind.name} {self.found.namespace}/{self.found.name}, of {title or 'nobody known'}"


def read_states(texts: Iterable[str]) -> Known:
    """What the stacks know.

    Args:
        texts: What `pulumi stack export` printed for each stack.

    Raises:
        InvalidInput: if one of them is none.
    """
    marks = set()
    for number, text in enumerate(texts, start=1):
        try:
            resources = json.loads(text)["deployment"].get("resources") or []
            for resource in [each for each in resources if each["type"] in _OURS]:
                outputs = resource.get("outputs", {})
                title = outputs.get("owner") or Owner.of_urn(resource["urn"]).title
                marks.add(outputs.get("identity") or Owner(title=title).key)
        except (ValueError, TypeError, KeyError, AttributeError):
            reason = "is no state; give what `pulumi stack export` printed"
            raise InvalidInput([Problem(path=f"file {number}", reason=reason)]) from None
    return Known(marks=frozenset(marks))


async def find_orphans(cluster: Cluster, known: Known) -> list[Orphan]:
    """The objects that carry a mark of ours that nobody knows.

    Raises:
        ClusterError: also where Secrets or ServiceAccounts may not be listed in the whole cluster.
    """
    secrets = await cluster.list(SECRET, fields={"type": SECRET_TYPE}, parse=_is_marked)
    found = [_list_labelled(SECRET, each) for each in secrets if each is not None]
    for kind in _RIGHTS:
        try:
            held = await cluster.list(kind, labels={MANAGED_BY_LABEL: MANAGED_BY}, parse=_is_marked)
        except Forbidden:
            continue  # Without renewers there are none.
        found += [_list_labelled(kind, each) for each in held if each is not None]
    for account in await cluster.list(SERVICE_ACCOUNT):
        for key, text in account.annotations.items():
            if key.startswith(CLAIM):
                title = claims.read_title(text)
                found.append(Orphan(kind=SERVICE_ACCOUNT, found=account, mark=key[len(CLAIM) :], title=title))
    orphans = [each for each in found if each.mark not in known.marks]
    return sorted(orphans, key=lambda each: (each.kind.name, each.found.namespace, each.found.name, each.mark))


async def remove_orphan(cluster: Cluster, orphan: Orphan) -> None:
    """Deletes the object, or takes our part out of it where others have something in it.

    Raises:
        ClusterError: if the cluster refuses.
    """
    namespace, name = orphan.found.namespace, orphan.found.name

    async def attempt(found: KubernetesObject | None) -> None:
        if found is None or found.being_deleted or orphan.mark not in _read_marks(found):
            return
        if orphan.kind is SERVICE_ACCOUNT:
            # With an identity alone: the title would take a claim of an old version along.
            owner = Owner(title="", identity=orphan.mark)
            if (body := claims.write(Account.of(found), owner, ())) is not None:
                await cluster.patch(orphan.kind, name, namespace, body)
            return
        change = secret_object.release(Existing.of(found), Previous()) if orphan.kind is SECRET else None
        if change is not None:
            await cluster.patch(orphan.kind, name, namespace, change.body)
        else:
            await cluster.delete(orphan.kind, name, namespace, uid=found.uid, resource_version=found.resource_version)

    read = partial(cluster.get, orphan.kind, name, namespace)
    await retry_on_conflict(f"{orphan.kind.name} {name}", orphan.found, attempt, read)


def _is_marked(document: object) -> KubernetesObject | None:
    found = KubernetesObject.parse(document)
    return found if IDENTITY_LABEL in found.labels or OWNER_LABEL in found.labels else None


def _list_labelled(kind: Kind, found: KubernetesObject) -> Orphan:
    mark = found.labels.get(IDENTITY_LABEL) or found.labels[OWNER_LABEL]
    return Orphan(kind=kind, found=found, mark=mark, title=read_holder(found.annotations))


def _read_marks(found: KubernetesObject) -> Sequence[str | None]:
    claimed = [key[len(CLAIM) :] for key in found.annotations if key.startswith(CLAIM)]
    return [found.labels.get(IDENTITY_LABEL) or found.labels.get(OWNER_LABEL), *claimed]
