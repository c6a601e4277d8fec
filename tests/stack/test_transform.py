"""The transform through the real CLI and plugin: whatever declares a workload, the cluster holds explicit policies."""

import json
import shutil
from collections.abc import Callable
from typing import Any

import pytest

from lab.images import SHOP
from lab.layout import CHECKOUT
from lab.lifecycle import Lab
from tests.pulumi_project import PulumiProject

Project = Callable[[str], PulumiProject]
EXAMPLE = CHECKOUT / "examples" / "mixed"

WEB = f"{SHOP.host}/shop/web:1.0"
LATEST = f"{SHOP.host}/shop/web:latest"
ACCESS = {"imagepull:index:RegistrySecret", "imagepull:index:ServiceAccountImagePullSecrets"}
HEADER = """
import importlib.metadata
import pulumi
import pulumi_kubernetes as k8s
from components import Deployment, RegistryAccess, explicit_image_pulls, image_pull_plan
from imagepull.images.rules import Rules

def deployment(name, image, namespace, secrets=(), **container):
    k8s.apps.v1.Deployment(name, metadata={"name": name, "namespace": namespace}, spec={
        "replicas": 0,
        "selector": {"match_labels": {"app": name}},
        "template": {"metadata": {"labels": {"app": name}}, "spec": {
            "containers": [{"name": "c", "image": image, **container}],
            "image_pull_secrets": [{"name": secret} for secret in secrets],
        }},
    })

"""


def program(text: str, namespace: str) -> str:
    access = f'access = RegistryAccess("pull", registries=[{{"host": "{SHOP.host}"}}], namespaces=["{namespace}"])\n'
    return HEADER + access + text.replace("NAMESPACE", namespace)


def pod_specs(lab: Lab, namespace: str) -> dict[str, Any]:
    """Name of each workload to its Pod spec, as the cluster holds it."""
    told = json.loads(lab.kubectl("get", "deployments,jobs,pods", f"--namespace={namespace}", "--output=json"))
    return {
        item["metadata"]["name"]: item["spec"]["template"]["spec"] if "template" in item["spec"] else item["spec"]
        for item in told["items"]
    }


def policies(spec: Any) -> list[str]:
    return [each["imagePullPolicy"] for each in [*spec.get("initContainers", []), *spec["containers"]]]


def depends(stack: PulumiProject, name: str) -> set[str]:
    """Types of ours that a workload depends on in the state, by which `destroy` goes."""
    deployments = [each for each in stack.resources() if each["type"] == "kubernetes:apps/v1:Deployment"]
    (found,) = (each for each in deployments if each["outputs"]["metadata"]["name"] == name)
    urns = {urn for listed in found.get("propertyDependencies", {}).values() for urn in listed or ()}
    types = {urn.split("::")[2].rpartition("$")[2] for urn in {*urns, *found.get("dependencies", [])}}
    return {each for each in types if each.startswith("imagepull:")}


def secrets(spec: Any) -> list[str]:
    return [each["name"] for each in spec.get("imagePullSecrets", [])]


def test_example_runs_from_the_private_registry(lab: Lab, namespace: str, project: Project) -> None:
    stack = project((EXAMPLE / "__main__.py").read_text())
    shutil.copytree(EXAMPLE / "chart", stack.folder / "chart")
    stack.pulumi("config", "set", "namespace", namespace)

    stack.up()

    specs = pod_specs(lab, namespace)
    assert policies(specs["storefront"]) == ["Always", "IfNotPresent"]
    assert policies(specs["migrate"]) == ["IfNotPresent"]
    assert policies(specs["api"]) == ["Always"]
    assert all(secrets(spec) == ["registry-access"] for spec in specs.values())
    plan = stack.outputs()["imagePullPlan"]["__images"]
    assert sorted((row["workload"], row["container"], row["policy"]) for row in plan) == [
        ("Deployment/api", "api", "Always"),
        ("Deployment/storefront", "init prepare", "Always"),
        ("Deployment/storefront", "web", "IfNotPresent"),
        ("Job/migrate", "migrate", "IfNotPresent"),
    ]
    stack.preview("--expect-no-changes")


