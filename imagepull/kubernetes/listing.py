"""Reads the objects of one kind in many namespaces with few requests, and some by name.

What may not be read is told apart from what is not there: who takes one for the other draws wrong conclusions.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from imagepull.errors import Forbidden
from imagepull.kubernetes.client import Cluster, for_each
from imagepull.kubernetes.kinds import Kind
from imagepull.kubernetes.objects import Document

__all__ = ["Asked", "Listed", "get_objects", "list_objects"]

Item = TypeVar("Item")
Place = tuple[str, str]
"""A namespace and a name."""


@dataclass(frozen=True, kw_only=True)
class Listed(Generic[Item]):
    """What lists gave.

    Attributes:
        found: By namespace; a namespace without any has an empty list.
        denied: Namespaces whose objects may not be listed; they are not in `found`.
    """

    found: Mapping[str, list[Item]]
    denied: frozenset[str]


@dataclass(frozen=True, kw_only=True)
class Asked(Generic[Item]):
    """What requests by name gave: the objects, the places where none is, and those that may not be read."""

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
        whole: Ask for the whole cluster with one request; where that is forbidden, each namespace is asked.
        fields: Field selector, as of `Cluster.list`.

    Raises:
        ClusterError: a request failed for another reason than that it is forbidden.
    """
    wanted = sorted(set(namespaces))
    found: dict[str, list[Item]] = {namespace: [] for namespace in wanted}

    def parse_with_place(document: Document) -> tuple[str, Item | None]:
        return str(document.get("metadata", {}).get("namespace", "")), parse(document)

    if whole:
        try:
            listed = await cluster.list(kind, fields=fields, parse=parse_with_place)
        except Forbidden:
            pass
        else:
            for namespace, item in listed:
                if item is not None:
                    found.setdefault(namespace, []).append(item)
            return Listed(found=found, denied=frozenset())

    async def look(namespace: str) -> None:
        try:
            here = await cluster.list(kind, namespace=namespace, fields=fields, parse=parse)
        except Forbidden:
            del found[namespace]
        else:
            found[namespace] = [item for item in here if item is not None]

    await for_each(wanted, look)
    return Listed(found=found, denied=frozenset(wanted) - found.keys())


async def get_objects(
    cluster: Cluster, kind: Kind, places: Iterable[Place], parse: Callable[[Document], Item]
) -> Asked[Item]:
    """Asks for each object by its name; raises ClusterError as `list_objects` does."""
    found: dict[Place, Item] = {}
    absent: set[Place] = set()
    denied: set[Place] = set()

    async def ask(place: Place) -> None:
        namespace, name = place
        try:
            one = await cluster.get(kind, name, namespace)
        except Forbidden:
            denied.add(place)
            return
        if one is None:
            absent.add(place)
        else:
            found[place] = parse(one.document)

    await for_each(sorted(set(places)), ask)
    return Asked(found=found, absent=frozenset(absent), denied=frozenset(denied))
