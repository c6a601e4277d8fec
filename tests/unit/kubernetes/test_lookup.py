"""Objects are found with one request where the whole cluster may be listed, else with one for each namespace."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from imagepull.errors import RequestRefused
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


def find(api: FaultyApi, folder: Path, names: list[str] | None, namespaces: list[str]) -> Lookup[str]:
    async def run(kubeconfig: str) -> Lookup[str]:
        cluster = Cluster.connect(kubeconfig, None)
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


def test_another_refusal_is_raised(tmp_path: Path) -> None:
    api = api_with(fault=lambda method, path: Fault(status=400))
    with pytest.raises(RequestRefused):
        find(api, tmp_path, ["default"], ["a"])
