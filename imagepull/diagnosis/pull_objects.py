"""Reads the ServiceAccounts and pull Secrets of namespaces: lists first, by name what no list has.

`imagepull diagnose` and `imagepull status` read them in this one way, each with a parser of its own.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from imagepull.diagnosis.fields import Json, read_mapping, read_text
from imagepull.diagnosis.secrets import DATA_KEYS
from imagepull.kubernetes.client import Cluster
from imagepull.kubernetes.kinds import SECRET, SERVICE_ACCOUNT, Kind
from imagepull.kubernetes.listing import get_objects, list_objects

__all__ = ["Named", "Names", "group_by_namespace", "read_accounts", "read_pull_secrets"]

Item = TypeVar("Item")
Names = Mapping[str, Collection[str]]
"""Namespace to the names in it that some Pod or ServiceAccount names."""


@dataclass(frozen=True, kw_only=True)
class Named(Generic[Item]):
    """Objects of one kind.

    Attributes:
        found: by namespace and name; every namespace that was looked into is in it.
        unlisted: namespaces in which they may not be listed: there are perhaps more than were found.
        absent: names that were asked for and are not there, by namespace.
        withheld: names that were asked for and may not be read, by namespace.
    """

    found: Mapping[str, Mapping[str, Item]]
    unlisted: frozenset[str]
    absent: Names
    withheld: Names


def group_by_namespace(places: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    """Namespace to names."""
    found: dict[str, set[str]] = {}
    for namespace, name in places:
        found.setdefault(namespace, set()).add(name)
    return found


async def read_accounts(cluster: Cluster, wanted: Names, parse: Callable[[Json], Item], *, whole: bool) -> Named[Item]:
    """All ServiceAccounts; where they may not be listed, those that are wanted are asked for by name.

    Args:
        whole: list them in the whole cluster with one request, where that is allowed.
    """
    listed = await list_objects(cluster, SERVICE_ACCOUNT, wanted, _parse_with_name(parse), whole=whole)
    found = {namespace: dict(there) for namespace, there in listed.found.items()}
    missing = [(namespace, name) for namespace in listed.denied for name in wanted[namespace]]
    return await _ask_for_missing(cluster, SERVICE_ACCOUNT, found, listed.denied, missing, parse)


async def read_pull_secrets(
    cluster: Cluster, wanted: Names, parse: Callable[[Json], Item], *, whole: bool
) -> Named[Item]:
    """All Secrets of the types that the kubelet reads, and by name the others that are wanted, whatever their type.

    Args:
        whole: as of `read_accounts`.
    """
    found: dict[str, dict[str, Item]] = {}
    denied: frozenset[str] = frozenset()
    for type_ in DATA_KEYS:
        listed = await list_objects(
            cluster, SECRET, wanted, _parse_with_name(parse), whole=whole, fields={"type": type_}
        )
        denied |= listed.denied
        for namespace, there in listed.found.items():
            found.setdefault(namespace, {}).update(there)
    missing = [
        (namespace, name)
        for namespace, names in wanted.items()
        for name in names
        if name not in found.get(namespace, {})
    ]
    return await _ask_for_missing(cluster, SECRET, found, denied, missing, parse)


async def _ask_for_missing(
    cluster: Cluster,
    kind: Kind,
    found: dict[str, dict[str, Item]],
    unlisted: frozenset[str],
    missing: Iterable[tuple[str, str]],
    parse: Callable[[Json], Item],
) -> Named[Item]:
    asked = await get_objects(cluster, kind, missing, parse)
    for (namespace, name), item in asked.found.items():
        found.setdefault(namespace, {})[name] = item
    return Named(
        found=found,
        unlisted=unlisted,
        absent=group_by_namespace(asked.absent),
        withheld=group_by_namespace(asked.denied),
    )


def _parse_with_name(parse: Callable[[Json], Item]) -> Callable[[Json], tuple[str, Item]]:
    return lambda document: (read_text(read_mapping(document, "metadata"), "name"), parse(document))
