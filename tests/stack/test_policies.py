"""The policy pack, run by the real CLI: it refuses, it mends, and it lets our own components pass."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab.layout import CHECKOUT
from lab.lifecycle import Lab
from policies.pack import POLICIES
from tests.pulumi_project import STACK, PulumiProject

ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/web"
PASSWORD = "correct-horse-battery"
IMAGE = "hush/web:1"
IN_PRODUCTION = {"stacks": [STACK]}

BROKEN = f"""
import json

import pulumi
import pulumi_kubernetes as k8s

token = pulumi.Config().require("token")
document = json.dumps({{"auths": {{"ghcr.io": {{"username": "u", "password": token}}}}}})
k8s.core.v1.Secret(
    "foreign", type="kubernetes.io/dockerconfigjson", string_data={{".dockerconfigjson": document}}
)
k8s.core.v1.Pod(
    "pod",
    spec={{
        "containers": [
            {{"name": "latest", "image": "nginx", "image_pull_policy": "Always"}},
            {{"name": "never", "image": "nginx:1", "image_pull_policy": "Never"}},
            {{"name": "private", "image": "{ECR}:1", "image_pull_policy": "IfNotPresent"}},
            {{"name": "silent", "image": pulumi.Output.secret("{IMAGE}")}},
        ]
    }},
)
"""

MENDABLE = f"""
import pulumi
import pulumi_kubernetes as k8s

from components.resources import RegistrySecret

namespace = pulumi.Config().require("namespace")
secret = RegistrySecret(
    "pull",
    {{
        "name": "pull",
        "namespaces": [namespace],
        "registries": [
            {{"host": "ghcr.io", "username": "u", "password": pulumi.Config().require_secret("token")}}
        ],
    }},
)
containers = [
    {{"name": "now", "image": "{ECR}"}},
    {{"name": "later", "image": secret.uids.apply(lambda _: "nginx:1.27")}},
    {{
        "name": "hidden",
        "image": "nginx:1",
        "env": [{{"name": "TOKEN", "value": pulumi.Config().require_secret("token")}}],
    }},
]
k8s.apps.v1.Deployment(
    "web",
    metadata={{"name": "web", "namespace": namespace}},
    spec={{
        "replicas": 0,
        "selector": {{"match_labels": {{"app": "web"}}}},
        "template": {{"metadata": {{"labels": {{"app": "web"}}}}, "spec": {{"containers": containers}}}},
    }},
)
"""

OURS = f"""
import pulumi

from components import Deployment, RegistryAccess

