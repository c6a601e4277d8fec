"""Lists and requests by name: few of them, and forbidden is never absent."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from imagepull.errors import Forbidden
from imagepull.kubernetes.kinds import EVERY_NAMESPACE, SECRET
from imagepull.kubernetes.listing import Listed, get_objects, list_objects
from tests.readable_cluster import ReadableCluster


def table(*closed: str) -> ReadableCluster:
    """Secret `pull` in the namespaces a and b; namespaces in `closed` may not be looked into, `*` not be listed."""
    secrets = [
        {
            "kind": "Secret",
            "metadata": {"namespace": each, "name": "pull", "uid": "u", "resourceVersion": "1"},
            "type": "t",
        }
        for each in ("a", "b")
    ]
    other = {**secrets[0], "type": "other"}
    refusal = Forbidden("RBAC forbids it", status=403)
    return ReadableCluster(*secrets, other, refuse=lambda asked: refusal if asked.namespace in closed else None)


def look(cluster: ReadableCluster, *namespaces: str, whole: bool) -> Listed[str]:
    def parse(found: Mapping[str, Any]) -> str | None:
        return str(found["metadata"]["name"])

    return asyncio.run(list_objects(cluster.cluster, SECRET, namespaces, parse, whole=whole, fields={"type": "t"}))


def test_the_whole_cluster_is_one_request_and_not_limited_to_the_namespaces() -> None:
    cluster = table()
    assert look(cluster, "a", "c", whole=True) == Listed(
        found={"a": ["pull"], "b": ["pull"], "c": []}, denied=frozenset()
    )
    assert [each.namespace for each in cluster.requests] == [EVERY_NAMESPACE]


@pytest.mark.parametrize("whole", [True, False])
def test_namespaces_are_asked_where_the_cluster_may_not_be_listed(whole: bool) -> None:
    found = look(table(EVERY_NAMESPACE, "b"), "a", "b", "c", whole=whole)
    assert found == Listed(found={"a": ["pull"], "c": []}, denied=frozenset({"b"}))


def test_absent_and_forbidden_are_told_apart_for_each_name() -> None:
    places = [("a", "pull"), ("a", "other"), ("b", "pull")]
    asked = asyncio.run(get_objects(table("b").cluster, SECRET, places, lambda found: found["metadata"]["name"]))
    assert asked.found == {("a", "pull"): "pull"}
    assert asked.absent == frozenset({("a", "other")})
    assert asked.denied == frozenset({("b", "pull")})
