"""The plugin's schema: a golden file, so that a change of what other languages see shows in a review."""

import json
from typing import Any

import pytest

from imagepull import __version__
from imagepull.images.pull_policy import PullPolicy
from imagepull.pull_plan.explicit import ResolvedImage
from imagepull.pull_plan.plan import as_data
from provider import schema_analyzer as analyzer
from provider.schema import make_schema
from tests.golden import as_json, assert_golden


@pytest.fixture(scope="module")
def told() -> Any:
    return json.loads(make_schema(__version__))


def test_schema_is_the_golden_one(told: Any) -> None:
    assert_golden("schema.json", as_json(told))


def test_every_input_output_and_type_is_described(told: Any) -> None:
    described = [*told["resources"].items(), *told["types"].items(), ("provider", told["provider"])]
    missing = [
        f"{name}.{key}"
        for name, one in described
        for key, property_ in {**one.get("inputProperties", {}), **one.get("properties", {})}.items()
        if not property_.get("description")
    ]

    assert missing == []
    assert [name for name, one in described if not one.get("description")] == []


def test_descriptions_name_fields_as_the_schema_does(told: Any) -> None:
    texts = json.dumps(told)

    assert "`roleArn`" in texts
    assert "`imagePullSecrets`" in texts
    for python in ("role_arn", "image_pull_secrets", "`Workload`", "`access`"):
        assert python not in texts


def test_passwords_and_kubeconfigs_are_secret(told: Any) -> None:
    assert told["types"]["imagepull:index:Registry"]["properties"]["password"]["secret"]
    assert told["provider"]["inputProperties"]["kubeconfig"]["secret"]
    assert told["config"]["variables"]["kubeconfig"]["secret"]


def test_policies_and_renewals_are_enums(told: Any) -> None:
    deployment = told["resources"]["imagepull:index:Deployment"]["inputProperties"]
    access = told["resources"]["imagepull:index:RegistryAccess"]["inputProperties"]

    assert deployment["imagePullPolicy"]["$ref"] == "#/types/imagepull:index:PullPolicy"
    assert access["renewal"]["$ref"] == "#/types/imagepull:index:Renewal"
    assert [one["value"] for one in told["types"]["imagepull:index:PullPolicy"]["enum"]] == [*PullPolicy]


def test_what_is_a_python_object_is_no_input(told: Any) -> None:
    for name, one in told["resources"].items():
        assert "access" not in one["inputProperties"], name


def test_resolved_images_are_typed_as_they_are_made() -> None:
    image = ResolvedImage(
        workload="Deployment/web",
        namespace="shop",
        container="web",
        image="nginx",
        policy=PullPolicy.ALWAYS,
        reason="no tag",
        path="spec.containers[0]",
    )

    assert analyzer.ResolvedImage.__annotations__.keys() == as_data(image).keys()
