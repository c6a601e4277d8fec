"""Manifests of every kind come out with explicit policies and pull Secrets, and nothing else changed."""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from imagepull.errors import InvalidPullPolicy
from imagepull.images.pull_policy import PullPolicy
from imagepull.images.rules import MutableTagPolicy, RuleExemption, Rules
from imagepull.pull_plan.explicit import ResolvedImage, flatten, make_explicit
from imagepull.pull_plan.manifest import WORKLOAD_KINDS, parse_spec_path


def manifest_of(kind: str, pod_spec: dict[str, Any], **metadata: str) -> dict[str, Any]:
    manifest: dict[str, Any] = pod_spec
    for field in reversed(WORKLOAD_KINDS[kind]):
        manifest = {field: manifest}
    return {"kind": kind, "metadata": {"name": "app", **metadata}, **manifest}


def pod_spec_of(manifest: Any) -> Any:
    for field in WORKLOAD_KINDS[manifest["kind"]]:
        manifest = manifest[field]
    return manifest


@pytest.mark.parametrize("kind", WORKLOAD_KINDS)
def test_every_image_of_every_kind_has_a_policy(kind: str) -> None:
    manifest = manifest_of(
        kind,
        {
            "containers": [{"name": "a", "image": "nginx:1.27"}, {"name": "b", "image": "nginx"}],
            "initContainers": [{"name": "c", "image": "busybox:latest"}],
            "ephemeralContainers": [{"name": "d", "image": "busybox@sha256:" + "0" * 64}],
            "volumes": [{"name": "e", "image": {"reference": "models:1"}}, {"name": "f", "emptyDir": {}}],
        },
        namespace="shop",
    )

    explicit = make_explicit(manifest)

    spec = pod_spec_of(explicit.manifest)
    assert [each["imagePullPolicy"] for each in spec["containers"]] == ["IfNotPresent", "Always"]
    assert spec["initContainers"][0]["imagePullPolicy"] == "Always"
    assert spec["ephemeralContainers"][0]["imagePullPolicy"] == "IfNotPresent"
    assert spec["volumes"] == [
        {"name": "e", "image": {"reference": "models:1", "pullPolicy": "IfNotPresent"}},
        {"name": "f", "emptyDir": {}},
    ]
    where = ".".join(WORKLOAD_KINDS[kind])
    assert [(image.container, image.path) for image in explicit.images] == [
        ("a", f"{where}.containers[0]"),
        ("b", f"{where}.containers[1]"),
        ("init c", f"{where}.initContainers[0]"),
        ("ephemeral d", f"{where}.ephemeralContainers[0]"),
        ("volume e", f"{where}.volumes[0].image"),
    ]
    assert {(image.workload, image.namespace) for image in explicit.images} == {(f"{kind}/app", "shop")}


def test_written_policy_stays() -> None:
    manifest = manifest_of("Pod", {"containers": [{"name": "a", "image": "nginx", "imagePullPolicy": "Never"}]})

    (image,) = make_explicit(manifest).images

    assert image.policy is PullPolicy.NEVER
    assert "explicit" in image.reason


def test_unknown_policy_is_refused() -> None:
    manifest = manifest_of("Pod", {"containers": [{"name": "a", "image": "nginx", "imagePullPolicy": "always"}]})

    with pytest.raises(InvalidPullPolicy, match="always"):
        make_explicit(manifest)


def test_policy_that_is_no_text_is_refused() -> None:
    manifest = manifest_of("Pod", {"containers": [{"name": "a", "image": "nginx", "imagePullPolicy": True}]})

    with pytest.raises(InvalidPullPolicy, match="True"):
        make_explicit(manifest)


def test_input_is_not_changed() -> None:
    manifest = manifest_of(
        "CronJob",
        {
            "containers": [{"name": "a", "image": "nginx"}],
            "volumes": [{"name": "v", "image": {"reference": "m"}}],
            "imagePullSecrets": [{"name": "theirs"}],
        },
    )
    before = copy.deepcopy(manifest)

    make_explicit(manifest, pull_secrets=["ours"])

    assert manifest == before