def test_what_workloads_say_themselves_stays(lab: Lab, namespace: str, project: Project) -> None:
    stack = project(
        program(
            f"""
pulls = explicit_image_pulls(access, exclude=lambda args: args.name == "left-alone")
deployment("own-policy", "{LATEST}", "NAMESPACE", image_pull_policy="IfNotPresent")
deployment("own-secret", "{WEB}", "NAMESPACE", secrets=["theirs"])
deployment("left-alone", "{WEB}", "NAMESPACE")
deployment("image-later", pulumi.Output.from_input("{LATEST}"), "NAMESPACE")
""",
            namespace,
        )
    )

    stack.up()

    specs = pod_specs(lab, namespace)
    assert policies(specs["own-policy"]) == ["IfNotPresent"]
    assert secrets(specs["own-secret"]) == ["theirs", "pull"]
    assert secrets(specs["left-alone"]) == []
    assert policies(specs["image-later"]) == ["Always"]
    assert depends(stack, "left-alone") == set()
    for name in ("own-policy", "own-secret", "image-later"):
        assert depends(stack, name) == ACCESS


def test_only_namespaces_with_access_name_the_secret(lab: Lab, namespace: str, project: Project) -> None:
    stack = project(
        program(
            f"""
explicit_image_pulls(access)
other = k8s.core.v1.Namespace("other", metadata={{"name": "NAMESPACE-other"}})
deployment("here", "{LATEST}", "NAMESPACE")
deployment("there", "{LATEST}", other.metadata.name)
""",
            namespace,
        )
    )

    stack.up()

    assert secrets(pod_specs(lab, namespace)["here"]) == ["pull"]
    there = pod_specs(lab, f"{namespace}-other")["there"]
    assert (policies(there), secrets(there)) == (["Always"], [])


def test_manifest_files_and_kustomizations_are_reached(lab: Lab, namespace: str, project: Project) -> None:
    stack = project(
        program(
            """
explicit_image_pulls(access)
k8s.yaml.v2.ConfigFile("file", file="./kustomize/deployment.yaml")
# kustomize.v2.Directory by its type: its Python class fails on its own output (pulumi/pulumi-kubernetes#3389).
version = pulumi.ResourceOptions(version=importlib.metadata.version("pulumi-kubernetes"))
directory = {"directory": "./kustomize"}
pulumi.ComponentResource("kubernetes:kustomize/v2:Directory", "directory", directory, version, remote=True)
""",
            namespace,
        )
    )
    folder = stack.folder / "kustomize"
    folder.mkdir()
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": LATEST}]}}
    manifest = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": namespace},
        "spec": {"replicas": 0, "selector": {"matchLabels": {"a": "b"}}, "template": template},
    }
    (folder / "deployment.yaml").write_text(json.dumps(manifest))
    (folder / "kustomization.yaml").write_text(json.dumps({"resources": ["deployment.yaml"], "nameSuffix": "-k"}))

    stack.up()

    specs = pod_specs(lab, namespace)
    assert sorted(specs) == ["web", "web-k"]
    assert all((policies(spec), secrets(spec)) == (["Always"], ["pull"]) for spec in specs.values())
    assert all(depends(stack, name) == ACCESS for name in specs)


@pytest.mark.parametrize("ours_first", [True, False], ids=["ours first", "ours last"])
def test_transforms_of_others_are_kept(lab: Lab, namespace: str, project: Project, ours_first: bool) -> None:
    theirs = """
def labelled(args):
    if args.type_ != "kubernetes:apps/v1:Deployment":
        return None
    metadata = {**args.props["metadata"], "labels": {"team": "a"}}
    return pulumi.ResourceTransformResult(props={**args.props, "metadata": metadata}, opts=args.opts)

pulumi.runtime.register_resource_transform(labelled)
"""
    registrations = ["explicit_image_pulls(access)\n", theirs]
    stack = project(
        program(
            "".join(registrations if ours_first else registrations[::-1])
            + f'deployment("web", "{LATEST}", "NAMESPACE")\n',
            namespace,
        )
    )

    stack.up()

    assert secrets(pod_specs(lab, namespace)["web"]) == ["pull"]
    told = json.loads(lab.kubectl("get", "deployment", "web", f"--namespace={namespace}", "--output=json"))
    assert told["metadata"]["labels"] == {"team": "a"}


