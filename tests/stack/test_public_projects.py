"""Charts and manifests of public projects through the transform: each of their containers has an explicit policy.

They are read from the projects' own Go modules at test time; nothing of them is kept here.
"""

import json
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from imagepull.images.pull_policy import resolve
from lab.lifecycle import Lab
from tests.pulumi_project import PulumiProject

PROGRAM = """
import pulumi
import pulumi_kubernetes as k8s
from components import RegistryAccess, explicit_image_pulls, image_pull_plan

access = RegistryAccess(
    "pull",
    registries=[{{"host": "123456789012.dkr.ecr.us-east-1.amazonaws.com"}}],
    namespaces=["{namespace}"],
    service_accounts=[],
)
pulls = explicit_image_pulls(access)
{declaration}
pulumi.export("plan", image_pull_plan(pulls))
"""
CHART = 'k8s.helm.v4.Chart("it", chart="./chart", namespace="{namespace}", skip_await=True)'
MANIFEST = 'k8s.yaml.v2.ConfigFile("it", file="./install.yaml", skip_await=True)'

SOURCES = {
    "metrics-server": ("sigs.k8s.io/metrics-server@v0.9.0", "charts/metrics-server", 1),
    "external-secrets": ("github.com/external-secrets/external-secrets@v1.3.2", "deploy/charts/external-secrets", 3),
    "kyverno": ("github.com/kyverno/kyverno@v1.19.1", "charts/kyverno", 4),
    "argo-cd": ("github.com/argoproj/argo-cd/v3@v3.1.0", "manifests/install.yaml", 7),
}
"""Name to the module, the place in it, and how many workloads it declares at least."""


@pytest.mark.parametrize("name", SOURCES)
def test_every_container_has_an_explicit_policy(
    lab: Lab, namespace: str, project: Callable[[str], PulumiProject], name: str
) -> None:
    module, place, at_least = SOURCES[name]
    is_chart = not place.endswith(".yaml")
    stack = project(
        PROGRAM.format(namespace=namespace, declaration=CHART.format(namespace=namespace) if is_chart else MANIFEST)
    )
    source = download(module) / place
    if is_chart:
        copy_chart(source, stack.folder / "chart")
    else:
        (stack.folder / "install.yaml").write_text(in_namespace(source.read_text(), namespace))

    stack.up()

    deployed = list(containers(lab, namespace))
    assert len({workload for workload, _, _ in deployed}) >= at_least
    rows = {(row["workload"], row["container"].rpartition(" ")[2]): row for row in stack.outputs()["plan"]["__images"]}
    for workload, container, written in deployed:
        row = rows[workload, container["name"]]
        assert written, f"{workload} {container['name']}: the API server filled in the policy"
        assert container["imagePullPolicy"] == row["policy"]
        if row["reason"] != "set explicitly":
            assert row["policy"] == resolve(container["image"]).policy.value


def download(module: str) -> Path:
    """The folder of a Go module in the module cache."""
    done = subprocess.run(["go", "mod", "download", "-json", module], capture_output=True, text=True, check=True)
    return Path(json.loads(done.stdout)["Dir"])


def copy_chart(source: Path, target: Path) -> None:
    """A chart without its dependencies on other charts that are not beside it."""
    shutil.copytree(source, target)
    for path in [target, *target.rglob("*")]:
        path.chmod(path.stat().st_mode | stat.S_IWUSR)
    chart = target / "Chart.yaml"
    description = yaml.safe_load(chart.read_text())
    description["dependencies"] = [
        each for each in description.get("dependencies", []) if (target / "charts" / each["name"]).is_dir()
    ]
    chart.write_text(yaml.safe_dump(description))
    (target / "Chart.lock").unlink(missing_ok=True)


def in_namespace(manifests: str, namespace: str) -> str:
    """The manifests as `kubectl --namespace` would apply them."""
    documents = [document for document in yaml.safe_load_all(manifests) if document]
    for document in documents:
        if not document["kind"].startswith(("Cluster", "CustomResourceDefinition")):
            document["metadata"]["namespace"] = namespace
    return yaml.safe_dump_all(documents)


def containers(lab: Lab, namespace: str) -> Iterator[tuple[str, Any, bool]]:
    """Workload, container, and whether its policy was sent by Pulumi (else the API server's default)."""
    told = lab.kubectl(
        "get",
        "deployments,statefulsets,daemonsets,jobs,cronjobs",
        f"--namespace={namespace}",
        "--show-managed-fields",
        "--output=json",
    )
    for item in json.loads(told)["items"]:
        if item["metadata"].get("ownerReferences"):
            continue
        spec = item["spec"].get("jobTemplate", item)["spec"]["template"]["spec"]
        sent = [entry for entry in item["metadata"]["managedFields"] if entry["manager"].startswith("pulumi")]
        for field in ("containers", "initContainers"):
            for container in spec.get(field, []):
                key = f"k:{json.dumps({'name': container['name']}, separators=(',', ':'))}"
                written = any(
                    "f:imagePullPolicy" in found for entry in sent for found in find(entry, f"f:{field}", key)
                )
                yield f"{item['kind']}/{item['metadata']['name']}", container, written


def find(fields: Any, *keys: str) -> Iterator[Any]:
    """The values below `keys`, wherever the first of them is."""
    if isinstance(fields, dict):
        for key, value in fields.items():
            if key == keys[0]:
                below = value
                for each in keys[1:]:
                    below = below.get(each, {})
                yield below
            else:
                yield from find(value, *keys)
