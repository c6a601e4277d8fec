"""The plugin as the engine meets it: what it answers, and what it does not load."""

import asyncio
import json
import os
import random
import subprocess
import sys
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import pytest
from pulumi.runtime import proto

from imagepull.inputs import UNKNOWN
from lab.layout import CHECKOUT
from provider.schema import make_schema
from tests.provider.plugin import ACCOUNTS, SECRET, Plugin, Refused, plugin
from tests.unit.test_inputs import noise

ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
INPUTS: dict[str, Any] = {"name": "pull", "namespaces": ["a", "b"], "registries": [{"host": ECR}]}
OUTPUTS: dict[str, Any] = {
    "name": "pull",
    "owner": "shop/dev/pull",
    "uids": {"a": "1", "b": "2"},
    "lifetimes": {ECR: {"issued": "2020-01-01T00:00:00Z", "expires": "2020-01-01T12:00:00Z"}},
    "expiresAt": "2020-01-01T12:00:00Z",
}
NO_CLUSTER = {**os.environ, "KUBECONFIG": "/nowhere"}


def with_plugin(work: Callable[[Plugin], Coroutine[Any, Any, Any]], env: Mapping[str, str] = NO_CLUSTER) -> Any:
    async def run() -> Any:
        async with plugin(env) as one:
            return await work(one)

    return asyncio.run(run())


@pytest.mark.parametrize("heavy", ["boto3", "botocore", "aiohttp", "httpx2", "pulumi_kubernetes", "components"])
def test_what_a_preview_does_not_need_is_not_imported(heavy: str) -> None:
    code = f"import provider.servicer, sys; print({heavy!r} in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, check=True, capture_output=True, text=True)
    assert done.stdout == "False\n"


def test_a_create_is_previewed_as_far_as_it_is_known() -> None:
    async def preview(one: Plugin) -> dict[str, object]:
        return await one.create(SECRET, {**INPUTS, "namespaces": ["a", UNKNOWN]}, preview=True)

    outputs = with_plugin(preview)
    assert (outputs["name"], outputs["hosts"]) == ("pull", [ECR])
    assert outputs["expiresAt"] is outputs["uids"] is UNKNOWN


def test_a_password_does_not_expire_and_a_preview_knows_it() -> None:
    registries = [{"host": "ghcr.io", "username": "u", "password": "p"}]

    async def preview(one: Plugin) -> dict[str, object]:
        return await one.create(SECRET, {**INPUTS, "registries": registries}, preview=True)

    assert "expiresAt" not in with_plugin(preview)


def test_a_renewal_is_one_output_that_changes_and_one_message() -> None:
    async def diff(one: Plugin) -> tuple[Any, list[str]]:
        return await one.diff(SECRET, INPUTS, OUTPUTS, INPUTS), one.log.messages

    answer, messages = with_plugin(diff)
    assert list(answer.detailedDiff) == ["expiresAt"]
    assert not answer.detailedDiff["expiresAt"].inputDiff
    assert len(messages) == 1
    assert messages[0].startswith("renewal due: expired ")
    assert messages[0].endswith(f"hours ago for {ECR}")


def test_a_changed_name_is_a_replacement_that_creates_first() -> None:
    async def diff(one: Plugin) -> Any:
        return await one.diff(SECRET, INPUTS, {}, {**INPUTS, "name": "other"})

    answer = with_plugin(diff)
    assert list(answer.replaces) == ["name"]
    assert not answer.deleteBeforeReplace


def test_wrong_inputs_are_failures_by_path() -> None:
    async def check(one: Plugin) -> dict[str, str]:
        return await one.check(SECRET, {"name": "A", "registries": [{}]})

    assert sorted(with_plugin(check)) == ["name", "namespaces", "registries[0].host"]


@pytest.mark.parametrize("urn", [SECRET, ACCOUNTS])
def test_hostile_values_never_crash_the_plugin(urn: str) -> None:
    random_ = random.Random(urn)

    async def fuzz(one: Plugin) -> int:
        answered = 0
        for _ in range(150):
            inputs, old, outputs = ({key: noise(random_) for key in OUTPUTS | INPUTS} for _ in range(3))
            await one.check(urn, inputs)
            await one.diff(urn, old, outputs, inputs)
            await one.create(urn, inputs, preview=True)
            answered += 1
        return answered

    assert with_plugin(fuzz) == 150


def test_an_unknown_type_is_told_in_one_sentence() -> None:
    async def check(one: Plugin) -> None:
        await one.check(SECRET.replace("RegistrySecret", "Secret"), {})

    with pytest.raises(Refused, match="there is no resource imagepull:index:Secret; there are imagepull:index:"):
        with_plugin(check)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda stub: stub.Invoke(proto.InvokeRequest(tok="imagepull:index:find")), "there is no function imagepull:"),
        (lambda stub: stub.Call(proto.CallRequest(tok="imagepull:index:find")), "there is no method imagepull:"),
        (lambda stub: stub.Parameterize(proto.ParameterizeRequest()), "imagepull takes no parameters"),
    ],
)
def test_a_call_that_imagepull_does_not_have_is_told_in_one_sentence(call: Callable[[Any], Any], said: str) -> None:
    async def ask(one: Plugin) -> None:
        await one.ask(call)

    with pytest.raises(Refused) as refused:
        with_plugin(ask)

    assert str(refused.value).startswith(said)
    assert "\n" not in str(refused.value)


def test_a_missing_kubeconfig_is_told_when_it_is_needed() -> None:
    async def create(one: Plugin) -> None:
        await one.create(SECRET, INPUTS)

    with pytest.raises(Refused, match="there is no file /nowhere, and this is no Pod"):
        with_plugin(create)


def test_every_input_and_output_is_described() -> None:
    document = json.loads(make_schema("0.1.0"))
    groups = [
        *(resource[kind] for resource in document["resources"].values() for kind in ("inputProperties", "properties")),
        *(type_.get("properties", {}) for type_ in document["types"].values()),
        document["config"]["variables"],
    ]
    assert all(value["description"] for group in groups for value in group.values())
    assert document["types"]["imagepull:index:Registry"]["properties"]["password"]["secret"] is True