def test_our_components_are_in_the_plan_once_with_their_reasons(lab: Lab, namespace: str, project: Project) -> None:
    stack = project(
        program(
            f"""
pulls = explicit_image_pulls(access)
group = pulumi.ComponentResource("pkg:index:Group", "group")
web = Deployment("web", image="{LATEST}", namespace="NAMESPACE", replicas=0, access=access)
api = Deployment("api", image="{WEB}", namespace="NAMESPACE", replicas=0, opts=pulumi.ResourceOptions(parent=group))
deployment("theirs", "{WEB}", "NAMESPACE")
pulumi.export("plan", image_pull_plan(web, api, pulls, access=[access]))
""",
            namespace,
        ).replace("namespaces=", "service_accounts=[], namespaces=")
    )

    stack.up()

    assert sorted((row["workload"], row["reason"], row["secret"]) for row in stack.outputs()["plan"]["__images"]) == [
        ("Deployment/api", "tag is 1.0, not latest", "pull"),
        ("Deployment/theirs", "tag is 1.0, not latest", "pull"),
        ("Deployment/web", "tag is latest", "pull"),
    ]
    specs = pod_specs(lab, namespace)
    assert {name: secrets(spec) for name, spec in specs.items()} == {
        name: ["pull"] for name in ("web", "api", "theirs")
    }


def test_every_violation_is_told_and_nothing_of_them_deployed(lab: Lab, namespace: str, project: Project) -> None:
    stack = project(
        program(
            f"""
explicit_image_pulls(access, rules=Rules(forbid_latest=True))
deployment("one", "{LATEST}", "NAMESPACE")
deployment("two", pulumi.Output.from_input("{LATEST}"), "NAMESPACE")
deployment("good", "{WEB}", "NAMESPACE")
Deployment("ours", image="{LATEST}", namespace="NAMESPACE", replicas=0)
""",
            namespace,
        )
    )

    preview = stack.preview(check=False)
    up = stack.up(check=False)

    assert preview.returncode != 0
    for name in ("one", "two", "ours"):
        assert f"{namespace}/Deployment/{name}, container" in preview.stdout
    assert "Traceback" not in preview.stdout
    assert up.returncode != 0
    assert {"one", "two", "ours"}.isdisjoint(pod_specs(lab, namespace))


def test_helm_release_is_out_of_reach_and_says_so_once(namespace: str, project: Project) -> None:
    stack = project(
        program(
            """
explicit_image_pulls(access)
k8s.helm.v3.Release("storefront", chart="./chart", namespace="NAMESPACE", skip_await=True)
""",
            namespace,
        )
    )
    shutil.copytree(EXAMPLE / "chart", stack.folder / "chart")

    preview = stack.preview()

    diagnostics = preview.stdout.partition("Diagnostics:")[2]
    assert diagnostics.count("cannot reach what a helm.v3.Release installs") == 1


def test_custom_resource_with_a_template_path(namespace: str, project: Project) -> None:
    stack = project(
        program(
            f"""
explicit_image_pulls(access, template_paths={{"Rollout": "spec.template"}})
k8s.apiextensions.CustomResource("rollout", api_version="example.com/v1", kind="Rollout",
    metadata={{"name": "rollout", "namespace": "NAMESPACE"}},
    spec={{"template": {{"spec": {{"containers": [{{"name": "c", "image": "{LATEST}"}}]}}}}}})
""",
            namespace,
        )
    )

    steps = json.loads(stack.preview("--json").stdout)["steps"]

    (rollout,) = [step["newState"]["inputs"] for step in steps if step["urn"].endswith("::rollout")]
    assert rollout["spec"]["template"]["spec"] == {
        "containers": [{"name": "c", "image": LATEST, "imagePullPolicy": "Always"}],
        "imagePullSecrets": [{"name": "pull"}],
    }
