"""A deletion says where something stays because another run of the same resource wrote it, whatever the resource."""

import asyncio
import copy
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

import pytest

from imagepull.kubernetes.ownership import IDENTITY_LABEL
from provider.copied_secrets import CopiedSecretsResource
from provider.operations import Operation, Resource, State
from provider.registry_secret import RegistrySecretResource
from provider.renewal_rights import RenewalRightsResource
from provider.service_accounts import ServiceAccountsResource
from tests.provider.engine_model import Heard
from tests.provider.fake_cluster import FakeCluster, Key

TITLE = "shop/dev/pull"
COPIES = "pull-source"
OTHER_IDENTITY = "f" * 16
MARK = f"externalsecrets.external-secrets.io/ces-{COPIES}"
SECRET_INPUTS: Mapping[str, object] = {
    "name": "pull",
    "namespaces": ["a"],
    "registries": [{"host": "ghcr.io", "username": "u", "password": "p"}],
}


@dataclass(frozen=True, kw_only=True)
class Case:
    """A resource, its inputs, and what its warning begins with."""

    resource: type[Resource]
    inputs: Mapping[str, object]
    what: str


CASES = {
    "RegistrySecret": Case(resource=RegistrySecretResource, inputs=SECRET_INPUTS, what="Secret pull"),
    "ServiceAccountImagePullSecrets": Case(
        resource=ServiceAccountsResource,
        inputs={"secretNames": ["pull"], "namespaces": ["a"]},
        what="imagePullSecrets of ServiceAccounts",
    ),
    "RenewalRights": Case(
        resource=RenewalRightsResource,
        inputs={
            "name": "pull-renewal",
            "secretName": "pull",
            "namespaces": ["a"],
            "serviceAccount": "renewer",
            "serviceAccountNamespace": "home",
        },
        what="Role and RoleBinding pull-renewal",
    ),
}


class Engine(Heard):
    """One process of the plugin, as the engine starts it for one command."""

    def __init__(self, cluster: FakeCluster, kind: str) -> None:
        super().__init__()
        self._run = Operation(
            urn=f"urn:pulumi:dev::shop::imagepull:index:{kind}::pull",
            report=self,
            tokens=cast(Any, None),
            clusters=cast(Any, self),
            identities=set(),
        )
        self._cluster = cluster
        self._resource = (CASES[kind].resource if kind in CASES else CopiedSecretsResource)()

    def connect(self) -> FakeCluster:
        return self._cluster

    def create(self, inputs: Mapping[str, object]) -> State:
        return asyncio.run(self._resource.create(self._run, inputs))

    def diff(self, state: State) -> None:
        self._resource.diff(self._run, state, state.inputs)

    def delete(self, state: State) -> None:
        asyncio.run(self._resource.delete(self._run, state))


@pytest.fixture
def cluster() -> FakeCluster:
    cluster = FakeCluster()
    cluster.store(("ServiceAccount", "a", "default"), {"metadata": {"name": "default", "namespace": "a", "uid": "sa"}})
    return cluster


def warning(what: str) -> str:
    return (
        f"{what} in namespace a: another run of {TITLE} wrote this, so it stays; "
        "if no stack keeps it, `imagepull orphans --delete` removes it"
    )


@pytest.mark.parametrize("kind", CASES)
def test_a_destroy_with_an_older_state_leaves_what_is_there_and_says_so(cluster: FakeCluster, kind: str) -> None:
    case = CASES[kind]
    backup = Engine(cluster, kind).create(case.inputs)
    Engine(cluster, kind).create(case.inputs)
    before = copy.deepcopy(cluster.objects)

    destroy = Engine(cluster, kind)
    destroy.delete(backup)

    assert destroy.warnings == [warning(case.what)]
    assert cluster.objects == before


@pytest.mark.parametrize("kind", CASES)
def test_a_replacement_needs_no_word(cluster: FakeCluster, kind: str) -> None:
    case = CASES[kind]
    former = Engine(cluster, kind).create(case.inputs)

    up = Engine(cluster, kind)
    up.create(case.inputs)
    up.warnings.clear()  # of the take-over
    up.delete(former)

    assert up.warnings == []


@pytest.mark.parametrize("kind", CASES)
def test_nor_does_one_that_was_killed_before_the_deletion(cluster: FakeCluster, kind: str) -> None:
    case = CASES[kind]
    former = Engine(cluster, kind).create(case.inputs)
    present = Engine(cluster, kind).create(case.inputs)
    before = copy.deepcopy(cluster.objects)

    next_up = Engine(cluster, kind)
    next_up.diff(present)
    next_up.delete(former)

    assert next_up.warnings == []
    assert cluster.objects == before


@pytest.mark.parametrize("kind", CASES)
def test_what_is_its_own_goes_without_a_word(cluster: FakeCluster, kind: str) -> None:
    before = {place: found.get("imagePullSecrets", []) for place, found in cluster.objects.items()}
    state = Engine(cluster, kind).create(CASES[kind].inputs)

    destroy = Engine(cluster, kind)
    destroy.delete(state)

    assert destroy.warnings == []
    assert {place: found.get("imagePullSecrets", []) for place, found in cluster.objects.items()} == before


def add_copy(cluster: FakeCluster, identity: str) -> Key:
    """The operator's copy in a namespace that has lost its label; it carries marks of a RegistrySecret `pull`."""
    Engine(cluster, "RegistrySecret").create(SECRET_INPUTS)
    key: Key = ("Secret", "a", "pull")
    labels = {**cluster.objects[key]["metadata"]["labels"], IDENTITY_LABEL: identity}
    cluster.store(key, {**cluster.objects[key], "metadata": {**cluster.objects[key]["metadata"], "labels": labels}})
    cluster.store(("Namespace", "", "a"), {"metadata": {"name": "a", "uid": "ns", "finalizers": [MARK, "x/y"]}})
    return key


@pytest.mark.parametrize(("identity", "stays"), [("0123456789abcdef", False), (OTHER_IDENTITY, True)])
def test_copies_of_another_run_stay_and_those_of_this_one_go(cluster: FakeCluster, identity: str, stays: bool) -> None:
    key = add_copy(cluster, identity)
    inputs = {"name": "pull", "namespaces": [], "clusterExternalSecret": COPIES, "identity": "0123456789abcdef"}

    destroy = Engine(cluster, "CopiedSecrets")
    destroy.delete(State(id="pull", inputs=inputs, outputs={"written": [], "unlabelled": []}))

    assert destroy.warnings == ([warning("Secret pull")] if stays else [])
    assert (key in cluster.objects) is stays
    assert cluster.objects["Namespace", "", "a"]["metadata"]["finalizers"] == ["x/y"]


def test_a_registry_secret_that_the_operator_copies_says_it_too(cluster: FakeCluster) -> None:
    key = add_copy(cluster, OTHER_IDENTITY)
    inputs = {**SECRET_INPUTS, "renewal": "externalSecrets"}
    outputs = {"identity": "0123456789abcdef", "owner": TITLE, "uids": {"a": "gone"}}

    destroy = Engine(cluster, "RegistrySecret")
    destroy.delete(State(id="pull", inputs=inputs, outputs=outputs))

    assert destroy.warnings == [warning("Secret pull")]
    assert key in cluster.objects
