"""Finds objects of one kind in many namespaces with as few requests as the principal's rights allow."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from imagepull.errors import Forbidden
from imagepull.kubernetes.client import Cluster, for_each
from imagepull.kubernetes.kinds import Kind
from imagepull.kubernetes.objects import KubernetesObject

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

    def keep(found: Iterable[KubernetesObject]) -> None:
        objects.update({(one.namespace, one.name): parse(one) for one in found})

    async def look(namespace: str) -> None:
        try:
            for name in selected:
                if name is None:
                    keep(await cluster.list(kind, namespace=namespace))
                elif (one := await cluster.get(kind, name, namespace)) is not None:
                    keep([one])
        except Forbidden as error:
            denied[namespace] = str(error)

    try:
        for name in selected:
            keep(await cluster.list(kind, name=name))
    except Forbidden:
        objects.clear()
        await for_each(namespaces, look)
    return Lookup(objects=objects, denied=denied)
