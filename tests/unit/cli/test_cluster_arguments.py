"""The arguments that choose a part of a cluster, when what they name is not there."""

import asyncio
from typing import Any, cast

import pytest

from imagepull.cli import cluster_arguments, main, plan
from imagepull.errors import ClusterError, Forbidden
from imagepull.kubernetes.client import Cluster


class Namespaces:
    """A cluster that knows namespace `shop` only, or lets nobody read namespaces."""

    def __init__(self, *, forbidden: bool = False) -> None:
        self.forbidden = forbidden
        self.requests = 0

    async def get(self, kind: Any, name: str, namespace: str) -> object | None:
        self.requests += 1
        if self.forbidden:
            raise Forbidden("RBAC forbids it", status=403)
        return object() if name == "shop" else None


def check(cluster: Namespaces, namespace: str) -> None:
    asyncio.run(cluster_arguments.check_namespace(cast(Cluster, cluster), namespace))


def test_a_namespace_that_is_not_there_is_no_good_news() -> None:
    with pytest.raises(ClusterError, match="there is no namespace nope; correct the name or give another with -n"):
        check(Namespaces(), "nope")


@pytest.mark.parametrize(
    ("namespace", "forbidden", "requests"), [("shop", False, 1), ("nope", True, 1), ("*", False, 0)]
)
def test_a_namespace_that_is_there_or_may_not_be_read_is_taken(namespace: str, forbidden: bool, requests: int) -> None:
    cluster = Namespaces(forbidden=forbidden)
    check(cluster, namespace)
    assert cluster.requests == requests


@pytest.mark.parametrize(("error", "status"), [(KeyError("a password"), 2), (KeyboardInterrupt(), 130)])
def test_a_fault_is_one_line_without_its_text(
    error: BaseException, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(given: object) -> int:
        raise error

    monkeypatch.setattr(plan, "_run", fail)
    assert main(["plan", "-"]) == status
    said = capsys.readouterr().err
    assert "password" not in said
    assert said.startswith("error: a fault of imagepull itself: KeyError at fail:" if status == 2 else "")
    assert said.count("\n") == (status == 2)
