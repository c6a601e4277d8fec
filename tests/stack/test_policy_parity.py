"""The policies that we write are those that the API server fills in, for each kind of object and of container."""

import json
from pathlib import Path
from typing import Any

import pytest

from imagepull.pull_plan.explicit import make_explicit
from imagepull.pull_plan.manifest import WORKLOAD_KINDS
from lab.lifecycle import Lab

DIGEST = "sha256:" + "0123456789abcdef" * 4
IMAGES = [
    "nginx",
    "nginx:latest",
    "nginx:1.27",
    "nginx:LATEST",
    "nginx:latest-1",
    f"nginx@{DIGEST}",
    f"nginx:1.27@{DIGEST}",
    f"nginx:latest@{DIGEST}",
    "localhost",
    "localhost:5000",
    "localhost:5000/app",
    "localhost:5000/app:latest",
    "[::1]:5000/app",
    "index.docker.io/nginx",
    "123456789012.dkr.ecr.us-east-1.amazonaws.com",
    "123456789012.dkr.ecr.us-east-1.amazonaws.com/shop/web",
    "ghcr.io/owner/app:v1",
    # Not references: the API server takes them, and the kubelet reports InvalidImageName.
    "Nginx",
    "Nginx:latest",
    "https://ghcr.io/owner/app",
    "nginx:",
    "nginx:latest@sha256:0123",
    "0123456789abcdef" * 4,
    "${REGISTRY}/app:latest",
    "a.b_c/d:latest",
]
API_VERSIONS = {
    "CronJob": "batch/v1",
    "Job": "batch/v1",
    "ReplicationController": "v1",
    "Pod": "v1",
    "PodTemplate": "v1",
}
LABELS = {"app": "parity"}


def manifest_of(kind: str, pod_spec: dict[str, Any]) -> dict[str, Any]:
    template = {"metadata": {"labels": LABELS}, "spec": pod_spec}
    body: dict[str, Any] = {
        "Pod": {"spec": pod_spec},
        "PodTemplate": {"template": template},
        "Job": {"spec": {"template": template}},
        "CronJob": {"spec": {"schedule": "0 3 * * *", "jobTemplate": {"spec": {"template": template}}}},
        "ReplicationController": {"spec": {"selector": LABELS, "template": template}},
        "StatefulSet": {"spec": {"serviceName": "x", "selector": {"matchLabels": LABELS}, "template": template}},
    }.get(kind, {"spec": {"selector": {"matchLabels": LABELS}, "template": template}})
    return {
        "apiVersion": API_VERSIONS.get(kind, "apps/v1"),
        "kind": kind,
        "metadata": {"name": f"parity-{kind.lower()}"},
        **body,
    }


def policies(manifest: Any) -> dict[str, list[str]]:
    spec = manifest
    for field in WORKLOAD_KINDS[manifest["kind"]]:
        spec = spec[field]
    return {
        **{
            field: [each["imagePullPolicy"] for each in spec.get(field, [])]
            for field in ("containers", "initContainers")
        },
        "ephemeralContainers": [each["imagePullPolicy"] for each in spec.get("ephemeralContainers", [])],
        "volumes": [each["image"]["pullPolicy"] for each in spec.get("volumes", []) if "image" in each],
    }


@pytest.fixture(scope="module")
def takes_image_volumes(lab: Lab) -> bool:
    """Image volumes are on by default since Kubernetes 1.35; before, the API server drops them from a Pod."""
    version = json.loads(lab.kubectl("get", "--raw=/version"))
    return int(version["minor"]) >= 35


@pytest.mark.parametrize("kind", WORKLOAD_KINDS)
def test_policies_are_the_api_servers(
    lab: Lab, namespace: str, tmp_path: Path, kind: str, takes_image_volumes: bool
) -> None:
    volumes = [{"name": f"v{index}", "image": {"reference": image}} for index, image in enumerate(IMAGES)]
    manifest = manifest_of(
        kind,
        {
            "restartPolicy": "Never" if kind in ("Job", "CronJob") else "Always",
            "containers": [{"name": f"c{index}", "image": image} for index, image in enumerate(IMAGES)],
            "initContainers": [{"name": f"i{index}", "image": image} for index, image in enumerate(IMAGES)],
            "volumes": volumes if takes_image_volumes else [],
        },
    )
    file = tmp_path / "manifest.json"
    file.write_text(json.dumps(manifest))

    filled_in = lab.kubectl(
        "create", f"--namespace={namespace}", "--dry-run=server", "--output=json", f"--filename={file}"
    )

    ours = policies(make_explicit(manifest).manifest)
    assert ours == policies(json.loads(filled_in))
    assert len(ours["containers"]) == len(IMAGES)
    assert len(ours["volumes"]) == (len(IMAGES) if takes_image_volumes else 0)


def test_policies_of_ephemeral_containers_are_the_api_servers(lab: Lab, namespace: str, tmp_path: Path) -> None:
    spec = {"containers": [{"name": "c", "image": "nginx:1"}], "nodeSelector": {"no-such": "node"}}
    file = tmp_path / "pod.json"
    file.write_text(json.dumps(manifest_of("Pod", spec)))
    pod = json.loads(lab.kubectl("create", f"--namespace={namespace}", "--output=json", f"--filename={file}"))
    del pod["metadata"]["resourceVersion"]  # the controllers write to it, too
    pod["spec"]["ephemeralContainers"] = [{"name": f"e{index}", "image": image} for index, image in enumerate(IMAGES)]
    file.write_text(json.dumps(pod))

    url = f"/api/v1/namespaces/{namespace}/pods/{pod['metadata']['name']}/ephemeralcontainers"
    filled_in = lab.kubectl("replace", f"--raw={url}", f"--filename={file}")

    ours = policies(make_explicit(pod).manifest)
    assert ours == policies(json.loads(filled_in))
    assert len(ours["ephemeralContainers"]) == len(IMAGES)
