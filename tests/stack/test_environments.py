"""One program, one file for each environment: what is configured is what the cluster gets."""

import base64
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from imagepull.resource_types import PULL_WATCH
from lab.images import SHOP, TOOLS
from lab.layout import CHECKOUT
from lab.lifecycle import Lab
from tests.pulumi_project import STACK, PulumiProject

Make = Callable[..., PulumiProject]
PROJECT = "private-images"
PROGRAM = (CHECKOUT / "__main__.py").read_text()
WEB = f"{SHOP.host}/shop/web:1.0"
INFRASTRUCTURE = f"organization/infrastructure/{STACK}"
ROLE = f"arn:aws:iam::{TOOLS.account}:role/image-pull"
PASSWORD = "geheim-4711"


def environment(namespace: str, **values: Any) -> dict[str, Any]:
    web = {"name": "web", "namespace": namespace, "image": WEB, "port": 8080, "replicas": 0}
    return {
        "registries": [{"host": SHOP.host}],
        "namespaces": [{"name": namespace}],
        "workloads": [web],
        **values,
    }


def write_config(stack: PulumiProject, values: Mapping[str, Any], **others: Any) -> None:
    """Write the stack's file, with what Pulumi put there."""
    file = stack.folder / f"Pulumi.{STACK}.yaml"
    document = yaml.safe_load(file.read_text())
    document["config"] = {**{f"{PROJECT}:{key}": value for key, value in values.items()}, **others}
    file.write_text(yaml.safe_dump(document))


@pytest.fixture
def stack(project: Make) -> PulumiProject:
    return project(PROGRAM, name=PROJECT)


def kubeconfig_of(lab: Lab) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(Path(lab.env["KUBECONFIG"]).read_text())
    return found


def exporting(project: Make, kubeconfig: Any) -> PulumiProject:
    """An infrastructure stack, up, that exports a kubeconfig as a secret."""
    program = f"import pulumi\npulumi.export('kubeconfig', pulumi.Output.secret({kubeconfig!r}))\n"
    infrastructure = project(program, name="infrastructure")
    infrastructure.up()
    return infrastructure


def auths(lab: Lab, namespace: str) -> dict[str, Any]:
    """The entries of the pull Secret in the cluster."""
    told = lab.kubectl("get", "secret", "registry-access", f"--namespace={namespace}", "--output=json")
    found: dict[str, Any] = json.loads(base64.b64decode(json.loads(told)["data"][".dockerconfigjson"]))["auths"]
    return found


def names(lab: Lab, kind: str, namespace: str) -> list[str]:
    told = lab.kubectl("get", kind, f"--namespace={namespace}", "--output=jsonpath={.items[*].metadata.name}")
    return sorted(told.split())


def test_application_and_registry_are_added_in_yaml_alone(lab: Lab, namespace: str, stack: PulumiProject) -> None:
    before = environment(namespace, rolloutTimeout="2m")
    write_config(stack, before)
    stack.up()
    timeout = r"--output=jsonpath={.metadata.annotations.pulumi\.com/timeoutSeconds}"
    assert lab.kubectl("get", "deployment", "web", f"--namespace={namespace}", timeout) == "120"
    watch = stack.resource(PULL_WATCH)["inputs"]
    assert watch["workloads"] == [{"kind": "Deployment", "name": "web", "namespace": namespace, "images": [WEB]}]
    assert (watch["fail"], watch["timeout"]) == (False, "2m")
    job = {"kind": "CronJob", "name": "nightly", "namespace": namespace, "schedule": "0 3 * * *"}

    write_config(
        stack,
        {
            **before,
            "registries": [*before["registries"], {"host": TOOLS.host, "roleArn": ROLE}],
            "workloads": [*before["workloads"], {**job, "image": f"{TOOLS.host}/tools/worker:latest"}],
        },
    )
    stack.up()

    assert auths(lab, namespace).keys() == {SHOP.host, TOOLS.host}
    assert "assumed-role/image-pull" in lab.ecr.calls()[-1].principal
    assert names(lab, "deployments", namespace) == ["web"]
    assert names(lab, "cronjobs", namespace) == ["nightly"]
    plan = {row["workload"]: row["policy"] for row in stack.outputs()["imagePullPlan"]["__images"]}
    assert plan == {"Deployment/web": "IfNotPresent", "CronJob/nightly": "Always"}
    stack.preview("--expect-no-changes")

    # Nothing runs Pods here, so this roll-out fails; without a watch its error still names the command.
    waiting = {**before["workloads"][0], "replicas": 1}
    write_config(stack, {**before, "workloads": [waiting], "rolloutTimeout": "1s", "pullWatch": "off"})
    failed = stack.up(check=False)
    assert failed.returncode != 0
    assert "error: Deployment web: if an image of its Pods is not pulled" in failed.stdout
    assert f"`imagepull diagnose deployment/web -n {namespace}`" in failed.stdout