namespace = pulumi.Config().require("namespace")
access = RegistryAccess("pull", registries=[{{"host": "{ECR.partition("/")[0]}"}}], namespaces=[namespace])
Deployment("web", image="{ECR}:1", namespace=namespace, access=access)
"""


def pack(project: PulumiProject, config: dict[str, Any]) -> list[str]:
    """The options that run the pack with this configuration."""
    file = project.folder / "policies.json"
    file.write_text(json.dumps(config))
    return ["--policy-pack", str(CHECKOUT / "policies"), "--policy-pack-config", str(file), "--diff"]


def reported(output: str) -> set[tuple[str, str]]:
    """Level and policy of each line that tells of one."""
    words = [line.split() for line in output.splitlines() if line.lstrip().startswith("imagepull@v")]
    return {(line[1].strip("[]"), line[2]) for line in words}


def test_each_policy_refuses_or_warns_and_tells_no_secret(project: Callable[[str], PulumiProject]) -> None:
    broken = project(BROKEN)
    broken.pulumi("config", "set", "token", PASSWORD)

    done = broken.preview(*pack(broken, {"no-latest-in-prod": IN_PRODUCTION}), check=False)

    assert done.returncode != 0
    assert reported(done.stdout) == {(policy.level.value, policy.name) for policy in POLICIES}
    assert "spec.containers[3].imagePullPolicy: is missing" in done.stdout
    assert "Pulumi.test.yaml line" in done.stdout
    assert PASSWORD not in broken.output
    assert IMAGE not in broken.output


def test_levels_are_configurable(project: Callable[[str], PulumiProject]) -> None:
    broken = project(BROKEN)
    broken.pulumi("config", "set", "token", PASSWORD)
    config = {
        "all": "advisory",
        "no-latest-in-prod": {"enforcementLevel": "advisory", **IN_PRODUCTION},
        "explicit-pull-policy": "disabled",
    }

    done = broken.preview(*pack(broken, config))

    expected = {policy.name for policy in POLICIES} - {"explicit-pull-policy"}
    assert reported(done.stdout) == {("advisory", name) for name in expected}


def test_remediation_fills_in_policies_and_pull_secret(
    lab: Lab, namespace: str, project: Callable[[str], PulumiProject]
) -> None:
    mendable = project(MENDABLE)
    mendable.pulumi("config", "set", "namespace", namespace)
    mendable.pulumi("config", "set", "token", PASSWORD, "--secret")
    config = {
        "explicit-pull-policy": "remediate",
        "pull-secret-for-private-images": {"enforcementLevel": "remediate", "pullSecrets": ["pull"]},
    }

    preview = mendable.preview(*pack(mendable, config))
    mendable.up(*pack(mendable, config))

    mended = {("remediate", "explicit-pull-policy"), ("remediate", "pull-secret-for-private-images")}
    assert reported(preview.stdout) == mended
    spec = json.loads(lab.kubectl("get", "deployment", "web", f"--namespace={namespace}", "--output=json"))
    template = spec["spec"]["template"]["spec"]
    assert [each["imagePullPolicy"] for each in template["containers"]] == ["Always", "IfNotPresent", "IfNotPresent"]
    assert template["imagePullSecrets"] == [{"name": "pull"}]
    assert template["containers"][2]["env"] == [{"name": "TOKEN", "value": PASSWORD}]
    assert PASSWORD not in json.dumps(mendable.resources())
    assert PASSWORD not in mendable.output


def test_our_components_pass_all_of_it(namespace: str, project: Callable[[str], PulumiProject]) -> None:
    ours = project(OURS)
    ours.pulumi("config", "set", "namespace", namespace)
    config = {"all": "mandatory", "no-latest-in-prod": {"enforcementLevel": "mandatory", **IN_PRODUCTION}}

    done = ours.preview(*pack(ours, config))

    assert reported(done.stdout) == set()
    assert "imagepull|local" in done.stdout


# What newer language hosts do: they start the pack in its own folder.
STARTED_IN_ITS_FOLDER = f"""
import os
import runpy

os.chdir({str(CHECKOUT / "policies")!r})
runpy.run_path({str(CHECKOUT / "policies" / "__main__.py")!r}, run_name="__main__")
"""


def test_password_is_found_from_the_packs_own_folder_and_with_another_current_one(
    project: Callable[[str], PulumiProject], tmp_path: Path
) -> None:
    broken = project(BROKEN)
    broken.pulumi("config", "set", "token", PASSWORD)
    started = tmp_path / "pack"
    started.mkdir()
    description = (CHECKOUT / "policies" / "PulumiPolicy.yaml").read_text()
    virtual = str(CHECKOUT / "policies" / ".venv")
    (started / "PulumiPolicy.yaml").write_text(description.replace("virtualenv: .venv", f"virtualenv: {virtual}"))
    (started / "__main__.py").write_text(STARTED_IN_ITS_FOLDER)

    done = subprocess.run(
        ["pulumi", "-C", str(broken.folder), "preview", "--non-interactive", "--policy-pack", str(started)],
        cwd=tmp_path,
        env={**broken.env, "PWD": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert "Pulumi.test.yaml line" in done.stdout, done.stdout + done.stderr
    assert PASSWORD not in done.stdout
