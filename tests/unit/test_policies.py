"""Each policy of the pack lets pass what is right and finds what is not; a remediation changes only what was found."""

import subprocess
import sys
from typing import Any

import pytest

from imagepull.errors import InvalidInput, InvalidPullPolicy
from imagepull.inputs import UNKNOWN
from imagepull.pull_plan.manifest import WORKLOAD_KINDS
from lab.layout import CHECKOUT
from policies.credentials import NO_FOREIGN_PULL_SECRETS
from policies.images import (
    EXPLICIT_PULL_POLICY,
    NO_LATEST_IN_PROD,
    NO_NEVER_FOR_REMOTE_IMAGES,
    PULL_SECRET_FOR_PRIVATE_IMAGES,
)
from policies.pack import POLICIES
from policies.policy import Declared, Policy
from tests.unit.policy_examples import (
    DIGEST,
    ECR,
    PASSWORD,
    declared,
    findings,
    image,
    pod,
    pull_secret,
    registry_secret,
    writes,
)


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.name)
@pytest.mark.parametrize(
    "resource",
    [
        declared("pulumi:pulumi:Stack", {}),
        declared(
            "kubernetes:core/v1:ConfigMap", {"kind": "ConfigMap", "data": {"image": "nginx:latest"}}, stack="prod"
        ),
        declared("aws:ecr/repository:Repository", {"kind": "Pod", "spec": {"containers": [image("nginx")]}}),
        declared("kubernetes:core/v1:Pod", {"kind": "Pod", "metadata": UNKNOWN, "spec": UNKNOWN}, stack="prod"),
        pod(stack="prod"),
    ],
    ids=["stack", "other-kind", "other-provider", "unknown", "no-containers"],
)
def test_what_is_no_workload_or_not_known_yet_passes(policy: Policy, resource: Declared) -> None:
    assert findings(policy, resource) == []
    assert not policy.mend or writes(policy, resource, pullSecrets=["pull"]) == {}


@pytest.mark.parametrize("kind", WORKLOAD_KINDS)
def test_missing_policy_is_found_and_filled_in_everywhere(kind: str) -> None:
    spec: dict[str, Any] = {
        "containers": [image("nginx:1.27"), image("nginx:1.27", "Always")],
        "initContainers": [image("nginx")],
        "ephemeralContainers": [image(f"nginx@{DIGEST}")],
        "volumes": [{"name": "models", "image": {"reference": "models:1"}}],
    }
    props: dict[str, Any] = spec
    for key in reversed(WORKLOAD_KINDS[kind]):
        props = {key: props}
    resource = declared(f"kubernetes:apps/v1:{kind}", {"kind": kind, **props})

    found = findings(EXPLICIT_PULL_POLICY, resource)
    filled = writes(EXPLICIT_PULL_POLICY, resource)

    path = WORKLOAD_KINDS[kind]
    assert filled == {
        (*path, "containers", 0, "imagePullPolicy"): "IfNotPresent",
        (*path, "initContainers", 0, "imagePullPolicy"): "Always",
        (*path, "ephemeralContainers", 0, "imagePullPolicy"): "IfNotPresent",
        (*path, "volumes", 0, "image", "pullPolicy"): "IfNotPresent",
    }
    assert [finding.partition(":")[0] for finding in found] == [
        ".".join(path) + field
        for field in (
            ".containers[0].imagePullPolicy",
            ".initContainers[0].imagePullPolicy",
            ".ephemeralContainers[0].imagePullPolicy",
            ".volumes[0].image.pullPolicy",
        )
    ]


def test_written_policies_pass() -> None:
    resource = pod(image("nginx", "Always"), image("nginx:1", "Never"), image(UNKNOWN, "Always"), image("a", UNKNOWN))

    assert findings(EXPLICIT_PULL_POLICY, resource) == []
    assert writes(EXPLICIT_PULL_POLICY, resource) == {}


def test_policy_of_an_unknown_image_is_missed_and_stays_unknown() -> None:
    resource = pod(image(UNKNOWN), metadata=UNKNOWN)

    (found,) = findings(EXPLICIT_PULL_POLICY, resource)

    assert found.startswith("spec.containers[0].imagePullPolicy: is missing")
    assert writes(EXPLICIT_PULL_POLICY, resource) == {("spec", "containers", 0, "imagePullPolicy"): UNKNOWN}