def test_static_password_is_a_secret_of_the_stack_and_nowhere_else(
    lab: Lab, namespace: str, stack: PulumiProject
) -> None:
    ghcr = {"host": "ghcr.io", "username": "robot"}
    write_config(stack, environment(namespace, registries=[{"host": SHOP.host}, ghcr], workloads=[]))
    stack.pulumi("config", "set", "--secret", "--path", f"{PROJECT}:registries[1].password", PASSWORD)

    stack.preview("--diff")
    stack.up()

    assert auths(lab, namespace)["ghcr.io"]["password"] == PASSWORD
    exported = stack.pulumi("stack", "export").stdout
    assert PASSWORD not in stack.output
    assert PASSWORD not in exported
    assert PASSWORD not in (stack.folder / f"Pulumi.{STACK}.yaml").read_text()


def test_all_problems_of_a_file_are_told_at_once_without_a_traceback(stack: PulumiProject) -> None:
    wrong = {"name": "web", "namespace": "shop", "image": "shop/web:1.0", "prot": 8080, "imagePullPolicy": "always"}
    write_config(
        stack,
        {
            "registries": [{"host": "ghcr.io", "username": "robot", "passwort": PASSWORD}],
            "namespaces": [{"name": "Shop"}],
            "workloads": [wrong],
            "rule": {},
        },
    )

    preview = stack.preview(check=False)

    assert preview.returncode != 0
    for told in (
        "private-images:namespaces[0].name: is 'Shop'; write a namespace's name",
        "private-images:registries[0].passwort: is no input here; is password meant?",
        "private-images:rule: is no input here; is rules meant?",
        "private-images:workloads[0].imagePullPolicy: is 'always'; write one of Always, IfNotPresent, Never",
        "private-images:workloads[0].prot: is no input here; is port meant?",
    ):
        assert told in preview.stdout
    assert "Traceback" not in stack.output
    assert PASSWORD not in stack.output


def test_password_in_plain_text_is_refused_also_beside_an_encrypted_one(stack: PulumiProject) -> None:
    ghcr, quay = ({"host": host, "username": "robot", "password": PASSWORD} for host in ("ghcr.io", "quay.io"))
    write_config(stack, environment("shop", registries=[ghcr, quay], workloads=[]))
    alone = stack.preview(check=False)
    stack.pulumi("config", "set", "--secret", "--path", f"{PROJECT}:registries[0].password", PASSWORD)
    beside = stack.preview(check=False)

    told = "private-images:registries[{}].password: stands in plain text in the stack's file"
    assert told.format(0) in alone.stdout
    assert told.format(1) in alone.stdout
    assert told.format(0) not in beside.stdout
    assert told.format(1) in beside.stdout
    assert PASSWORD not in stack.output


def test_one_environment_forbids_what_another_allows(namespace: str, stack: PulumiProject) -> None:
    latest = {"name": "web", "namespace": namespace, "image": "nginx", "replicas": 0}
    write_config(stack, environment(namespace, workloads=[latest]))
    allowed = stack.preview(check=False)

    write_config(stack, environment(namespace, workloads=[latest], rules={"forbidLatest": True}))
    forbidden = stack.preview(check=False)

    assert allowed.returncode == 0
    assert forbidden.returncode != 0
    assert "forbidLatest" in forbidden.stdout


