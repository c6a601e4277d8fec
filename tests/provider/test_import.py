"""`pulumi import` of a RegistrySecret: what is nobody's is taken, what another resource owns is not."""

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.provider.faulty_api import Fault, FaultyApi
from tests.provider.plugin import SECRET, Plugin, Refused, with_plugin

FIXED = {"host": "ghcr.io", "username": "u", "password": "correct-horse"}
OF_PROD = SECRET.replace("urn:pulumi:dev::", "urn:pulumi:prod::")
INPUTS: dict[str, Any] = {"name": "pull", "namespaces": ["a"], "registries": [FIXED]}


def add_plain_secret(api: FaultyApi, namespace: str) -> None:
    metadata = {"name": "pull", "namespace": namespace, "uid": f"plain-{namespace}", "resourceVersion": "1"}
    body = {"metadata": metadata, "type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": "e30="}}
    api.objects["secrets", namespace, "pull"] = body


async def import_it(one: Plugin) -> Mapping[str, object]:
    """As `pulumi import` does: the engine knows the ID and nothing else."""
    return await one.read(SECRET, {}, {})


def test_a_secret_of_another_stack_is_refused_and_its_owner_named(tmp_path: Path) -> None:
    api = FaultyApi()

    async def create_and_import(one: Plugin) -> None:
        await one.create(OF_PROD, {**INPUTS, "namespaces": ["a", "b"]})
        before = copy.deepcopy(api.objects)
        with pytest.raises(Refused) as refused:
            await import_it(one)
        assert refused.value.message == (
            "Secret pull in 2 namespaces a, b: it belongs to shop/prod/pull. Remove it there first: "
            "two resources cannot own one Secret"
        )
        assert api.objects == before

    with_plugin(api, tmp_path, create_and_import)


def test_a_mark_that_somebody_took_away_makes_it_nobody_elses_to_take(tmp_path: Path) -> None:
    api = FaultyApi()

    async def create_and_import(one: Plugin) -> None:
        await one.create(OF_PROD, INPUTS)
        metadata = api.objects["secrets", "a", "pull"]["metadata"]
        del metadata["labels"]["imagepull/owner"]
        metadata["annotations"] = {}
        with pytest.raises(Refused, match="Secret pull in namespace a: it belongs to another resource"):
            await import_it(one)

    with_plugin(api, tmp_path, create_and_import)


def test_beside_a_secret_of_another_stack_the_others_are_imported(tmp_path: Path) -> None:
    api = FaultyApi()
    add_plain_secret(api, "b")

    async def create_and_import(one: Plugin) -> None:
        theirs = await one.create(OF_PROD, INPUTS)
        found = await import_it(one)
        assert found["uids"] == {"b": "plain-b"}
        assert found.get("identity") != theirs["identity"]
        assert [each for each in one.log.messages if "belongs to" in each] == [
            "Secret pull in namespace a: it belongs to shop/prod/pull, so the import leaves it out"
        ]

    with_plugin(api, tmp_path, create_and_import)


def test_a_secret_that_the_state_lost_is_imported_with_its_identity(tmp_path: Path) -> None:
    async def create_and_import(one: Plugin) -> None:
        ours = await one.create(SECRET, INPUTS)
        found = await import_it(one)
        assert (found["uids"], found["identity"]) == (ours["uids"], ours["identity"])

    with_plugin(FaultyApi(), tmp_path, create_and_import)


def test_no_such_secret_is_told(tmp_path: Path) -> None:
    with pytest.raises(
        Refused, match=r"there is no Secret pull of type kubernetes\.io/dockerconfigjson in any namespace"
    ):
        with_plugin(FaultyApi(), tmp_path, import_it)


def test_an_import_that_may_not_list_says_so(tmp_path: Path) -> None:
    said = 'secrets is forbidden: User "robot" cannot list resource "secrets" in API group ""'
    api = FaultyApi(fault=lambda method, path: Fault(status=403, reason=said) if "/api/v1/secrets" in path else None)
    with pytest.raises(Refused, match="RBAC forbids it; allow robot to list secrets"):
        with_plugin(api, tmp_path, import_it)
