"""Lists and requests by name: few of them, and forbidden is never absent."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from imagepull.errors import ClusterError, Forbidden, RequestUnanswered
from imagepull.kubernetes.kinds import EVERY_NAMESPACE, SECRET
from imagepull.kubernetes.listing import Listed, get_objects, list_objects
from tests.readable_cluster import ReadableCluster

FORBIDDEN = Forbidden("RBAC forbids it", status=403)


def table(*closed: str, error: ClusterError = FORBIDDEN) -> ReadableCluster:
    """Secret `pull` in the namespaces a and b; namespaces in `closed` cannot be looked into, `*` not be listed."""
    secrets = [
        {
            "kind": "Secret",
            "metadata": {"namespace": each, "name": "pull", "uid": "u", "resourceVersion": "1"},
            "type": "t",
        }
        for each in ("a", "b")
    ]
    other = {**secrets[0], "type": "other"}
    return ReadableCluster(*secrets, other, refuse=lambda asked: error if asked.namespace in closed else None)


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


@pytest.mark.parametrize("error", [FORBIDDEN, RequestUnanswered("the cluster did not answer in time")])
@pytest.mark.parametrize("whole", [True, False])
def test_namespaces_are_asked_where_the_cluster_cannot_be_listed(whole: bool, error: ClusterError) -> None:
    found = look(table(EVERY_NAMESPACE, "b", error=error), "a", "b", "c", whole=whole)
    assert found == Listed(found={"a": ["pull"], "c": []}, denied=frozenset({"b"}))


def test_absent_and_forbidden_are_told_apart_for_each_name() -> None:
    places = [("a", "pull"), ("a", "other"), ("b", "pull")]
    asked = asyncio.run(get_objects(table("b").cluster, SECRET, places, lambda found: found["metadata"]["name"]))
    assert asked.found == {("a", "pull"): "pull"}
    assert asked.absent == frozenset({("a", "other")})
    assert asked.denied == frozenset({("b", "pull")})


def test_one_name_in_many_namespaces_is_one_list_where_that_is_wanted() -> None:
    def ask(cluster: ReadableCluster, *places: tuple[str, str]) -> tuple[object, object, object]:
        asked = asyncio.run(get_objects(cluster.cluster, SECRET, places, lambda found: "there", whole=True))
        return asked.found, asked.absent, asked.denied

    both, here = [("a", "pull"), ("c", "pull")], {("a", "pull"): "there"}
    for cluster, requests in ((table(), ["*"]), (table("*"), ["*", "a", "c"])):
        assert ask(cluster, *both) == (here, {("c", "pull")}, frozenset())
        assert [each.namespace for each in cluster.requests] == requests
    alone = table()
    assert ask(alone, ("a", "pull"), ("b", "other"))[0] == here
    assert [each.namespace for each in alone.requests] == ["a", "b"]
