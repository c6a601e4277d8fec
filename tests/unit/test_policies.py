"""Each policy of the pack lets pass what is right and finds what is not; a remediation changes only what was found."""

import base64
import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from imagepull.errors import InvalidInput, InvalidPullPolicy
from imagepull.inputs import UNKNOWN
from imagepull.pull_plan.manifest import WORKLOAD_KINDS
from lab.layout import CHECKOUT
from policies.credentials import NO_FOREIGN_PULL_SECRETS, NO_PLAIN_TEXT_PASSWORDS
from policies.images import (
    EXPLICIT_PULL_POLICY,
    NO_LATEST_IN_PROD,
    NO_NEVER_FOR_REMOTE_IMAGES,
    PULL_SECRET_FOR_PRIVATE_IMAGES,
)
from policies.pack import POLICIES
from policies.policy import Declared, Policy
from policies.project_folder import _find_folders_of_cli, list_folders
from policies.stack_files import list_plain_texts

DIGEST = "sha256:" + "0" * 64
ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web:1"
PASSWORD = "correct-horse-battery"


def declared(type_: str, props: Mapping[str, Any], *, stack: str = "dev", parent: str = "") -> Declared:
    types = f"{parent}${type_}" if parent else type_
    return Declared(type=type_, urn=f"urn:pulumi:{stack}::shop::{types}::web", props=props)


def pod(*containers: Mapping[str, Any], stack: str = "dev", metadata: object = None, **spec: Any) -> Declared:
    props = {"kind": "Pod", "metadata": metadata or {"name": "web", "namespace": "shop"}}
    return declared("kubernetes:core/v1:Pod", {**props, "spec": {"containers": list(containers), **spec}}, stack=stack)


def image(name: object, policy: object = None) -> dict[str, Any]:
    container = {"name": "web", "image": name}
    return container if policy is None else {**container, "imagePullPolicy": policy}


def registry_secret(*passwords: object) -> Declared:
    registries = [{"host": f"r{i}.io", "username": "u", "password": each} for i, each in enumerate(passwords)]
    return declared("imagepull:index:RegistrySecret", {"name": "pull", "namespaces": [], "registries": registries})


def pull_secret(*, part: str = "data", type_: str = "kubernetes.io/dockerconfigjson", parent: str = "") -> Declared:
    document = json.dumps({"auths": {"ghcr.io": {"username": "u", "password": PASSWORD}}})
    value = base64.b64encode(document.encode()).decode() if part == "data" else document
    metadata = {"name": "pull", "namespace": "shop"}
    props = {"kind": "Secret", "type": type_, "metadata": metadata, part: {".dockerconfigjson": value}}
    return declared("kubernetes:core/v1:Secret", props, parent=parent)


def findings(policy: Policy, resource: Declared, **settings: object) -> list[str]:
    return list(policy.find(resource, policy.with_defaults(settings)))


