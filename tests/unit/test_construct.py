"""Components for other languages: names of inputs and outputs, and what is refused."""

from typing import Any

import pulumi
import pytest

from imagepull import __version__
from imagepull.errors import ImagePullError
from provider.construct import Components
from tests.pulumi_mocks import declared

HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"


def construct(kind: str, inputs: dict[str, Any]) -> dict[tuple[str, str], Any]:
    return declared(lambda: Components(__version__).construct("one", f"imagepull:index:{kind}", inputs))


def test_inputs_have_the_schemas_names_at_every_depth() -> None:
    resources = construct(
        "RegistryAccess",
        {
            "registries": [{"host": HOST, "roleArn": "arn:aws:iam::123456789012:role/pull"}],
            "namespaces": ["shop"],
            "secretName": "pull",
            "refreshBefore": "6h",
            "serviceAccounts": [],
        },
    )

    secret = resources["imagepull:index:RegistrySecret", "one"]
    assert secret["registries"] == [{"host": HOST, "roleArn": "arn:aws:iam::123456789012:role/pull"}]
    assert (secret["name"], secret["refreshBefore"]) == ("pull", "6h")
    assert not [kind for kind, _ in resources if kind == "imagepull:index:ServiceAccountImagePullSecrets"]


def test_whole_specs_are_the_apis() -> None:
    containers = [{"name": "web", "image": "nginx"}]
    spec = {"selector": {"matchLabels": {"a": "b"}}, "template": {"spec": {"containers": containers}}}

    resources = construct("Deployment", {"spec": spec, "imagePullSecrets": ["pull"]})

    pod = resources["kubernetes:apps/v1:Deployment", "one"]["spec"]["template"]["spec"]
    assert pod["containers"] == [{"name": "web", "image": "nginx", "imagePullPolicy": "Always"}]
    assert pod["imagePullSecrets"] == [{"name": "pull"}]
    assert ("imagepull:index:Deployment", "one") in resources


def test_outputs_have_the_schemas_names() -> None:
    seen: list[Any] = []
    inputs = {"registries": [{"host": HOST}], "namespaces": ["shop"]}

    def program() -> None:
        result = Components(__version__).construct("one", "imagepull:index:RegistryAccess", inputs)
        seen.append(dict(result.state))

    declared(program)

    names = {"imagePullSecrets", "namespaces", "serviceAccounts", "hosts", "expiresAt", "credentialProviderConfig"}
    assert seen[0].keys() == names


def test_rules_are_plain_data() -> None:
    exception = {"reason": "no other tag", "rules": ["forbidLatest"], "workload": "Deployment/one"}
    rules = {"forbidLatest": True, "mutableTagPolicy": "Always", "exceptions": [exception]}

    resources = construct("Deployment", {"image": "nginx:1", "rules": rules})

    pod = resources["kubernetes:apps/v1:Deployment", "one"]["spec"]["template"]["spec"]
    assert pod["containers"][0]["imagePullPolicy"] == "Always"


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        ({"forbidLatest": True}, "images against the rules"),
        ({"forbidLatests": True}, "Deployment/one: rules.forbidLatests: is no input here; is forbidLatest meant"),
        (
            {"mutableTagPolicy": "Never", "exceptions": [{"rules": ["all"]}]},
            r"rules.mutableTagPolicy: is 'Never'; write one of Always, error; "
            r"rules.exceptions\[0\].reason: is missing; .*; rules.exceptions\[0\].rules\[0\]: is 'all'; write one of",
        ),
    ],
)
def test_rules_that_are_wrong_or_broken_are_told(rules: dict[str, Any], message: str) -> None:
    with pytest.raises(pulumi.RunError, match=message):
        construct("Deployment", {"image": "nginx", "rules": rules})


@pytest.mark.parametrize(
    ("kind", "inputs", "message"),
    [
        (
            "Deploy",
            {},
            "there is no component imagepull:index:Deploy; there are RegistryAccess, CronJob, DaemonSet, Deployment",
        ),
        ("Deployment", {"image": "nginx", "prot": 80}, "prot: is no input here; is port meant"),
        ("Deployment", {"image": "nginx", "access": "a"}, "access: is no input here"),
    ],
)
def test_what_is_not_there_is_told(kind: str, inputs: dict[str, Any], message: str) -> None:
    with pytest.raises(ImagePullError, match=message):
        construct(kind, inputs)
