"""PullWatch as the engine meets it: silent in a preview, cancelled at once, never the reason that a run fails."""

import asyncio
import os
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from lab.processes import wait_until
from tests.provider.faulty_api import Fault, FaultyApi, served
from tests.provider.plugin import URN, Plugin, Refused, plugin

WATCH = URN.format("PullWatch")
WEB = {"kind": "Deployment", "name": "web", "namespace": "shop", "images": ["ghcr.io/a/web:1"]}
INPUTS: dict[str, Any] = {"workloads": [WEB], "fail": True}


def with_plugin(api: FaultyApi, folder: Path, work: Callable[[Plugin], Coroutine[Any, Any, Any]]) -> Any:
    """What `work` returns, given a plugin whose cluster is the API."""

    async def run() -> Any:
        async with plugin(os.environ, {"kubeconfig": str(kubeconfig)}) as one:
            return await work(one)

    with served(api, folder) as kubeconfig:
        return asyncio.run(run())


def is_pods(path: str) -> bool:
    return "/pods" in path


def test_preview_diff_refresh_and_delete_ask_nobody_and_say_nothing(tmp_path: Path) -> None:
    async def work(one: Plugin) -> tuple[Any, Any, list[str]]:
        assert await one.create(WATCH, INPUTS, preview=True) == {}
        same = await one.diff(WATCH, INPUTS, {}, {**INPUTS, "fail": False, "timeout": "1m"})
        other = await one.diff(WATCH, INPUTS, {}, {"workloads": [{**WEB, "images": ["ghcr.io/a/web:2"]}]})
        await one.read(WATCH, INPUTS, {})
        await one.delete(WATCH, INPUTS, {})
        return same, other, one.log.messages

    api = FaultyApi()
    same, other, messages = with_plugin(api, tmp_path, work)
    assert list(same.detailedDiff) == []
    assert list(other.detailedDiff) == ["workloads[0]"]
    assert not list(other.replaces)
    assert messages == []
    assert not [path for _, path in api.requests if is_pods(path)]


def test_cancel_ends_it_at_once_and_the_next_up_watches_again(tmp_path: Path) -> None:
    api = FaultyApi(fault=lambda method, path: Fault(status=404) if "/deployments" in path else None)

    async def work(one: Plugin) -> str:
        running = asyncio.create_task(one.create(WATCH, INPUTS))
        looked = await asyncio.to_thread(wait_until, lambda: any(is_pods(path) for _, path in api.requests), timeout=60)
        assert looked
        await one.cancel()
        with pytest.raises(Refused) as refused:
            await running
        assert refused.value.partial is None  # not in the state
        return refused.value.message

    assert "the watch was cancelled; the next `pulumi up` watches again" in with_plugin(api, tmp_path, work)


def test_pods_that_may_not_be_listed_are_one_warning_and_no_failure(tmp_path: Path) -> None:
    api = FaultyApi(fault=lambda method, path: Fault(status=403) if is_pods(path) else None)

    async def work(one: Plugin) -> list[str]:
        await one.create(WATCH, INPUTS)
        return one.log.messages

    (message,) = with_plugin(api, tmp_path, work)
    assert message.startswith("namespace shop is not watched: ")


def test_wrong_inputs_are_refused_with_their_path(tmp_path: Path) -> None:
    async def work(one: Plugin) -> dict[str, str]:
        return await one.check(WATCH, {"workloads": [{**WEB, "kind": "Rollout"}]})

    assert list(with_plugin(FaultyApi(), tmp_path, work)) == ["workloads[0].kind"]
