"""Objects are found with one request where the whole cluster may be listed, else with one for each namespace."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from imagepull.errors import Forbidden, Overloaded, RequestRefused
from imagepull.kubernetes import kubeconfig as kubernetes_config
from imagepull.kubernetes.client import Cluster
from imagepull.kubernetes.kinds import SERVICE_ACCOUNT
from imagepull.kubernetes.lookup import Lookup, find_objects
from imagepull.kubernetes.objects import KubernetesObject
from tests.provider.faulty_api import Fault, FaultyApi, served


def api_with(*places: tuple[str, str], **more: Any) -> FaultyApi:
    objects = {
        ("serviceaccounts", namespace, name): {"metadata": {"namespace": namespace, "name": name, "uid": namespace}}
        for namespace, name in places
    }
    return FaultyApi(objects=objects, **more)


async def pause(seconds: float) -> None:
    """Waits for nothing."""


def find(api: FaultyApi, folder: Path, names: list[str] | None, namespaces: list[str] | None) -> Lookup[str]:
    async def run(kubeconfig: str) -> Lookup[str]:
        cluster = Cluster(kubernetes_config.load(kubeconfig, None), pause=pause)
        try:
            return await find_objects(cluster, SERVICE_ACCOUNT, names, namespaces, lambda one: str(one.uid))
        finally:
            await cluster.close()

    with served(api, folder) as path:
        return asyncio.run(run(str(path)))


def forbid_cluster_wide(method: str, path: str) -> Fault | None:
    return Fault(status=403) if path.startswith("/api/v1/serviceaccounts") else None


def test_one_list_finds_a_name_in_all_namespaces(tmp_path: Path) -> None:
    api = api_with(("a", "default"), ("b", "default"), ("b", "other"))
    found = find(api, tmp_path, ["default"], ["a"])
    assert found.objects == {("a", "default"): "a", ("b", "default"): "b"}
    assert len(api.requests) == 1


def test_without_the_right_to_list_each_namespace_is_asked(tmp_path: Path) -> None:
    def fault(method: str, path: str) -> Fault | None:
        return Fault(status=403) if "/namespaces/c/" in path else forbid_cluster_wide(method, path)

    api = api_with(("a", "default"), ("b", "default"), ("c", "default"), fault=fault)
    found = find(api, tmp_path, ["default"], ["a", "c", "d"])
    assert found.objects == {("a", "default"): "a"}
    assert list(found.denied) == ["c"]


def test_all_names_are_listed_in_each_namespace(tmp_path: Path) -> None:
    api = api_with(("a", "default"), ("a", "other"), ("b", "x"), fault=forbid_cluster_wide)
    found = find(api, tmp_path, None, ["a"])
    assert set(found.objects) == {("a", "default"), ("a", "other")}


def test_objects_are_read_as_each_chunk_arrives(tmp_path: Path) -> None:
    api = api_with(*((f"n{number}", "default") for number in range(600)))
    requests_at: list[int] = []

    def parse(found: KubernetesObject) -> str:
        requests_at.append(len(api.requests))
        return found.uid

    async def run(kubeconfig: str) -> Lookup[str]:
        cluster = Cluster.connect(kubeconfig, None)
        try:
            return await find_objects(cluster, SERVICE_ACCOUNT, ["default"], [], parse)
        finally:
            await cluster.close()

    with served(api, tmp_path) as path:
        found = asyncio.run(run(str(path)))

    assert len(found.objects) == 600
    assert requests_at == [1] * 500 + [2] * 100


@pytest.mark.parametrize(("status", "error"), [(400, RequestRefused), (429, Overloaded)])
def test_another_refusal_is_raised_and_not_repeated_for_each_namespace(
    tmp_path: Path, status: int, error: type[RequestRefused]
) -> None:
    api = api_with(fault=lambda method, path: Fault(status=status))
    with pytest.raises(error):
        find(api, tmp_path, ["default"], ["a", "b", "c"])
    assert not [path for _, path in api.requests if "/namespaces/" in path]


@pytest.mark.parametrize("status", [None, 500, 504])
def test_what_one_namespace_does_not_answer_counts_for_it_only(tmp_path: Path, status: int | None) -> None:
    """Such as a Secret that cannot be decrypted: the list of the cluster fails with it, and every other can be had."""

    def fault(method: str, path: str) -> Fault | None:
        broken = "/namespaces/b/" in path or path.startswith("/api/v1/serviceaccounts")
        return Fault(status=status, reason="it broke") if broken else None

    api = api_with(("a", "default"), ("b", "default"), ("c", "default"), fault=fault)
    found = find(api, tmp_path, ["default"], ["a", "b", "c"])
    assert found.objects == {("a", "default"): "a", ("c", "default"): "c"}
    assert list(found.denied) == ["b"]
    assert "broke" in found.denied["b"]


def test_where_only_a_list_can_tell_which_namespaces_there_are_its_refusal_is_raised(tmp_path: Path) -> None:
    with pytest.raises(Forbidden):
        find(api_with(("a", "default"), fault=forbid_cluster_wide), tmp_path, ["default"], None)


def test_what_a_namespace_held_before_it_failed_is_not_taken_for_all_of_it(tmp_path: Path) -> None:
    def fault(method: str, path: str) -> Fault | None:
        return Fault(status=403) if path.endswith("/ci") else forbid_cluster_wide(method, path)

    found = find(api_with(("a", "default"), ("a", "ci"), fault=fault), tmp_path, ["default", "ci"], ["a"])
    assert (found.objects, [*found.denied]) == ({}, ["a"])
