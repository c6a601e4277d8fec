"""What the API server's answers become, what is tried again, and when the cluster counts as gone."""

import asyncio
import base64
import itertools
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from imagepull import errors
from imagepull.errors import ClusterError, Conflict, NotFound, RequestRefused
from imagepull.kubernetes import kubeconfig
from imagepull.kubernetes.client import Cluster, for_each, retry_on_conflict
from imagepull.kubernetes.kinds import SECRET
from tests.provider.faulty_api import Fault, FaultyApi, served

PULL = {"metadata": {"name": "pull", "namespace": "a"}}


def with_cluster(
    api: FaultyApi, folder: Path, work: Callable[[Cluster], Awaitable[Any]], *, seconds: float = 15.0
) -> tuple[Any, list[float]]:
    """What `work` returns, and the pauses that were made, though not waited for."""
    pauses: list[float] = []

    async def pause(wait: float) -> None:
        pauses.append(wait)

    async def run(path: Path) -> Any:
        cluster = Cluster(kubeconfig.load(str(path), None), pause=pause, seconds=seconds)
        try:
            return await work(cluster)
        finally:
            await cluster.close()

    with served(api, folder) as path:
        return asyncio.run(run(path)), pauses


async def create(cluster: Cluster) -> Any:
    return await cluster.create(SECRET, PULL)


async def error_of_create(cluster: Cluster) -> ClusterError:
    with pytest.raises(ClusterError) as caught:
        await create(cluster)
    return caught.value


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (401, errors.Unauthorized),
        (403, errors.Forbidden),
        (404, errors.NotFound),
        (409, errors.Conflict),
        (418, errors.RequestRefused),
        (422, errors.Unprocessable),
    ],
)
def test_each_refusal_has_its_class(tmp_path: Path, status: int, kind: type[RequestRefused]) -> None:
    api = FaultyApi(fault=lambda method, path: Fault(status=status))
    error, pauses = with_cluster(api, tmp_path, error_of_create)
    assert type(error) is kind
    assert error.status == status
    assert pauses == []


def test_a_passing_refusal_is_tried_again_after_growing_pauses(tmp_path: Path) -> None:
    turn = itertools.count()
    api = FaultyApi(fault=lambda method, path: Fault(status=503) if next(turn) < 5 else None)
    created, pauses = with_cluster(api, tmp_path, create)
    assert created.uid
    assert len(pauses) == 5
    assert all(before * 1.2 < after for before, after in itertools.pairwise(pauses[:4]))
    assert 0.05 <= pauses[0] <= 0.1
    assert 2.0 <= pauses[-1] <= 4.0


@pytest.mark.parametrize(("told", "least", "most"), [("2", 2.0, 2.0), ("600", 4.0, 4.0), ("soon", 0.05, 0.1)])
def test_the_server_says_how_long_to_pause_within_bounds(tmp_path: Path, told: str, least: float, most: float) -> None:
    turn = itertools.count()
    fault = Fault(status=429, headers={"Retry-After": told})
    api = FaultyApi(fault=lambda method, path: fault if next(turn) < 1 else None)
    _, pauses = with_cluster(api, tmp_path, create)
    assert len(pauses) == 1
    assert least <= pauses[0] <= most


def test_a_request_that_is_not_answered_in_time_fails_alone_and_is_not_repeated(tmp_path: Path) -> None:
    def fault(method: str, path: str) -> Fault | None:
        return Fault(status=500, seconds=2) if method == "POST" else None

    async def work(cluster: Cluster) -> tuple[ClusterError, Any]:
        return await error_of_create(cluster), await cluster.list(SECRET)

    api = FaultyApi(fault=fault)
    (error, listed), pauses = with_cluster(api, tmp_path, work, seconds=0.2)
    assert type(error) is errors.RequestUnanswered
    assert "did not answer in time" in str(error)
    assert listed == []
    assert pauses == []
    assert [path for _, path in api.requests if path == "/readyz"] == ["/readyz"]


def test_a_connection_that_breaks_is_not_yet_a_cluster_that_is_gone(tmp_path: Path) -> None:
    def fault(method: str, path: str) -> Fault | None:
        return Fault(status=None) if method == "POST" else None

    async def work(cluster: Cluster) -> tuple[ClusterError, ClusterError, Any]:
        return await error_of_create(cluster), await error_of_create(cluster), await cluster.list(SECRET)

    api = FaultyApi(fault=fault)
    (first, second, listed), _ = with_cluster(api, tmp_path, work)
    assert type(first) is type(second) is errors.RequestUnanswered
    assert listed == []


def test_what_outlasted_all_tries_of_one_request_is_not_tried_as_often_by_the_others(tmp_path: Path) -> None:
    api = FaultyApi(fault=lambda method, path: Fault(status=500) if method == "POST" else None)

    async def work(cluster: Cluster) -> list[int]:
        counts = []
        for kind in (SECRET, SECRET, SECRET):
            before = len(api.requests)
            with pytest.raises(RequestRefused):
                await cluster.create(kind, PULL)
            counts.append(len(api.requests) - before)
            if len(counts) == 2:
                await cluster.list(SECRET)
        return counts

    counts, _ = with_cluster(api, tmp_path, work)
    assert counts == [6, 1, 6]