@pytest.mark.parametrize(
    ("there", "ours", "expected"),
    [
        ([], ["x"], ["x"]),
        (["b", "a"], ["x", "y"], ["b", "a", "x", "y"]),
        (["x", "a"], ["y", "x"], ["x", "a", "y"]),
        ([], ["x", "x"], ["x"]),
    ],
)
def test_pull_secrets_come_after_what_is_there(there: list[str], ours: list[str], expected: list[str]) -> None:
    spec = {"containers": [{"name": "a", "image": "nginx"}], "imagePullSecrets": [{"name": name} for name in there]}

    explicit = make_explicit(manifest_of("Deployment", spec), pull_secrets=ours)

    assert pod_spec_of(explicit.manifest)["imagePullSecrets"] == [{"name": name} for name in expected]


def test_made_explicit_twice_is_made_explicit_once() -> None:
    manifest = manifest_of("Job", {"containers": [{"name": "a", "image": "nginx"}]})

    once = make_explicit(manifest, pull_secrets=["x"]).manifest

    assert make_explicit(once, pull_secrets=["x"]).manifest == once


def test_without_pull_secrets_the_field_does_not_appear() -> None:
    explicit = make_explicit(manifest_of("Pod", {"containers": [{"name": "a", "image": "nginx"}]}))

    assert "imagePullSecrets" not in explicit.manifest["spec"]


@pytest.mark.parametrize(
    "manifest",
    [
        {"kind": "Service", "spec": {"containers": [{"image": "nginx"}]}},
        {"kind": "Deployment", "spec": {"replicas": 3}},
        {"kind": "Deployment", "spec": {"template": {"metadata": {"annotations": {"a": "b"}}}}},
        {"kind": "Pod", "spec": {"containers": [{"name": "no image"}, {"name": "empty", "image": ""}]}},
        {"kind": "Pod", "spec": {"containers": "a text", "volumes": [None, "text", {"name": "v", "image": "text"}]}},
        {"kind": "Pod", "spec": "a text"},
        {"metadata": {"name": "no kind"}},
    ],
)
def test_what_names_no_image_comes_back_as_it_is(manifest: dict[str, Any]) -> None:
    explicit = make_explicit(manifest)

    assert explicit.manifest == manifest
    assert explicit.images == []


@pytest.mark.parametrize(
    "container",
    [
        {"image": 5},
        {"image": ["nginx"]},
        {"image": "nginx", "name": 5},
        {"image": "nginx", "imagePullPolicy": ""},
        {"image": "nginx", "imagePullPolicy": None},
    ],
)
def test_what_the_api_server_will_refuse_does_not_stop_us(container: dict[str, Any]) -> None:
    spec = {"containers": [container], "imagePullSecrets": ["text", {"no": "name"}, None]}

    explicit = make_explicit(manifest_of("Pod", spec), pull_secrets=["x"])

    (written,) = explicit.manifest["spec"]["containers"]
    assert written.pop("imagePullPolicy") in ("Always", "IfNotPresent")
    assert written == {field: value for field, value in container.items() if field != "imagePullPolicy"}
    assert explicit.manifest["spec"]["imagePullSecrets"] == ["text", {"no": "name"}, None, {"name": "x"}]


def test_custom_resource_with_a_template_path() -> None:
    rollout = {"kind": "Rollout", "spec": {"template": {"spec": {"containers": [{"name": "a", "image": "nginx:1"}]}}}}

    untold = make_explicit(rollout)
    told = make_explicit(rollout, pod_spec=parse_spec_path("spec.template"))

    assert untold.manifest == rollout
    assert told.manifest["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"] == "IfNotPresent"


@pytest.mark.parametrize("path", ["", "spec.", "spec..template", "/spec/template", "spec[0]"])
def test_wrong_template_path_is_refused(path: str) -> None:
    with pytest.raises(ValueError, match="write field names joined by dots"):
        parse_spec_path(path)


@pytest.mark.parametrize(
    ("metadata", "name"),
    [({"name": "n"}, "n"), ({"generateName": "n-"}, "n-"), ({}, "given"), (None, "given")],
)
def test_workload_is_named_by_what_is_known(metadata: Any, name: str) -> None:
    manifest = {"kind": "Pod", "metadata": metadata, "spec": {"containers": [{"name": "a", "image": "nginx"}]}}

    (image,) = make_explicit(manifest, name="given").images

    assert (image.workload, image.namespace) == (f"Pod/{name}", None)


