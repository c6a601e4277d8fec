"""Pods made before their ServiceAccount listed the Secret still need the node's way in: which, and for how long."""

import asyncio
from collections.abc import Mapping
from typing import Any, cast

import pytest

from imagepull.errors import Forbidden
from imagepull.kubernetes.client import Cluster
from imagepull.service_accounts.claims import ROLE_ANNOTATION, Account
from imagepull.service_accounts.earlier_pods import is_without_secrets_and_images, wait_for_earlier_pods
from tests.provider.engine_model import Heard
from tests.provider.fake_cluster import FakeCluster

WAITING = {"state": {"waiting": {"reason": "ContainerCreating"}}}
PULLED = {"imageID": "sha256:1", "state": {"running": {}}}


def make_pod(
    *containers: Mapping[str, object],
    account: str = "default",
    listed: tuple[str, ...] = (),
    phase: str = "Pending",
    **metadata: object,
) -> dict[str, Any]:
    return {
        "metadata": {"name": "web", "namespace": "shop", **metadata},
        "spec": {"serviceAccountName": account, "imagePullSecrets": [{"name": name} for name in listed]},
        "status": {"phase": phase, "containerStatuses": [*containers]},
    }


@pytest.mark.parametrize(
    ("pod", "waits"),
    [
        (make_pod(), True),  # nobody has looked at it yet
        (make_pod(WAITING), True),
        (make_pod(PULLED, WAITING, phase="Running"), True),
        (make_pod(PULLED, phase="Running"), False),
        (make_pod(WAITING, listed=("pull",)), False),
        (make_pod(WAITING, listed=("other",)), True),
        (make_pod(WAITING, account="ci"), False),
        (make_pod(WAITING, deletionTimestamp="2026-01-01T00:00:00Z"), False),
        (make_pod({"state": {"waiting": {"reason": "ImagePullBackOff"}}}), False),
        (make_pod({"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "imageID": "sha256:1"}), False),
        (make_pod({"state": {"terminated": {}}, "imageID": ""}, phase="Succeeded"), False),
        ({"metadata": {"name": "web"}, "spec": {"serviceAccountName": "default"}}, True),
    ],
)
def test_who_lacks_both_a_secret_and_an_image(pod: dict[str, Any], waits: bool) -> None:
    assert is_without_secrets_and_images(pod, {"default"}, ("pull",)) is waits


ACCOUNT = Account(
    namespace="shop",
    name="default",
    uid="1",
    resource_version="1",
    annotations={ROLE_ANNOTATION: "arn:aws:iam::123456789012:role/pull"},
    listed=(),
)


class Watched(FakeCluster):
    """A cluster with one Pod, which has its image from the third look on; keeps how often it was looked at."""

    def __init__(self, looks: int = 3, refusal: Forbidden | None = None) -> None:
        super().__init__()
        self.looks = 0
        self._needed = looks
        self._refusal = refusal

    async def list(self, *arguments: Any, **named: Any) -> "list[Any]":
        self.looks += 1
        if self._refusal is not None:
            raise self._refusal
        pod = make_pod(PULLED if self.looks >= self._needed else WAITING)
        self.store(("Pod", "shop", "web"), pod)
        return await super().list(*arguments, **named)


@pytest.fixture(autouse=True)
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Time flies; how long each wait would have been."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    monkeypatch.setattr("imagepull.service_accounts.earlier_pods.asyncio.sleep", sleep)
    return waits


def wait(cluster: Watched) -> Heard:
    heard = Heard()
    asyncio.run(wait_for_earlier_pods(cast(Cluster, cluster), [ACCOUNT], ("pull",), heard))
    return heard


def test_it_ends_once_they_have_their_images(slept: list[float]) -> None:
    cluster = Watched(looks=3)
    heard = wait(cluster)
    assert (cluster.looks, heard.warnings) == (3, [])
    assert slept[0] >= 1, "admission reads ServiceAccounts from a cache"


def test_a_pod_that_waits_for_something_else_is_named() -> None:
    heard = wait(Watched(looks=1000))
    (warning,) = heard.warnings
    assert warning.startswith("Pod shop/web: made before the ServiceAccount listed Secret pull")


def test_without_the_right_to_list_pods_the_person_is_told() -> None:
    refusal = Forbidden("RBAC forbids it: allow list on pods", status=403)
    (warning,) = wait(Watched(refusal=refusal)).warnings
    assert "is not known: RBAC forbids it" in warning
