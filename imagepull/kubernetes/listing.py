"""Reads the objects of one kind in many namespaces with few requests, and some by name."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from imagepull.kubernetes.client import Cluster
from imagepull.kubernetes.kinds import Kind
from imagepull.kubernetes.lookup import list_or_ask
from imagepull.kubernetes.objects import Document, KubernetesObject

__all__ = ["Asked", "Listed", "get_objects", "list_objects"]

Item = TypeVar("Item")
Place = tuple[str, str]
"""A namespace and a name."""


@dataclass(frozen=True, kw_only=True)
class Listed(Generic[Item]):
    """What lists gave.

    Attributes:
        found: By namespace; a namespace without any has an empty list.
        denied: Namespaces whose objects could not be listed; they are not in `found`.
    """

    found: Mapping[str, list[Item]]
    denied: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Asked(Generic[Item]):
    """What requests by name gave: the objects, the places where none is, and those that could not be read."""

    found: Mapping[Place, Item]
    absent: frozenset[Place]
    denied: frozenset[Place]


async def list_objects(
    cluster: Cluster,
    kind: Kind,
    namespaces: Iterable[str],
    parse: Callable[[Document], Item | None],
    *,
    whole: bool,
    fields: Mapping[str, str] | None = None,
) -> Listed[Item]:
    """Lists a kind, in the whole cluster or in each namespace.

    Args:
        namespaces: Those that are wanted. A list of the whole cluster is not limited to them.
        parse: What to keep of an object; None to leave it out.
        whole: Ask for the whole cluster with one request; where that fails, each namespace is asked.
        fields: Field selector, as of `Cluster.list`.

    Raises:
        ClusterError: as `list_or_ask` does.
    """
    wanted = sorted(set(namespaces))
    found: dict[str, list[Item]] = {namespace: [] for namespace in wanted}

    def parse_with_place(document: Document) -> tuple[str, Item | None]:
        return str(document.get("metadata", {}).get("namespace", "")), parse(document)

    async def list_all() -> None:
        for namespace, item in await cluster.list(kind, fields=fields, parse=parse_with_place):
            if item is not None:
                found.setdefault(namespace, []).append(item)

    async def look(namespace: str) -> None:
        here = await cluster.list(kind, namespace=namespace, fields=fields, parse=parse)
        found[namespace] = [item for item in here if item is not None]

    denied = await list_or_ask(list_all if whole else None, wanted, look)
    for namespace in denied:
        del found[namespace]
    return Listed(found=found, denied=frozenset(denied))


async def get_objects(
    cluster: Cluster, kind: Kind, places: Iterable[Place], parse: Callable[[Document], Item], *, whole: bool = False
) -> Asked[Item]:
    """Asks for each object by its name.

    Args:
        places: Those that are wanted.
        parse: What to keep of an object.
        whole: Where one name is wanted in several namespaces, list the names in the whole cluster first.

    Raises:
        ClusterError: as `list_or_ask` does.
    """
    wanted = sorted(set(places))
    names = sorted({name for _, name in wanted})
    found: dict[Place, Item] = {}

    def parse_with_place(document: Document) -> tuple[Place, Item]:
        one = KubernetesObject.parse(document)
        return (one.namespace, one.name), parse(document)

    async def list_all() -> None:
        listed = [await cluster.list(kind, name=name, parse=parse_with_place) for name in names]
        asked = frozenset(wanted)
        found.update((place, one) for each in listed for place, one in each if place in asked)

    async def ask(place: Place) -> None:
        namespace, name = place
        if (one := await cluster.get(kind, name, namespace)) is not None:
            found[place] = parse(one.document)

    denied = await list_or_ask(list_all if whole and len(names) < len(wanted) else None, wanted, ask)
    absent = frozenset(wanted) - found.keys() - denied.keys()
    return Asked(found=found, absent=absent, denied=frozenset(denied))