def test_custom_resource_is_reached_where_its_template_is() -> None:
    template = {"spec": {"containers": [image("nginx:1")]}}
    rollout = declared("kubernetes:argoproj.io/v1alpha1:Rollout", {"kind": "Rollout", "spec": {"template": template}})

    assert findings(EXPLICIT_PULL_POLICY, rollout) == []
    assert len(findings(EXPLICIT_PULL_POLICY, rollout, templatePaths={"Rollout": "spec.template"})) == 1
    with pytest.raises(InvalidInput, match=r"templatePaths\.Rollout"):
        findings(EXPLICIT_PULL_POLICY, rollout, templatePaths={"Rollout": "spec/template"})


@pytest.mark.parametrize("name", ["nginx", "nginx:latest", f"nginx:latest@{DIGEST}", "ghcr.io/acme/web"])
def test_latest_is_found_in_production(name: str) -> None:
    (found,) = findings(NO_LATEST_IN_PROD, pod(image(name), stack="prod"))

    assert found.startswith("spec.containers[0].image: ")


def test_latest_is_found_in_an_image_volume() -> None:
    (found,) = findings(NO_LATEST_IN_PROD, pod(stack="prod", volumes=[{"name": "m", "image": {"reference": "m"}}]))

    assert found.startswith("spec.volumes[0].image.reference: ")


def test_known_image_is_judged_in_a_namespace_that_is_not_known() -> None:
    metadata = {"name": "web", "namespace": UNKNOWN}

    assert findings(NO_LATEST_IN_PROD, pod(image("nginx"), image(UNKNOWN), stack="prod", metadata=metadata))


def test_policy_that_kubernetes_does_not_know_is_the_finding_of_one_policy() -> None:
    resource = pod(image("nginx", "always"), stack="prod")

    with pytest.raises(InvalidPullPolicy, match="always"):
        findings(EXPLICIT_PULL_POLICY, resource)
    assert findings(NO_LATEST_IN_PROD, resource) == []


@pytest.mark.parametrize("name", ["nginx:1.27", f"nginx@{DIGEST}", "nginx:latest-alpine", UNKNOWN])
def test_version_or_digest_passes_in_production(name: object) -> None:
    assert findings(NO_LATEST_IN_PROD, pod(image(name), stack="prod")) == []


@pytest.mark.parametrize(
    ("stack", "is_production"),
    [
        ("prod", True),
        ("production", True),
        ("eu-prod", True),
        ("prod-eu", True),
        ("Prod", True),
        ("EU-PROD", True),
        ("dev", False),
        ("preprod", False),
    ],
)
def test_name_of_the_stack_tells_production(stack: str, is_production: bool) -> None:
    assert bool(findings(NO_LATEST_IN_PROD, pod(image("nginx"), stack=stack))) is is_production


def test_configuration_tells_production() -> None:
    assert findings(NO_LATEST_IN_PROD, pod(image("nginx"), stack="live"), stacks=["live"])
    assert findings(NO_LATEST_IN_PROD, pod(image("nginx"), stack="live-EU"), stacks=["Live-*"])
    assert not findings(NO_LATEST_IN_PROD, pod(image("nginx"), stack="prod"), stacks=["live"])


def test_never_is_found_for_an_image_of_a_registry() -> None:
    (found,) = findings(NO_NEVER_FOR_REMOTE_IMAGES, pod(image("ghcr.io/acme/web:1", "Never")))

    assert found.startswith("spec.containers[0].image: ")


def test_never_passes_for_local_images() -> None:
    resource = pod(image("localhost/web:1", "Never"), image("nginx:1", "IfNotPresent"), image("nginx:1"))

    assert findings(NO_NEVER_FOR_REMOTE_IMAGES, resource) == []
    assert findings(NO_NEVER_FOR_REMOTE_IMAGES, pod(image("side:dev", "Never")), localImages=["side:*"]) == []


@pytest.mark.parametrize(
    ("name", "private"),
    [
        (ECR, []),
        ("ghcr.io/acme/web:1", ["ghcr.io/acme"]),
        ("eu.registry.example.com/web:1", ["*.registry.example.com"]),
    ],
)
def test_private_image_without_pull_secret_is_found_and_mended(name: str, private: list[str]) -> None:
    resource = pod(image("nginx:1"), image(name), imagePullSecrets=[])

    (found,) = findings(PULL_SECRET_FOR_PRIVATE_IMAGES, resource, privateRegistries=private)
    mended = writes(PULL_SECRET_FOR_PRIVATE_IMAGES, resource, privateRegistries=private, pullSecrets=["pull"])

    assert found.startswith(
        "spec.imagePullSecrets: is missing, and the image at spec.containers[1].image is in a private"
    )
    assert mended == {("spec", "imagePullSecrets"): [{"name": "pull"}]}


