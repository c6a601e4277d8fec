"""Lists and requests by name: few of them, and forbidden is never absent."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, cast

import pytest

from imagepull.errors import Forbidden
from imagepull.kubernetes.client import Cluster
from imagepull.kubernetes.kinds import EVERY_NAMESPACE, SECRET, Kind
from imagepull.kubernetes.listing import Listed, get_objects, list_objects
from imagepull.kubernetes.objects import KubernetesObject


class Table:
    """Secret `pull` in the namespaces a and b; namespaces in `closed` may not be looked into, `*` not be listed."""

    def __init__(self, *closed: str) -> None:
        self.closed = closed
        self.asked: list[str] = []

    def _allow(self, namespace: str) -> None:
        self.asked.append(namespace)
        if namespace in self.closed:
            raise Forbidden("RBAC forbids it", status=403)

    async def list(
        self,
        kind: Kind,
        *,
        namespace: str = EVERY_NAMESPACE,
        fields: Mapping[str, str] | None,
        parse: Callable[[Any], Any],
    ) -> list[Any]:
        self._allow(namespace)
        assert fields == {"type": "t"}
        return [parse(document(each)) for each in ("a", "b") if namespace in (each, EVERY_NAMESPACE)]

    async def get(self, kind: Kind, name: str, namespace: str) -> KubernetesObject | None:
        self._allow(namespace)
        there = name == "pull" and namespace in ("a", "b")
        return KubernetesObject.parse(document(namespace)) if there else None


def document(namespace: str) -> dict[str, Any]:
    return {"metadata": {"namespace": namespace, "name": "pull", "uid": "u", "resourceVersion": "1"}}


def look(cluster: Table, *namespaces: str, whole: bool) -> Listed[str]:
    def parse(found: Mapping[str, Any]) -> str | None:
        return str(found["metadata"]["name"])

    return asyncio.run(
        list_objects(cast(Cluster, cluster), SECRET, namespaces, parse, whole=whole, fields={"type": "t"})
    )


def test_the_whole_cluster_is_one_request_and_not_limited_to_the_namespaces() -> None:
    cluster = Table()
    assert look(cluster, "a", "c", whole=True) == Listed(
        found={"a": ["pull"], "b": ["pull"], "c": []}, denied=frozenset()
    )
    assert cluster.asked == [EVERY_NAMESPACE]


@pytest.mark.parametrize("whole", [True, False])
def test_namespaces_are_asked_where_the_cluster_may_not_be_listed(whole: bool) -> None:
    found = look(Table(EVERY_NAMESPACE, "b"), "a", "b", "c", whole=whole)
    assert found == Listed(found={"a": ["pull"], "c": []}, denied=frozenset({"b"}))


def test_absent_and_forbidden_are_told_apart_for_each_name() -> None:
    places = [("a", "pull"), ("a", "other"), ("b", "pull")]
    asked = asyncio.run(get_objects(cast(Cluster, Table("b")), SECRET, places, lambda found: found["metadata"]["name"]))
    assert asked.found == {("a", "pull"): "pull"}
    assert asked.absent == frozenset({("a", "other")})
    assert asked.denied == frozenset({("b", "pull")})
