"""What somebody else writes between our reading of an object and our writing of it is never lost."""

import base64
import copy
import json
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from imagepull.kubernetes.kinds import Kind
from imagepull.kubernetes.objects import KubernetesObject
from tests.provider.engine_model import Declared, Stack
from tests.provider.fake_cluster import FakeCluster, Key

HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
SECRET: Key = ("Secret", "a", "pull")
ACCOUNT: Key = ("ServiceAccount", "a", "default")
PROGRAM = [
    Declared(
        kind="RegistrySecret",
        name="pull",
        inputs={"name": "pull", "namespaces": ["a"], "registries": [{"host": HOST}]},
    ),
    Declared(kind="ServiceAccountImagePullSecrets", name="pull", inputs={"secretNames": ["pull"], "namespaces": ["a"]}),
]


class Busy(FakeCluster):
    """A cluster in which somebody else writes right before our next write of a kind arrives."""

    def __init__(self) -> None:
        super().__init__()
        self.on_write: dict[str, Callable[[], None]] = {}

    async def patch(self, kind: Kind, name: str, namespace: str, body: Mapping[str, Any]) -> KubernetesObject:
        self.on_write.pop(kind.name, lambda: None)()
        return await super().patch(kind, name, namespace, body)

    async def delete(self, kind: Kind, name: str, namespace: str, *, uid: str, resource_version: str) -> None:
        self.on_write.pop(kind.name, lambda: None)()
        await super().delete(kind, name, namespace, uid=uid, resource_version=resource_version)


@pytest.fixture
def cluster() -> Busy:
    cluster = Busy()
    cluster.store(ACCOUNT, {"metadata": {"name": "default", "namespace": "a", "uid": "account"}})
    return cluster


def add_name(cluster: Busy) -> None:
    listed = cluster.objects[ACCOUNT].get("imagePullSecrets", [])
    cluster.store(ACCOUNT, {**cluster.objects[ACCOUNT], "imagePullSecrets": [*listed, {"name": "theirs"}]})


def add_entry(cluster: Busy) -> None:
    found = copy.deepcopy(cluster.objects[SECRET])
    config = json.loads(base64.b64decode(found["data"][".dockerconfigjson"]))
    config["auths"]["quay.io"] = {"username": "u", "password": "p", "auth": "dTpw"}
    found["data"][".dockerconfigjson"] = base64.b64encode(json.dumps(config).encode()).decode()
    cluster.store(SECRET, found)


def entries(cluster: Busy) -> set[str]:
    return set(json.loads(base64.b64decode(cluster.objects[SECRET]["data"][".dockerconfigjson"]))["auths"])


def names(cluster: Busy) -> list[str]:
    return [each["name"] for each in cluster.objects[ACCOUNT].get("imagePullSecrets", [])]


def test_a_name_added_while_we_append_ours_stays(cluster: Busy) -> None:
    cluster.on_write["ServiceAccount"] = lambda: add_name(cluster)
    assert Stack(cluster=cluster, name="dev").up(PROGRAM)
    assert names(cluster) == ["theirs", "pull"]


def test_a_name_added_while_we_take_ours_away_stays(cluster: Busy) -> None:
    stack = Stack(cluster=cluster, name="dev")
    assert stack.up(PROGRAM)
    cluster.on_write["ServiceAccount"] = lambda: add_name(cluster)
    assert stack.destroy()
    assert names(cluster) == ["theirs"]


def test_an_entry_added_while_we_delete_the_secret_stays(cluster: Busy) -> None:
    stack = Stack(cluster=cluster, name="dev")
    assert stack.up(PROGRAM)
    cluster.on_write["Secret"] = lambda: add_entry(cluster)
    assert stack.destroy()
    assert entries(cluster) == {"quay.io"}


def test_somebody_elses_new_secret_of_that_name_is_not_deleted(cluster: Busy) -> None:
    stack = Stack(cluster=cluster, name="dev")
    assert stack.up(PROGRAM)

    def replace() -> None:
        metadata = {"name": "pull", "namespace": "a", "uid": "theirs"}
        cluster.store(SECRET, {"metadata": metadata, "type": "Opaque", "data": {}})

    cluster.on_write["Secret"] = replace
    assert stack.destroy()
    assert cluster.objects[SECRET]["metadata"]["uid"] == "theirs"


def test_a_service_account_that_somebody_deletes_is_not_brought_back(cluster: Busy) -> None:
    stack = Stack(cluster=cluster, name="dev")
    key: Key = ("ServiceAccount", "a", "ci")
    cluster.store(key, {"metadata": {"name": "ci", "namespace": "a", "uid": "ci"}})
    cluster.on_write["ServiceAccount"] = lambda: cluster.objects.__delitem__(key)
    inputs = {"secretNames": ["pull"], "namespaces": ["a"], "serviceAccounts": ["ci"]}
    assert not stack.up([Declared(kind="ServiceAccountImagePullSecrets", name="pull", inputs=inputs)])
    assert key not in cluster.objects


def test_a_secret_that_is_being_deleted_is_not_patched(cluster: Busy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imagepull.registry_secret.writer._DELETION_POLL", 0)
    stack = Stack(cluster=cluster, name="dev")
    assert stack.up(PROGRAM)
    found = cluster.objects[SECRET]
    held = {**found["metadata"], "deletionTimestamp": "2026-01-01T00:00:00Z", "finalizers": ["example.com/hold"]}
    cluster.store(SECRET, {**found, "metadata": held})
    before = copy.deepcopy(cluster.objects[SECRET])
    stack.tainted |= set(stack.states)
    assert not stack.up(PROGRAM)
    assert cluster.objects[SECRET] == before