def test_rule_sets_the_policy_that_is_written_out() -> None:
    manifest = manifest_of(
        "Pod", {"containers": [{"name": "a", "image": "nginx:1", "imagePullPolicy": "IfNotPresent"}]}
    )

    explicit = make_explicit(manifest, rules=Rules(mutable_tag_policy=MutableTagPolicy.ALWAYS))

    assert explicit.manifest["spec"]["containers"][0]["imagePullPolicy"] == "Always"


@dataclass(frozen=True)
class Later:
    """A value that is there only later, as a Pulumi Output; `now` looks into it."""

    value: Any

    def apply(self, func: Callable[[Any], Any], /) -> "Later":
        return Later(now(func(self.value)))


def later(value: Any, function: Callable[[Any], Any]) -> Any:
    return value.apply(function) if isinstance(value, Later) else function(value)


def now(value: Any) -> Any:
    if isinstance(value, Later):
        return now(value.value)
    if isinstance(value, dict):
        return {key: now(field) for key, field in value.items()}
    return [now(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize(
    "hide",
    [
        lambda m: m | {"metadata": Later(m["metadata"])},
        lambda m: m | {"spec": Later(m["spec"])},
        lambda m: m | {"spec": m["spec"] | {"containers": Later(m["spec"]["containers"])}},
        lambda m: m | {"spec": m["spec"] | {"containers": [Later(each) for each in m["spec"]["containers"]]}},
        lambda m: m | {"spec": m["spec"] | {"imagePullSecrets": Later([Later({"name": Later("theirs")})])}},
    ],
    ids=["metadata", "spec", "containers", "each container", "pull secrets"],
)
def test_values_that_come_later_give_the_same(hide: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    spec = {"containers": [{"name": "a", "image": "nginx"}], "imagePullSecrets": [{"name": "theirs"}]}
    manifest = manifest_of("Pod", spec, namespace="shop")
    plain = make_explicit(manifest, pull_secrets=["ours"])

    lifted = make_explicit(hide(manifest), pull_secrets=Later(["ours"]), lift=later)

    assert now(lifted.manifest) == plain.manifest
    assert list(flatten(now(lifted.images))) == plain.images


def test_an_image_that_comes_later_hides_its_own_policy_only() -> None:
    spec = {
        "containers": [{"name": "a", "image": Later("nginx"), "env": [Later("x")]}, {"name": "b", "image": "nginx"}]
    }

    explicit = make_explicit(manifest_of("Pod", spec), lift=later)

    first, second = explicit.manifest["spec"]["containers"]
    assert first == {"name": "a", "image": Later("nginx"), "env": [Later("x")], "imagePullPolicy": Later("Always")}
    assert second["imagePullPolicy"] == "Always"
    assert isinstance(explicit.images[1], ResolvedImage)


def test_a_written_policy_is_known_before_its_image() -> None:
    spec = {"containers": [{"name": "a", "image": Later("nginx"), "imagePullPolicy": "Never"}]}

    explicit = make_explicit(manifest_of("Pod", spec), lift=later)

    assert explicit.manifest["spec"]["containers"][0]["imagePullPolicy"] == "Never"


def test_a_namespace_that_comes_later_hides_no_policy_unless_an_exception_asks() -> None:
    manifest = manifest_of("Pod", {"containers": [{"name": "a", "image": "nginx"}]})
    manifest["metadata"]["namespace"] = Later("shop")
    exception = RuleExemption(reason="old", namespace="shop")

    plain = make_explicit(manifest, lift=later).manifest
    excepted = make_explicit(manifest, rules=Rules(exceptions=(exception,)), lift=later).manifest

    assert plain["spec"]["containers"][0]["imagePullPolicy"] == "Always"
    assert excepted["spec"]["containers"][0]["imagePullPolicy"] == Later("Always")


def test_thousands_of_pull_secrets_are_kept_in_order() -> None:
    names = [f"s{number}" for number in range(3000)]
    spec = {"containers": [{"name": "web", "image": "nginx"}], "imagePullSecrets": [{"name": name} for name in names]}
    manifest = {"kind": "Pod", "metadata": {"name": "web"}, "spec": spec}

    written: Any = make_explicit(manifest, pull_secrets=["pull"]).manifest

    assert [entry["name"] for entry in written["spec"]["imagePullSecrets"]] == [*names, "pull"]
