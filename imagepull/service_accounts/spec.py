"""Our names in a ServiceAccount's `imagePullSecrets`: inputs parsed, and what to write to one account. Pure.

The list is atomic (kubernetes/api core/v1/types.go, `+listType=atomic`): whoever applies it replaces all of it. So the
whole list as it is now goes back, with our names appended, on condition that nobody changed it in between. Who added
which name is noted on the account itself, so that the last one who asked for a name takes it away, and nobody takes
away what none of them added.
"""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from imagepull.differences import Difference, differences
from imagepull.inputs import NAMESPACE, OBJECT_NAME, Reader, Rule
from imagepull.kubernetes.ownership import Owner

INPUTS: Final = ("secretNames", "namespaces", "serviceAccounts")
DEFAULT: Final = "default"
ALL: Final = "*"
"""Every account there is."""
_CLAIM: Final = "imagepull/claim-"
_ACCOUNT = Rule(
    pattern=OBJECT_NAME.pattern,
    longest=OBJECT_NAME.longest,
    wanted="a ServiceAccount's name such as 'default', or '*' alone for every one there is",
)


@dataclass(frozen=True, kw_only=True)
class Spec:
    """ServiceAccountImagePullSecrets as asked for. `accounts` is `(ALL,)` for every account."""

    secret_names: tuple[str, ...]
    namespaces: tuple[str, ...]
    accounts: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Account:
    """A ServiceAccount as the cluster holds it. `listed`: the names in its `imagePullSecrets`, in order."""

    namespace: str
    name: str
    resource_version: str
    annotations: Mapping[str, str]
    listed: tuple[str, ...]

    def is_claimed_by(self, owner: Owner) -> bool:
        return _CLAIM + owner.key in self.annotations


@dataclass(frozen=True, kw_only=True)
class _Claim:
    """Names that one owner asked for: those that one of us added, and those that were there before any of us."""

    added: frozenset[str] = frozenset()
    found: frozenset[str] = frozenset()


def parse(inputs: Mapping[str, object], *, required: bool = True) -> Spec:
    """The inputs as a Spec: what is not known yet is right, and not in it (see `imagepull.inputs.known`).

    Args:
        inputs: As they are in the program, or recorded.
        required: Whether there must be a namespace: a refresh may have emptied recorded inputs.

    Raises:
        InvalidInput: with every wrong input.
    """
    reader = Reader(values=inputs)
    reader.refuse_others(INPUTS)
    accounts: tuple[str, ...] = (ALL,)
    if inputs.get("serviceAccounts") != [ALL]:
        accounts = reader.texts("serviceAccounts", _ACCOUNT) or (DEFAULT,)
    spec = Spec(
        secret_names=reader.texts("secretNames", OBJECT_NAME, required=required),
        namespaces=reader.texts("namespaces", NAMESPACE, required=required),
        accounts=accounts,
    )
    reader.raise_problems()
    return spec


def diff(old: Mapping[str, object], new: Mapping[str, object]) -> dict[str, Difference]:
    """Differences of the inputs by path; the lists are sets."""
    return differences(old, new, sets=dict.fromkeys(INPUTS))


def write(account: Account | None, owner: Owner, names: Sequence[str]) -> dict[str, Any] | None:
    """What makes the account list the owner's `names`, and no longer others that the owner asked for before.

    Args:
        account: The account that is there; None to make one.
        names: None at all releases the account.

    Returns:
        A JSON merge patch with the precondition, or for no account what one holds; None when it is so already.
    """
    if account is None:
        claim = _Claim(added=frozenset(names))
        return {"metadata": {"annotations": {_CLAIM + owner.key: _text(claim, owner)}}, **_list(names)}
    claims = {key: _claim(value) for key, value in account.annotations.items() if key.startswith(_CLAIM)}
    ours = claims.pop(_CLAIM + owner.key, _Claim())
    theirs_added = {name for claim in claims.values() for name in claim.added}
    theirs = theirs_added.union(*(claim.found for claim in claims.values()))
    gone = ours.added - set(names) - theirs
    listed = [name for name in account.listed if name not in gone]
    new = [name for name in dict.fromkeys(names) if name not in listed]
    added = frozenset(name for name in names if name in new or name in ours.added or name in theirs_added)
    claim = _Claim(added=added, found=frozenset(names) - added)
    note = _text(claim, owner) if names else None
    body: dict[str, Any] = {}
    if gone or new:
        body |= _list([*listed, *new])
    if account.annotations.get(_CLAIM + owner.key) != note:
        body["metadata"] = {"annotations": {_CLAIM + owner.key: note}}
    if not body:
        return None
    return {**body, "metadata": {**body.get("metadata", {}), "resourceVersion": account.resource_version}}


def missing(spec: Spec, there: Collection[tuple[str, str]]) -> dict[str, str]:
    """Namespaces that lack an account asked for by name, and a sentence about it; `default` is made when needed.

    Args:
        there: (namespace, name) of each account.
    """
    absent = {
        namespace: [name for name in spec.accounts if name not in (DEFAULT, ALL) and (namespace, name) not in there]
        for namespace in spec.namespaces
    }
    return {
        namespace: f"there is no ServiceAccount {', '.join(names)}; create it first, or take it out of serviceAccounts"
        for namespace, names in absent.items()
        if names
    }


def wanted(spec: Spec, there: Collection[tuple[str, str]]) -> dict[str, list[str]]:
    """The accounts to write, by namespace. A namespace without any will have `default`."""
    if spec.accounts != (ALL,):
        return {namespace: list(spec.accounts) for namespace in spec.namespaces}
    found: dict[str, list[str]] = {namespace: [] for namespace in spec.namespaces}
    for namespace, name in sorted(there):
        if namespace in found:
            found[namespace].append(name)
    return {namespace: names or [DEFAULT] for namespace, names in found.items()}


def _claim(text: str) -> _Claim:
    try:
        value = json.loads(text)
        return _Claim(added=_names(value["added"]), found=_names(value["found"]))
    except (ValueError, KeyError, TypeError):
        return _Claim()


def _names(value: object) -> frozenset[str]:
    return frozenset(name for name in value if isinstance(name, str)) if isinstance(value, list) else frozenset()


def _text(claim: _Claim, owner: Owner) -> str:
    value = {"by": owner.title, "added": sorted(claim.added), "found": sorted(claim.found)}
    return json.dumps(value, separators=(",", ":"))


def _list(names: Sequence[str]) -> dict[str, Any]:
    return {"imagePullSecrets": [{"name": name} for name in names]}