@pytest.mark.parametrize("entries", [[{}], [{"name": ""}], [{"name": None}], [None]])
def test_entry_without_a_name_is_no_pull_secret(entries: list[Any]) -> None:
    resource = pod(image(ECR), imagePullSecrets=entries)

    assert len(findings(PULL_SECRET_FOR_PRIVATE_IMAGES, resource)) == 1
    mended = writes(PULL_SECRET_FOR_PRIVATE_IMAGES, resource, pullSecrets=["pull"])
    assert mended == {("spec", "imagePullSecrets"): [{"name": "pull"}]}


def test_no_pull_secret_is_invented() -> None:
    assert writes(PULL_SECRET_FOR_PRIVATE_IMAGES, pod(image(ECR))) == {}


@pytest.mark.parametrize(
    ("resource", "settings"),
    [
        (pod(image("nginx:1"), image("public.ecr.aws/nginx/nginx:1")), {}),
        (pod(image("ghcr.io/acme/web:1")), {"privateRegistries": ["ghcr.io/other"]}),
        (pod(image("Not An Image"), image(UNKNOWN)), {}),
        (pod(image(ECR), imagePullSecrets=[{"name": "pull"}]), {}),
        (pod(image(ECR), imagePullSecrets=UNKNOWN), {}),
        (pod(image(ECR), imagePullSecrets=[{}, {"name": UNKNOWN}]), {}),
        (pod(image(ECR), imagePullSecrets=[UNKNOWN]), {}),
        (pod(image(ECR)), {"serviceAccounts": ["shop/default"]}),
        (pod(image(ECR), serviceAccountName="ci"), {"serviceAccounts": ["*/ci"]}),
        (pod(image(ECR), metadata={"namespace": UNKNOWN}), {"serviceAccounts": ["shop/default"]}),
    ],
)
def test_image_that_is_public_or_has_a_pull_secret_passes(resource: Declared, settings: dict[str, Any]) -> None:
    assert findings(PULL_SECRET_FOR_PRIVATE_IMAGES, resource, **settings) == []
    assert writes(PULL_SECRET_FOR_PRIVATE_IMAGES, resource, **settings, pullSecrets=["pull"]) == {}


def test_other_service_account_does_not_help() -> None:
    assert findings(PULL_SECRET_FOR_PRIVATE_IMAGES, pod(image(ECR)), serviceAccounts=["shop/ci", "other/default"])


@pytest.mark.parametrize("type_", ["kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg"])
def test_pull_secret_of_another_hand_is_found(type_: str) -> None:
    (found,) = findings(NO_FOREIGN_PULL_SECRETS, pull_secret(type_=type_))

    assert "RegistrySecret" in found


@pytest.mark.parametrize("component", ["imagepull:index:Whatever", "imagepull:index:RegistryAccess"])
def test_component_that_is_called_ours_hides_nothing(component: str) -> None:
    assert len(findings(NO_FOREIGN_PULL_SECRETS, pull_secret(parent=component))) == 1


@pytest.mark.parametrize(
    ("resource", "allowed"),
    [
        (pull_secret(type_="Opaque"), []),
        (pull_secret(), ["shop/*"]),
        (registry_secret(PASSWORD), []),
    ],
    ids=["other-type", "allowed", "our-resource"],
)
def test_our_pull_secret_or_an_allowed_one_passes(resource: Declared, allowed: list[str]) -> None:
    assert findings(NO_FOREIGN_PULL_SECRETS, resource, allowed=allowed) == []


def test_exception_for_another_namespace_does_not_help() -> None:
    assert findings(NO_FOREIGN_PULL_SECRETS, pull_secret(), allowed=["other/pull"])


def test_no_finding_quotes_an_input() -> None:
    name = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/hush:latest"
    resource = pod(image(name, "Never"), image(name), stack="prod")

    found = [finding for policy in POLICIES for finding in findings(policy, resource)]

    assert len(found) == 5
    assert not any("hush" in finding for finding in found)


def test_every_setting_and_policy_is_documented() -> None:
    page = (CHECKOUT / "docs/policy-pack.md").read_text()

    assert [name for policy in POLICIES for name in (policy.name, *policy.settings) if f"`{name}`" not in page] == []


def test_pack_imports_nothing_that_its_environment_lacks() -> None:
    program = "import sys, policies.pack; print(sorted({name.partition('.')[0] for name in sys.modules}))"

    done = subprocess.run([sys.executable, "-c", program], cwd=CHECKOUT, capture_output=True, text=True, check=True)

    assert "yaml" in done.stdout
    assert not any(name in done.stdout for name in ("'boto3'", "'aiohttp'", "'pulumi'", "'pulumi_kubernetes'"))
