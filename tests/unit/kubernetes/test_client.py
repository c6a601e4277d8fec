"""What the API server's answers become."""

import asyncio
from typing import Any

import pytest
from lightkube.resources.core_v1 import Secret

from imagepull import errors
from imagepull.errors import ClusterError, Conflict, NotFound, RequestRefused
from imagepull.kubernetes.client import Cluster, retry_on_conflict
from tests.provider.faulty_api import Fault, FaultyApi, served


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
def test_each_refusal_has_its_class(tmp_path: Any, status: int, kind: type[RequestRefused]) -> None:
    async def create(kubeconfig: str) -> None:
        cluster = Cluster.connect(kubeconfig, None)
        try:
            await cluster.create(Secret, {"metadata": {"name": "pull", "namespace": "a"}})
        finally:
            await cluster.close()

    api = FaultyApi(fault=lambda method, path: Fault(status=status))
    with served(api, tmp_path) as path, pytest.raises(ClusterError) as caught:
        asyncio.run(create(str(path)))
    assert type(caught.value) is kind
    assert isinstance(caught.value, RequestRefused)
    assert caught.value.status == status


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
