"""What to write to one ServiceAccount so that it lists our names and names our role, or no longer does. Pure.

The list is atomic (kubernetes/api core/v1/types.go, `+listType=atomic`): whoever applies it replaces all of it. So the
whole list as it is now goes back, with our names appended, on condition that nobody changed it in between. Who added
which name is noted on the account itself, so that the last one who asked for a name takes it away, and nobody takes
away what none of them added. So it is with the one role with which nodes pull for the account's Pods: the last one who
asked for it puts back what was there before.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from imagepull.kubernetes.objects import KubernetesObject
from imagepull.kubernetes.ownership import Owner

__all__ = ["CLAIM", "ROLE_ANNOTATION", "Account", "find_rival", "read_title", "write"]

CLAIM: Final = "imagepull/claim-"
"""Prefix of annotations: the identity of the incarnation that asks for names follows. Versions without identities wrote
the key of the owner's title."""
ROLE_ANNOTATION: Final = "eks.amazonaws.com/ecr-role-arn"
"""Names the AWS role with which nodes pull for the account's Pods (kubernetes/cloud-provider-aws
cmd/ecr-credential-provider)."""


@dataclass(frozen=True, kw_only=True)
class _Claim:
    """Names that one owner asked for: those that one of us added, and those that were there before any of us.

    Attributes:
        role: The role that it asked for; empty for none.
        before: What the annotation held before any of us wrote the role; None if it was not there.
    """

    added: frozenset[str] = frozenset()
    found: frozenset[str] = frozenset()
    role: str = ""
    before: str | None = None


@dataclass(frozen=True, kw_only=True)
class Account:
    """A ServiceAccount as the cluster holds it. `listed`: the names in its `imagePullSecrets`, in order."""

    namespace: str
    name: str
    uid: str
    resource_version: str
    annotations: Mapping[str, str]
    listed: tuple[str, ...]
    is_being_deleted: bool = False

    @classmethod
    def of(cls, account: KubernetesObject) -> "Account":
        """Of the object that the API server shows."""
        return cls(
            namespace=account.namespace,
            name=account.name,
            uid=account.uid,
            resource_version=account.resource_version,
            annotations=account.annotations,
            listed=account.read_names("imagePullSecrets"),
            is_being_deleted=account.being_deleted,
        )

    def list_claims(self, owner: Owner) -> list[str]:
        """Annotations by which the owner itself claims names."""
        ours = {f"{CLAIM}{key}" for key in (owner.identity, *owner.keys) if key is not None}
        return [key for key in self.annotations if key in ours]

    def find_role(self, owner: Owner) -> str:
        """The role that the owner has asked for, if nodes still pull with it; empty otherwise."""
        asked = (_parse(self.annotations[key]).role for key in self.list_claims(owner))
        return next((role for role in asked if role and self.annotations.get(ROLE_ANNOTATION) == role), "")

    def list_claims_of_earlier_runs(self, owner: Owner) -> list[str]:
        """Annotations of other incarnations of the same resource: one that was replaced or cut short."""
        ours = self.list_claims(owner)
        return [
            key
            for key, text in self.annotations.items()
            if key.startswith(CLAIM) and key not in ours and _read(text).get("resource") == owner.urn_key
        ]


def read_title(text: str) -> str:
    """The title of the owner that a claim names; empty if it names none."""
    title = _read(text).get("by")
    return title if isinstance(title, str) else ""


def find_rival(account: Account, owner: Owner, role: str) -> tuple[str, str] | None:
    """Title and role of another owner that asks for another role: an account has one. None where nobody does."""
    ours = {*account.list_claims(owner), *account.list_claims_of_earlier_runs(owner)}
    for key, text in account.annotations.items():
        theirs = _parse(text).role if key.startswith(CLAIM) and key not in ours else ""
        if theirs not in ("", role):
            return read_title(text), theirs
    return None