def test_image_that_is_not_in_the_registry_fails_the_preview_where_that_is_configured(
    namespace: str, stack: PulumiProject
) -> None:
    there = environment(namespace)
    web = {"name": "web", "namespace": namespace, "image": f"{SHOP.host}/shop/web:9.9", "replicas": 0}
    told = f"{namespace}/Deployment/web"

    write_config(stack, {**there, "verify": "error"})
    right = stack.preview(check=False)
    write_config(stack, {**there, "verify": "error", "workloads": [web]})
    refused = stack.preview(check=False)
    write_config(stack, {**there, "verify": "warning", "workloads": [web]})
    warned = stack.preview(check=False)

    assert right.returncode == 0
    assert "there is no tag" not in right.stdout
    assert refused.returncode != 0
    assert f"error: {told}" in refused.stdout
    assert f"there is no tag 9.9 in {SHOP.host}/shop/web, or {SHOP.host} has no such repository" in refused.stdout
    assert "Traceback" not in refused.stdout + refused.stderr
    assert warned.returncode == 0
    assert f"warning: {told}" in warned.stdout


@pytest.mark.parametrize("convert", [json.dumps, dict], ids=["text", "object"])
def test_cluster_of_another_stack(
    lab: Lab, namespace: str, project: Make, tmp_path: Path, convert: Callable[[Any], Any]
) -> None:
    infrastructure = exporting(project, convert(kubeconfig_of(lab)))
    stack = project(
        PROGRAM,
        name=PROJECT,
        PULUMI_BACKEND_URL=infrastructure.env["PULUMI_BACKEND_URL"],
        KUBECONFIG=str(tmp_path / "there-is-none"),
    )
    created = f"{namespace}-created"
    namespaces = [{"name": namespace}, {"name": created, "create": True}]
    cluster = {"stack": INFRASTRUCTURE, "clusterIdentifier": "lab"}
    write_config(stack, environment(namespace, namespaces=namespaces, cluster=cluster))

    stack.up()

    for kind in ("imagepull", "kubernetes"):
        (provider,) = [each for each in stack.resources() if each["urn"].endswith(f"pulumi:providers:{kind}::cluster")]
        assert provider["inputs"]["clusterIdentifier"] == "lab"
    assert auths(lab, namespace).keys() == auths(lab, created).keys() == {SHOP.host}
    assert names(lab, "deployments", namespace) == ["web"]
    credentials = [user["user"]["token"] for user in kubeconfig_of(lab)["users"]]
    assert not any(token in stack.output + json.dumps(stack.resources()) for token in credentials)


def test_cluster_of_a_stack_without_a_kubeconfig_is_told(namespace: str, project: Make) -> None:
    infrastructure = project("", name="infrastructure")
    stack = project(PROGRAM, name=PROJECT, PULUMI_BACKEND_URL=infrastructure.env["PULUMI_BACKEND_URL"])
    write_config(stack, environment(namespace, cluster={"stack": INFRASTRUCTURE}))

    preview = stack.preview(check=False)

    assert preview.returncode != 0
    assert (
        f"stack {INFRASTRUCTURE} has no output 'kubeconfig'; write pulumi.export('kubeconfig', kubeconfig)"
        in preview.stdout
    )
    assert "Traceback" not in preview.stdout + preview.stderr


@pytest.mark.parametrize("name", ["dev", "staging", "prod"])
def test_committed_environment_is_previewed_on_its_own_cluster(
    lab: Lab, project: Make, tmp_path: Path, name: str
) -> None:
    infrastructure = exporting(project, kubeconfig_of(lab))
    stack = project(PROGRAM, name=PROJECT, PULUMI_BACKEND_URL=infrastructure.env["PULUMI_BACKEND_URL"])
    stack.env["KUBECONFIG"] = str(tmp_path / "kubeconfig")
    (context,) = kubeconfig_of(lab)["contexts"]
    mine = {**kubeconfig_of(lab), "contexts": [{**context, "name": name}], "current-context": "elsewhere"}
    (tmp_path / "kubeconfig").write_text(yaml.safe_dump(mine))
    file = (CHECKOUT / "stacks" / f"Pulumi.{name}.yaml").read_text()
    committed = yaml.safe_load(file.replace("acme/infrastructure/prod", INFRASTRUCTURE))["config"]
    write_config(stack, {}, **committed)

    steps = json.loads(stack.preview("--json").stdout)["steps"]

    declared = {step["newState"]["type"].rpartition(":")[2] for step in steps}
    kinds = {workload.get("kind", "Deployment") for workload in committed[f"{PROJECT}:workloads"]}
    assert declared >= {"RegistrySecret", "ServiceAccountImagePullSecrets", *kinds}
