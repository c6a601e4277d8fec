"""Finds objects of one kind in many namespaces with as few requests as the principal's rights allow."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from imagepull.errors import Forbidden
from imagepull.kubernetes.client import Cluster, for_each
from imagepull.kubernetes.kinds import Kind
from imagepull.kubernetes.objects import Document, KubernetesObject

__all__ = ["Lookup", "find_objects"]

Item = TypeVar("Item")


@dataclass(frozen=True, kw_only=True)
class Lookup(Generic[Item]):
    """What was found.

    Attributes:
        objects: By namespace and name.
        denied: Namespaces that may not be looked into, each with the reason. What they hold is not known.
    """

    objects: Mapping[tuple[str, str], Item]
    denied: Mapping[str, str]


async def find_objects(
    cluster: Cluster,
    kind: Kind,
    names: Collection[str] | None,
    namespaces: Iterable[str],
    parse: Callable[[KubernetesObject], Item],
) -> Lookup[Item]:
    """Lists the objects in the whole cluster, one request for each name; where that is forbidden, asks each namespace.

    Args:
        kind: Kind of the objects.
        names: Their names; None for all of the kind.
        namespaces: Namespaces to ask one by one. The list of the whole cluster is not limited to them.
        parse: Makes an item of an object.

    Raises:
        ClusterError: if a request fails for another reason than that it is forbidden.
    """
    selected: list[str | None] = [None] if names is None else [*names]
    objects: dict[tuple[str, str], Item] = {}
    denied: dict[str, str] = {}

    def read(document: Document) -> tuple[tuple[str, str], Item]:
        # Applied to each chunk of a list as it arrives: ten thousand whole Secrets would take 200 MB.
        found = KubernetesObject.parse(document)
        return (found.namespace, found.name), parse(found)

    async def look(namespace: str) -> None:
        try:
            for name in selected:
                if name is None:
                    objects.update(await cluster.list(kind, namespace=namespace, parse=read))
                elif (one := await cluster.get(kind, name, namespace)) is not None:
                    objects[namespace, name] = parse(one)
        except Forbidden as error:
            denied[namespace] = str(error)

    try:
        for name in selected:
            objects.update(await cluster.list(kind, name=name, parse=read))
    except Forbidden:
        objects.clear()
        await for_each(namespaces, look)
    return Lookup(objects=objects, denied=denied)
