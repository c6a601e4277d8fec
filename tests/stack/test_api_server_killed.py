"""The API server itself is killed (-9) midway through 1,000 namespaces."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import lifecycle
from lab.lifecycle import Lab
from lab.processes import wait_until
from tests.pulumi_project import PulumiProject
from tests.stack.programs import US

COUNT = 1000
ACCESS = """
from components import RegistryAccess

RegistryAccess("pull", registries=[{{"host": "{host}"}}], namespaces={namespaces})
"""


@pytest.fixture(scope="module")
def own_lab() -> Iterator[Lab]:
    """A lab of its own: the others' tests go on."""
    name = f"killed-{os.getpid()}"
    yield lifecycle.up(name, owner=lifecycle.identify_this_process())
    lifecycle.down(name)


def secrets(lab: Lab) -> list[str]:
    """The namespaces that have our Secret, as often as they have it."""
    fields = "--field-selector=metadata.name=pull"
    told = lab.run("kubectl", "get", "secrets", "--all-namespaces", fields, "--output=json", check=False).stdout
    return [item["metadata"]["namespace"] for item in json.loads(told)["items"]] if told else []


def lists(lab: Lab) -> dict[str, list[str]]:
    """The list of each namespace's `default` ServiceAccount."""
    fields = "--field-selector=metadata.name=default"
    told = lab.kubectl("get", "serviceaccounts", "--all-namespaces", fields, "--output=json")
    return {
        item["metadata"]["namespace"]: [entry["name"] for entry in item.get("imagePullSecrets", [])]
        for item in json.loads(told)["items"]
    }


def test_the_next_up_finishes_nothing_is_twice_and_destroy_leaves_nothing(own_lab: Lab, tmp_path: Path) -> None:
    names = [f"many-{number:04}" for number in range(COUNT)]
    items = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in names]
    manifest = tmp_path / "namespaces.json"
    manifest.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    own_lab.kubectl("create", "-f", str(manifest))
    stack = PulumiProject(own_lab, tmp_path / "project", ACCESS.format(host=US, namespaces=names))

    log = (tmp_path / "up.log").open("w")
    up = subprocess.Popen(
        ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive"],
        cwd=stack.folder, env=stack.env, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
    )  # fmt: skip
    assert wait_until(lambda: bool(secrets(own_lab)), timeout=120)
    own_lab.processes.kill("kube-apiserver")
    assert up.wait(timeout=300) != 0
    log.close()
    said = (tmp_path / "up.log").read_text()
    assert "cannot be reached" in said
    assert "Traceback" not in said

    own_lab.processes.restart("kube-apiserver")
    own_lab.processes.wait_for("kube-apiserver", own_lab.control_plane.is_ready)
    assert 0 < len(secrets(own_lab)) < COUNT
    stack.up()
    assert sorted(secrets(own_lab)) == names
    told = lists(own_lab)
    assert {name: told[name] for name in names} == {name: ["pull"] for name in names}
    stack.preview("--expect-no-changes")

    stack.destroy()
    assert secrets(own_lab) == []
    assert not any(lists(own_lab).values())