def writes(policy: Policy, resource: Declared, **settings: object) -> dict[tuple[str | int, ...], Any]:
    assert policy.mend
    return {write.path: write.value for write in policy.mend(resource, policy.with_defaults(settings))}


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


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A Pulumi project, with the current folder in it as Pulumi has it for a policy pack."""
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\nstackConfigDir: stacks\n")
    (tmp_path / "stacks").mkdir()
    (tmp_path / "app").mkdir()
    monkeypatch.chdir(tmp_path / "app")
    yield tmp_path
    list_plain_texts.cache_clear()


@pytest.mark.parametrize(
    "resource", [registry_secret("hidden", PASSWORD), pull_secret(), pull_secret(part="stringData")]
)
@pytest.mark.parametrize(
    "value",
    [
        PASSWORD,
        f'\'{{"host": "ghcr.io", "password": "{PASSWORD}"}}\'',
        base64.b64encode(f"u:{PASSWORD}".encode()).decode(),
        f"[{{host: ghcr.io, password: {PASSWORD}}}]",
    ],
    ids=["itself", "in-json", "as-auth", "structured"],
)
def test_password_in_the_stack_configuration_is_found(project: Path, resource: Declared, value: str) -> None:
    (project / "stacks/Pulumi.dev.yaml").write_text(f"config:\n  shop:registry: other\n  shop:token: {value}\n")

    (found,) = findings(NO_PLAIN_TEXT_PASSWORDS, resource)

    assert found.startswith(
        ("registries[1].password: ", 'data[".dockerconfigjson"]: ', 'stringData[".dockerconfigjson"]: ')
    )
    assert "Pulumi.dev.yaml line 3" in found
    assert PASSWORD not in found


def test_encoded_document_in_the_stack_configuration_is_found(project: Path) -> None:
    resource = pull_secret()
    document = resource.props["data"][".dockerconfigjson"]
    (project / "stacks/Pulumi.dev.yaml").write_text(f"config:\n  shop:document: {document}\n")

    assert len(findings(NO_PLAIN_TEXT_PASSWORDS, resource)) == 1


def test_password_in_a_secret_of_the_old_form_is_found(project: Path) -> None:
    (project / "stacks/Pulumi.dev.yaml").write_text(f"config:\n  shop:token: {PASSWORD}\n")
    document = json.dumps({"ghcr.io": {"username": "u", "password": PASSWORD}})
    resource = declared("kubernetes:core/v1:Secret", {"kind": "Secret", "stringData": {".dockercfg": document}})

    assert len(findings(NO_PLAIN_TEXT_PASSWORDS, resource)) == 1


def test_password_in_the_project_file_is_found(project: Path) -> None:
    with (project / "Pulumi.yaml").open("a") as file:
        file.write(f"config:\n  token: {{default: {PASSWORD}}}\n")

    (found,) = findings(NO_PLAIN_TEXT_PASSWORDS, registry_secret(PASSWORD))

    assert "Pulumi.yaml line 5" in found


def test_encrypted_password_passes(project: Path) -> None:
    text = "config:\n  shop:token:\n    secure: v1:abcd\n  shop:registries:\n  - password: {secure: v1:abcd}\n"
    (project / "stacks/Pulumi.dev.yaml").write_text(text)
    (project / "stacks/Pulumi.prod.yaml").write_text(f"config:\n  shop:token: {PASSWORD}\n")

    assert findings(NO_PLAIN_TEXT_PASSWORDS, registry_secret(PASSWORD, "v1:abcd", UNKNOWN, None)) == []
    assert findings(NO_PLAIN_TEXT_PASSWORDS, pull_secret()) == []


def test_short_password_is_no_part_of_a_sentence(project: Path) -> None:
    (project / "stacks/Pulumi.dev.yaml").write_text("config:\n  shop:motd: a test of it\n  shop:token: other\n")

    assert findings(NO_PLAIN_TEXT_PASSWORDS, registry_secret("test")) == []
    assert len(findings(NO_PLAIN_TEXT_PASSWORDS, registry_secret("other"))) == 1


def test_file_that_is_not_yaml_is_named_and_not_quoted(project: Path) -> None:
    (project / "stacks/Pulumi.dev.yaml").write_text(f"config: [{PASSWORD}")

    with pytest.raises(InvalidInput, match=r"Pulumi\.dev\.yaml: is not YAML") as caught:
        findings(NO_PLAIN_TEXT_PASSWORDS, registry_secret(PASSWORD))

    assert PASSWORD not in str(caught.value)


def test_check_that_finds_no_project_says_so(project: Path) -> None:
    (project / "Pulumi.yaml").unlink()

    with pytest.raises(InvalidInput, match=r"Pulumi\.yaml: of project shop is not to be found.*were not checked"):
        findings(NO_PLAIN_TEXT_PASSWORDS, registry_secret(PASSWORD))
    assert findings(NO_PLAIN_TEXT_PASSWORDS, registry_secret(None)) == []


def test_project_of_another_name_is_not_taken_for_the_programs(
    project: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Newer language hosts start the pack in its own folder, inside of somebody else's project."""
    (project / "Pulumi.yaml").write_text("name: shop\n")
    (project / "Pulumi.dev.yaml").write_text(f"config:\n  shop:token: {PASSWORD}\n")
    other = tmp_path_factory.mktemp("other")
    (other / "Pulumi.yaml").write_text("name: pack\n")
    monkeypatch.chdir(other)

    monkeypatch.setenv("PWD", str(other))
    with pytest.raises(
        InvalidInput, match=r"of project shop is not to be found \(found: pack\), so its texts were not"
    ):
        findings(NO_PLAIN_TEXT_PASSWORDS, registry_secret(PASSWORD))

    monkeypatch.setenv("PWD", str(project / "app"))
    (found,) = findings(NO_PLAIN_TEXT_PASSWORDS, registry_secret(PASSWORD))
    assert "Pulumi.dev.yaml line 2" in found


def test_packs_own_folder_says_nothing_about_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PWD")
    monkeypatch.chdir(CHECKOUT / "policies")

    assert CHECKOUT / "policies" not in list(list_folders())


def test_folder_of_the_cli_is_found_through_the_processes_above(tmp_path: Path) -> None:
    def process(number: int, name: str, parent: int) -> None:
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "comm").write_text(f"{name}\n")
        (folder / "stat").write_text(f"{number} ({name}) S {parent} 1 1 0")
        (folder / "cwd").symlink_to(f"/srv/{name.strip(' )')}")

    process(30, "pulumi-language", 20)
    process(20, "a ) b", 10)
    process(10, "pulumi", 1)
    process(40, "bash", 41)
    process(41, "systemd", 1)

    assert list(_find_folders_of_cli(tmp_path, 30)) == [Path("/srv/pulumi")]
    assert list(_find_folders_of_cli(tmp_path, 40)) == []
    assert list(_find_folders_of_cli(tmp_path, 99)) == []


def test_document_that_is_none_passes(project: Path) -> None:
    resource = pull_secret()
    for document in ("no base64!", "e30=", UNKNOWN):
        props = {**resource.props, "data": {".dockerconfigjson": document}}
        assert findings(NO_PLAIN_TEXT_PASSWORDS, declared(resource.type, props)) == []


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
