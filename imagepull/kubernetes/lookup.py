"""Finds objects in many namespaces with as few requests as rights allow: one list, and place by place where that fails.

What cannot be read is told apart from what is not there: who takes one for the other draws wrong conclusions.
"""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from imagepull.errors import ClusterError, Forbidden, RequestRefused, RequestUnanswered
from imagepull.kubernetes.client import Cluster, for_each
from imagepull.kubernetes.kinds import Kind
from imagepull.kubernetes.objects import Document, KubernetesObject

__all__ = ["Lookup", "find_objects", "list_or_ask"]

Item = TypeVar("Item")
Place = TypeVar("Place")

_OF_ONE_PLACE: Final = frozenset({500, 504})
"""Statuses besides 403 that may come of one object or one place: an object that cannot be decrypted, a time-out."""


@dataclass(frozen=True, kw_only=True)
class Lookup(Generic[Item]):
    """What was found.

    Attributes:
        objects: By namespace and name.
        denied: Namespaces that could not be looked into, each with the reason. What they hold is not known.
    """

    objects: Mapping[tuple[str, str], Item]
    denied: Mapping[str, str]


async def list_or_ask(
    list_all: Callable[[], Awaitable[None]] | None,
    places: Iterable[Place] | None,
    ask: Callable[[Place], Awaitable[None]],
) -> dict[Place, str]:
    """Reads all with one list; where that is forbidden or gets no answer, asks place by place.

    A refusal or a time-out of one place counts for that place only.

    Args:
        list_all: Lists the whole cluster; None to ask place by place at once.
        places: None for those that only a list can tell: then its failure is raised.

    Returns:
        The places that could not be read, each with the reason.

    Raises:
        ClusterError: the cluster is gone or overloaded, or what was asked is wrong in every place.
    """
    if list_all is not None:
        try:
            await list_all()
        except ClusterError as error:
            if places is None or not _is_of_one_place(error):
                raise
        else:
            return {}
    failed: dict[Place, str] = {}

    async def look(place: Place) -> None:
        try:
            await ask(place)
        except ClusterError as error:
            if not _is_of_one_place(error):
                raise
            failed[place] = str(error)

    await for_each(places or (), look)
    return failed


async def find_objects(
    cluster: Cluster,
    kind: Kind,
    names: Collection[str] | None,
    namespaces: Iterable[str] | None,
    parse: Callable[[KubernetesObject], Item],
) -> Lookup[Item]:
    """Lists the objects in the whole cluster, one request for each name; where that fails, asks each namespace.

    Args:
        kind: Kind of the objects.
        names: Their names; None for all of the kind.
        namespaces: Namespaces to ask one by one; None for all that there are, which only the list can tell. The list of
            the whole cluster is not limited to them.
        parse: Makes an item of an object.

    Raises:
        ClusterError: as `list_or_ask` does.
    """
    selected: list[str | None] = [None] if names is None else [*names]
    objects: dict[tuple[str, str], Item] = {}

    def read(document: Document) -> tuple[tuple[str, str], Item]:
        # Applied to each chunk of a list as it arrives: ten thousand whole Secrets would take 200 MB.
        found = KubernetesObject.parse(document)
        return (found.namespace, found.name), parse(found)

    async def list_all() -> None:
        listed = [await cluster.list(kind, name=name, parse=read) for name in selected]
        objects.update(each for found in listed for each in found)

    async def look(namespace: str) -> None:
        for name in selected:
            if name is None:
                objects.update(await cluster.list(kind, namespace=namespace, parse=read))
            elif (one := await cluster.get(kind, name, namespace)) is not None:
                objects[namespace, name] = parse(one)

    denied = await list_or_ask(list_all, namespaces, look)
    return Lookup(objects={place: one for place, one in objects.items() if place[0] not in denied}, denied=denied)


def _is_of_one_place(error: ClusterError) -> bool:
    refused = isinstance(error, RequestRefused) and error.status in _OF_ONE_PLACE
    return refused or isinstance(error, Forbidden | RequestUnanswered)