def test_a_cluster_is_gone_when_no_connection_can_be_made(tmp_path: Path) -> None:
    pauses: list[float] = []

    async def pause(wait: float) -> None:
        pauses.append(wait)

    async def run(path: Path) -> list[ClusterError]:
        cluster = Cluster(kubeconfig.load(str(path), None), pause=pause)
        try:
            return [await error_of_create(cluster), await error_of_create(cluster)]
        finally:
            await cluster.close()

    with served(FaultyApi(), tmp_path) as path:
        pass
    first, second = asyncio.run(run(path))
    assert type(first) is errors.ClusterUnreachable
    assert "cannot be reached; check the server's address" in str(first)
    assert second is first
    assert len(pauses) == 5


def test_lists_come_in_chunks(tmp_path: Path) -> None:
    objects = {("secrets", f"n{i}", "pull"): {"metadata": {"name": "pull", "namespace": f"n{i}"}} for i in range(1200)}
    api = FaultyApi(objects=objects)

    async def work(cluster: Cluster) -> int:
        return len({one.namespace for one in await cluster.list(SECRET, name="pull")})

    assert with_cluster(api, tmp_path, work)[0] == 1200
    assert len(api.requests) == 3


def test_what_is_no_object_in_a_list_holds_up_no_other(tmp_path: Path) -> None:
    """One that the API server cannot read, in whatever way a proxy or an aggregated API shows it."""
    odd: list[Any] = [None, 5, "text", [], {}, {"metadata": 5}, {"metadata": {}}, {"metadata": {"name": 5}}]
    objects = {("secrets", f"n{i}", "pull"): document for i, document in enumerate(odd)}
    good = {"metadata": {"name": "pull", "namespace": "a", "labels": {"one": 1, "two": "2"}, "finalizers": 5}}
    api = FaultyApi(objects={**objects, ("secrets", "a", "pull"): good})

    async def work(cluster: Cluster) -> list[Any]:
        api.objects["secrets", "n0", "pull"] = {"kind": "Secret", "apiVersion": "v1", "metadata": {}}
        with pytest.raises(ClusterError, match="without a name") as caught:
            await cluster.get(SECRET, "pull", "n0")
        assert not isinstance(caught.value, errors.ClusterUnreachable)
        return await cluster.list(SECRET, name="pull")

    (found,), _ = with_cluster(api, tmp_path, work)
    assert (found.namespace, found.labels, found.finalizers) == ("a", {"two": "2"}, ())


def test_a_name_that_a_tenant_made_up_is_one_value_and_no_path(tmp_path: Path) -> None:
    api = FaultyApi()

    async def work(cluster: Cluster) -> None:
        assert await cluster.get(SECRET, "../../../kube-system/secrets/x", "n") is None
        assert await cluster.get(SECRET, "a\nb", "n") is None
        assert await cluster.list(SECRET, name="x,metadata.namespace=n") == []

    with_cluster(api, tmp_path, work)
    assert len(api.requests) == 2


def test_a_delete_with_preconditions_spares_another_object_of_that_name(tmp_path: Path) -> None:
    api = FaultyApi()

    async def work(cluster: Cluster) -> None:
        created = await create(cluster)
        with pytest.raises(Conflict):
            await cluster.delete(SECRET, "pull", "a", uid="another")
        with pytest.raises(Conflict):
            await cluster.delete(SECRET, "pull", "a", uid=created.uid, resource_version="0")
        assert len(api.objects) == 1
        await cluster.delete(SECRET, "pull", "a", uid=created.uid, resource_version=created.resource_version)

    with_cluster(api, tmp_path, work)
    assert api.objects == {}


def test_an_error_of_work_on_many_is_raised_as_it_is() -> None:
    async def work(item: int) -> None:
        raise NotFound(f"item {item}", status=404)

    with pytest.raises(NotFound):
        asyncio.run(for_each(range(3), work))


SENT = {"auths": {"ghcr.io": {"username": "robot", "password": "hunter2", "auth": "cm9ib3Q6aHVudGVyMg=="}}}


@pytest.mark.parametrize(
    "quote",
    [
        "hunter2",
        "cm9ib3Q6aHVudGVyMg==",
        base64.b64encode(json.dumps(SENT).encode()).decode(),
        json.dumps(SENT),
        json.dumps(json.dumps(SENT)),
    ],
)
def test_a_refusal_never_shows_what_was_sent(tmp_path: Path, quote: str) -> None:
    data = {".dockerconfigjson": base64.b64encode(json.dumps(SENT).encode()).decode()}
    fault = Fault(status=422, reason=f"policy p denied it: no {quote} here\n\x1b[2Jgone")

    async def work(cluster: Cluster) -> str:
        with pytest.raises(RequestRefused) as caught:
            await cluster.create(SECRET, {**PULL, "data": data})
        return str(caught.value)

    message, _ = with_cluster(FaultyApi(fault=lambda method, path: fault), tmp_path, work)
    assert message.startswith("the cluster refuses (HTTP 422): policy p denied it: no ")
    assert message.endswith("here [2Jgone") or "redacted" in message
    assert message.isprintable()
    assert not any(secret in message for secret in ("hunter2", "cm9ib3Q6", data[".dockerconfigjson"][:40]))


def test_a_conflict_and_a_vanished_object_are_read_again_but_a_missing_namespace_is_not() -> None:
    seen: list[str | None] = []
    reads = iter(["newer", None])

    async def attempt(existing: str | None) -> str:
        seen.append(existing)
        if existing == "old":
            raise Conflict("changed", status=409)
        if existing == "newer":
            raise NotFound("gone", status=404)
        raise NotFound("no namespace", status=404)

    async def read() -> str | None:
        return next(reads)

    with pytest.raises(NotFound, match="no namespace"):
        asyncio.run(retry_on_conflict("Secret pull", "old", attempt, read))
    assert seen == ["old", "newer", None]
