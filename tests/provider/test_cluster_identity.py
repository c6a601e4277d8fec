"""The plugin knows which cluster it has written to, and never mends another one."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.provider.faulty_api import Fault, FaultyApi, served
from tests.provider.plugin import ACCOUNTS, SECRET, Plugin, Refused, plugin

INPUTS: dict[str, Any] = {
    "name": "pull",
    "namespaces": ["a"],
    "registries": [{"host": "ghcr.io", "username": "u", "password": "correct-horse"}],
}


@pytest.fixture
def two(tmp_path: Path) -> Iterator[tuple[Path, FaultyApi, FaultyApi]]:
    """Two clusters, and one kubeconfig with the contexts `one`, `two` and `also-two`."""
    apis = FaultyApi(cluster_uid="uid-1"), FaultyApi(cluster_uid="uid-2")
    merged: dict[str, Any] = {"current-context": "one", "clusters": [], "users": [], "contexts": []}
    with ExitStack() as stack:
        for name, api in zip(("one", "two"), apis, strict=True):
            (tmp_path / name).mkdir()
            document = yaml.safe_load(stack.enter_context(served(api, tmp_path / name)).read_text())
            for alias in (name, f"also-{name}"):
                merged["clusters"].append({"name": alias, "cluster": document["clusters"][0]["cluster"]})
                merged["users"].append({"name": alias, "user": {"token": alias}})
                merged["contexts"].append({"name": alias, "context": {"cluster": alias, "user": alias}})
        path = tmp_path / "kubeconfig"
        path.write_text(yaml.safe_dump(merged))
        yield path, *apis


async def _in_context(kubeconfig: Path, context: str, work: Any) -> Any:
    async with plugin({**os.environ, "KUBECONFIG": str(kubeconfig)}, {"context": context}) as one:
        return await work(one)


def in_context(kubeconfig: Path, context: str, work: Any) -> Any:
    return asyncio.run(_in_context(kubeconfig, context, work))


def test_the_context_of_the_configuration_is_used(two: tuple[Path, FaultyApi, FaultyApi]) -> None:
    kubeconfig, first, second = two

    async def create(one: Plugin) -> Any:
        return await one.create(SECRET, INPUTS)

    outputs = in_context(kubeconfig, "two", create)
    assert outputs["clusterUid"] == "uid-2"
    assert (len(first.objects), len(second.objects)) == (0, 1)


def test_another_cluster_is_neither_mended_nor_emptied(two: tuple[Path, FaultyApi, FaultyApi]) -> None:
    kubeconfig, _, second = two
    changed = {**INPUTS, "namespaces": ["a", "b"]}

    async def create(one: Plugin) -> Any:
        return await one.create(SECRET, INPUTS)

    outputs = in_context(kubeconfig, "one", create)

    async def try_all(one: Plugin) -> list[str]:
        told = []
        for work in (
            one.update(SECRET, INPUTS, outputs, changed),
            one.read(SECRET, INPUTS, outputs),
            one.delete(SECRET, INPUTS, outputs),
            one.delete(ACCOUNTS, {"secretNames": ["pull"], "namespaces": ["a"]}, outputs),
        ):
            with pytest.raises(Refused) as caught:
                await work
            told.append(caught.value.message)
        return told

    for message in in_context(kubeconfig, "two", try_all):
        assert "is another cluster than the one in the state (kube-system has the UID uid-2, not uid-1)" in message
        assert "pulumi state delete" in message
    assert {method for method, _ in second.requests} == {"GET"}


def test_two_contexts_that_reach_one_cluster_are_no_change(two: tuple[Path, FaultyApi, FaultyApi]) -> None:
    kubeconfig, first, _ = two

    async def create(one: Plugin) -> Any:
        return await one.create(SECRET, INPUTS)

    outputs = in_context(kubeconfig, "one", create)

    async def go_on(one: Plugin) -> Any:
        state = await one.check_config({"context": "one"})
        assert await one.diff_config(state, {"context": "also-one"}) == (["context"], [])
        assert await one.diff_config(state, {"context": "two"}) == (["context"], ["context"])
        return await one.update(SECRET, INPUTS, outputs, {**INPUTS, "namespaces": ["a", "b"]})

    assert in_context(kubeconfig, "also-one", go_on)["uids"].keys() == {"a", "b"}
    assert len(first.objects) == 2


def test_two_addresses_of_one_cluster_are_no_change(two: tuple[Path, FaultyApi, FaultyApi]) -> None:
    kubeconfig, first, _ = two
    document = yaml.safe_load(kubeconfig.read_text())
    (entry,) = [one for one in document["clusters"] if one["name"] == "also-one"]
    entry["cluster"] = {"server": entry["cluster"]["server"].replace("127.0.0.1", "localhost")}
    kubeconfig.write_text(yaml.safe_dump(document))

    async def diff(one: Plugin) -> tuple[list[str], list[str]]:
        return await one.diff_config(await one.check_config({"context": "one"}), {"context": "also-one"})

    assert in_context(kubeconfig, "one", diff) == (["context"], [])
    first.fault = lambda method, path: Fault(status=403)
    assert in_context(kubeconfig, "one", diff) == (["context"], ["context"])


def test_a_uid_that_may_not_be_read_is_not_asked_for_twice_nor_forgotten(
    two: tuple[Path, FaultyApi, FaultyApi],
) -> None:
    kubeconfig, first, _ = two

    async def create_and_update(one: Plugin) -> Any:
        outputs = await one.create(SECRET, INPUTS)
        first.fault = lambda method, path: Fault(status=403) if path.endswith("/kube-system") else None
        return await one.update(SECRET, INPUTS, outputs, {**INPUTS, "namespaces": ["a", "b"]})

    assert in_context(kubeconfig, "one", create_and_update)["clusterUid"] == "uid-1"
