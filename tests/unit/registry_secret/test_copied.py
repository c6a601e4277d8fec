"""Secrets that External Secrets Operator copies, in a cluster in memory in which the operator does its part."""

import asyncio
from collections.abc import Coroutine, Mapping
from typing import Any, cast

import pytest

from imagepull.kubernetes.client import Cluster
from imagepull.kubernetes.kinds import Kind
from imagepull.kubernetes.objects import KubernetesObject
from imagepull.kubernetes.ownership import Owner
from imagepull.kubernetes.progress import WriteOutcome
from imagepull.registry_secret import copied
from tests.provider.engine_model import Heard
from tests.provider.fake_cluster import FakeCluster

OURS, THEIRS = "aaaaaaaaaaaaaaaa", "cccccccccccccccc"
OWNER = Owner(title="shop/dev/pull", identity=OURS)
FINALIZER = "externalsecrets.external-secrets.io/ces-pull-copies"


class Operator(FakeCluster):
    """Does one step for each ExternalSecret that is asked for or listed: `steps` by namespace."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: dict[str, list[Any]] = {}
        self.looks = 0

    async def list(self, kind: Kind, **rest: Any) -> "list[Any]":
        if kind.name == "ExternalSecret":
            for namespace in self.steps:
                self._step(namespace)
        return await super().list(kind, **rest)

    async def get(self, kind: Kind, name: str, namespace: str) -> KubernetesObject | None:
        if kind.name == "ExternalSecret":
            self._step(namespace)
        return await super().get(kind, name, namespace)

    def _step(self, namespace: str) -> None:
        self.looks += 1
        if self.steps.get(namespace):
            self.steps[namespace].pop(0)()


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Operator:
    monkeypatch.setattr(copied, "_POLL", 0)
    return Operator()


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


def store(cluster: FakeCluster, kind: str, namespace: str, name: str, **rest: Any) -> None:
    metadata = {"name": name, "namespace": namespace, "uid": f"uid-{namespace}", **rest.pop("metadata", {})}
    cluster.store((kind, namespace, name), {"metadata": metadata, **rest})


def store_secret(cluster: FakeCluster, namespace: str, identity: str | None = OURS, **labels: str) -> None:
    labels |= {} if identity is None else {"imagepull/identity": identity}
    store(cluster, "Secret", namespace, "pull", metadata={"labels": labels}, type="kubernetes.io/dockerconfigjson")


def store_copy(cluster: FakeCluster, namespace: str, *conditions: Mapping[str, str]) -> None:
    store(cluster, "ExternalSecret", namespace, "pull", status={"conditions": [*conditions]})


READY = {"type": "Ready", "status": "True"}


def store_namespace(cluster: FakeCluster, name: str, *finalizers: str, **labels: str) -> None:
    metadata: dict[str, Any] = {"name": name, "uid": f"uid-{name}", "labels": labels, "finalizers": [*finalizers]}
    cluster.store(("Namespace", "", name), {"metadata": metadata})


def finalizers_of(cluster: FakeCluster, name: str) -> list[str]:
    return list(cluster.objects["Namespace", "", name]["metadata"]["finalizers"])


def test_only_secrets_with_the_identity_are_found() -> None:
    cluster = FakeCluster()
    store_secret(cluster, "a")
    store_secret(cluster, "b", THEIRS)
    store_secret(cluster, "c", None)
    store_secret(cluster, "elsewhere")

    def find(identity: str | None) -> Any:
        return run(copied.find_uids(cast(Cluster, cluster), "pull", ["a", "b", "c", "d"], identity))

    assert find(OURS) == {"a": "uid-a"}
    assert find(None) == {}


def wait(cluster: FakeCluster, *namespaces: str) -> WriteOutcome:
    outcome = WriteOutcome()
    run(copied.wait_for_copies(cast(Cluster, cluster), "pull", namespaces, OURS, outcome))
    return outcome


def test_it_waits_until_every_namespace_has_a_copy_of_ours_that_the_operator_calls_ready(cluster: Operator) -> None:
    store_secret(cluster, "a")
    store_copy(cluster, "a", {"type": "Other", "status": "True"}, READY)
    store_secret(cluster, "b", THEIRS)
    store_copy(cluster, "b", {"type": "Ready", "status": "False"})
    cluster.steps["b"] = [
        lambda: None,
        lambda: store_secret(cluster, "b"),
        lambda: store_copy(cluster, "b", READY),
    ]

    outcome = wait(cluster, "a", "b")

    assert outcome.failures == {}
    assert outcome.started
    assert cluster.looks == 3


@pytest.mark.parametrize(
    ("identity", "conditions"),
    [
        (THEIRS, [READY]),
        (OURS, []),
        (OURS, [{"type": "Ready", "status": "False"}]),
        (OURS, [{"type": "Deleted", "status": "True"}]),
    ],
)
def test_a_namespace_without_a_copy_in_time_is_named(
    cluster: Operator, monkeypatch: pytest.MonkeyPatch, identity: str, conditions: list[Mapping[str, str]]
) -> None:
    monkeypatch.setattr(copied, "_POLLS", 3)
    for place, whose, said in (("a", OURS, [READY]), ("b", identity, conditions)):
        store_secret(cluster, place, whose)
        store_copy(cluster, place, *said)

    assert wait(cluster, "a", "b").failures == {
        "b": "External Secrets Operator has not copied Secret pull; see its ExternalSecret pull there"
    }


def release(cluster: FakeCluster, *namespaces: str) -> tuple[WriteOutcome, Heard]:
    outcome, heard = WriteOutcome(), Heard()
    work = copied.release_namespaces(cast(Cluster, cluster), "pull", "pull-copies", namespaces, OWNER, outcome, heard)
    run(work)
    return outcome, heard


def test_a_copy_and_the_operators_mark_go_once_the_operator_has_let_go(cluster: Operator) -> None:
    store_namespace(cluster, "a", "kubernetes", FINALIZER, "x/y")
    store_secret(cluster, "a")
    store_copy(cluster, "a", READY)
    seen: list[bool] = []

    def let_go() -> None:
        seen.append(("Secret", "a", "pull") in cluster.objects)
        del cluster.objects["ExternalSecret", "a", "pull"]

    cluster.steps["a"] = [lambda: None, let_go]

    outcome, heard = release(cluster, "a")

    assert seen == [True]
    assert [*cluster.objects] == [("Namespace", "", "a")]
    assert finalizers_of(cluster, "a") == ["kubernetes", "x/y"]
    assert (outcome.started, outcome.done, outcome.failures) == (True, 1, {})
    assert (heard.counts, heard.steps) == ([("released", 1)], 1)


def test_a_secret_of_others_and_other_marks_stay(cluster: Operator) -> None:
    other = f"{FINALIZER}-other"
    store_namespace(cluster, "a", other)
    store_secret(cluster, "a", THEIRS)
    cluster.store(("Namespace", "", "b"), {"metadata": {"name": "b", "uid": "uid-b"}})
    before = dict(cluster.objects)

    outcome, _ = release(cluster, "a", "b", "gone")

    assert cluster.objects == before
    assert (outcome.done, outcome.failures, outcome.left) == (3, {}, {})


def test_a_copy_of_another_run_stays_and_its_identity_is_reported(cluster: Operator) -> None:
    store_namespace(cluster, "a", FINALIZER)
    store_secret(cluster, "a", THEIRS, **{"imagepull/owner": OWNER.key})

    outcome, _ = release(cluster, "a")

    assert ("Secret", "a", "pull") in cluster.objects
    assert outcome.left == {"a": {THEIRS}}
    assert finalizers_of(cluster, "a") == []


def test_an_operator_that_does_not_let_go_is_told_and_its_copy_stays(
    cluster: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copied, "_POLLS", 3)
    store_namespace(cluster, "a", FINALIZER)
    store_namespace(cluster, "b", FINALIZER)
    for place in "ab":
        store_secret(cluster, place)
    store_copy(cluster, "a", READY)

    outcome, _ = release(cluster, "a", "b")

    assert outcome.failures == {
        "a": "ExternalSecret pull is still there; is External Secrets Operator running?",
    }
    assert ("Secret", "a", "pull") in cluster.objects
    assert ("Secret", "b", "pull") not in cluster.objects
    assert (finalizers_of(cluster, "a"), finalizers_of(cluster, "b")) == ([FINALIZER], [])
    assert cluster.looks == 4


SELECTORS: list[dict[str, Any]] = [
    {"matchLabels": {"pull": "yes", "team": "x"}},
    {"matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "In", "values": ["a", "b"]}]},
]


@pytest.mark.parametrize(
    ("labels", "is_selected"),
    [
        ({"pull": "yes", "team": "x"}, True),
        ({"pull": "yes", "team": "x", "more": "z"}, True),
        ({"pull": "yes"}, False),
        ({"pull": "no", "team": "x"}, False),
        ({}, False),
        ({"kubernetes.io/metadata.name": "b"}, True),
        ({"kubernetes.io/metadata.name": "c"}, False),
    ],
)
def test_a_namespace_that_no_selector_has_any_more_is_found(labels: dict[str, str], is_selected: bool) -> None:
    cluster = FakeCluster()
    store_namespace(cluster, "n", FINALIZER, **labels)
    store_namespace(cluster, "m", f"{FINALIZER}-other")
    cluster.store(("Namespace", "", "plain"), {"metadata": {"name": "plain", "uid": "uid-plain"}})
    store(cluster, "ClusterExternalSecret", "", "pull-copies", spec={"namespaceSelectors": SELECTORS})

    found = run(copied.find_unlabelled(cast(Cluster, cluster), "pull-copies"))
    assert found == ([] if is_selected else ["n"])


def test_without_selectors_every_marked_namespace_has_lost_its_label() -> None:
    cluster = FakeCluster()
    assert run(copied.find_unlabelled(cast(Cluster, cluster), "pull-copies")) == []
    for name in ("z", "a"):
        cluster.store(("Namespace", "", name), {"metadata": {"name": name, "uid": name, "finalizers": [FINALIZER]}})
    assert run(copied.find_unlabelled(cast(Cluster, cluster), "pull-copies")) == ["a", "z"]
    store(cluster, "ClusterExternalSecret", "", "pull-copies")
    assert run(copied.find_unlabelled(cast(Cluster, cluster), "pull-copies")) == ["a", "z"]