def write(account: Account | None, owner: Owner, names: Sequence[str], role: str = "") -> dict[str, Any] | None:
    """What makes the account list the owner's `names`, and no longer others that the owner asked for before.

    Args:
        account: The account that is there; None to make one.
        owner: With its identity, unless names are released.
        names: An empty sequence, without a role, releases the account.
        role: The role with which nodes are to pull for its Pods; empty for none.

    Returns:
        A JSON merge patch with the precondition; the body of a new account if there is none; None when there is nothing
        to change.
    """
    ours_key = f"{CLAIM}{owner.identity}"
    if account is None:
        claim = _Claim(added=frozenset(names), role=role)
        annotations = {ours_key: _write_claim(claim, owner), **({ROLE_ANNOTATION: role} if role else {})}
        return {"metadata": {"annotations": annotations}, **(_list(names) if names else {})}
    claims = {key: _parse(text) for key, text in account.annotations.items() if key.startswith(CLAIM)}
    # Whoever asks takes over what its earlier runs noted; whoever releases leaves that alone.
    asks = bool(names or role)
    replaced = [*account.list_claims(owner), *(account.list_claims_of_earlier_runs(owner) if asks else ())]
    former = [claims.pop(key) for key in replaced]
    ours = frozenset[str]().union(*(claim.added for claim in former))
    theirs_added = {name for claim in claims.values() for name in claim.added}
    theirs = theirs_added.union(*(claim.found for claim in claims.values()))
    gone = ours - set(names) - theirs
    listed = [name for name in account.listed if name not in gone]
    new = [name for name in dict.fromkeys(names) if name not in listed]
    added = frozenset(name for name in names if name in new or name in ours or name in theirs_added)
    value, before = _choose_role(account.annotations.get(ROLE_ANNOTATION), role, former, claims.values())
    claim = _Claim(added=added, found=frozenset(names) - added, role=role, before=before)
    notes: dict[str, str | None] = {**dict.fromkeys(replaced), ROLE_ANNOTATION: value}
    if asks:
        notes[ours_key] = _write_claim(claim, owner)
    notes = {key: text for key, text in notes.items() if account.annotations.get(key) != text}
    body: dict[str, Any] = _list([*listed, *new]) if gone or new else {}
    if not body and not notes:
        return None
    metadata: dict[str, Any] = {"uid": account.uid, "resourceVersion": account.resource_version}
    return {**body, "metadata": {**metadata, **({"annotations": notes} if notes else {})}}


def _choose_role(
    value: str | None, role: str, former: Iterable[_Claim], theirs: Iterable[_Claim]
) -> tuple[str | None, str | None]:
    """What the role's annotation is to hold, and what it held before any of us; None for no annotation.

    Args:
        value: What it holds.
        role: What the owner asks for; empty for none.
        former: The owner's own claims until now.
        theirs: Those of other owners.
    """
    others = [claim for claim in theirs if claim.role]
    ours = [claim for claim in former if claim.role]
    if role:
        noted = [claim.before for claim in (*ours, *others)]
        return role, noted[0] if noted else value
    if ours and not others and value == ours[0].role:
        return ours[0].before, None
    # Nobody of us wrote it, others still ask for it, or somebody has changed it since.
    return value, None


def _read(text: str) -> dict[str, object]:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _parse(text: str) -> _Claim:
    value = _read(text)
    added, found = (_read_names(value.get(key)) for key in ("added", "found"))
    if added is None or found is None:
        return _Claim()
    role, before = (value.get(key) for key in ("role", "before"))
    return _Claim(
        added=added,
        found=found,
        role=role if isinstance(role, str) else "",
        before=before if isinstance(before, str) else None,
    )


def _read_names(value: object) -> frozenset[str] | None:
    return frozenset(name for name in value if isinstance(name, str)) if isinstance(value, list) else None


def _write_claim(claim: _Claim, owner: Owner) -> str:
    value = {
        "by": owner.title,
        "resource": owner.urn_key,
        "added": sorted(claim.added),
        "found": sorted(claim.found),
        **({"role": claim.role, "before": claim.before} if claim.role else {}),
    }
    return json.dumps(value, separators=(",", ":"))


def _list(names: Sequence[str]) -> dict[str, Any]:
    return {"imagePullSecrets": [{"name": name} for name in names]}
