"""With the CLI: rights that are enough, a kubeconfig that says `as`, and a context that leads to another cluster."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from imagepull.cli import main
from lab.lifecycle import Lab
from tests.provider.faulty_api import FaultyApi, served
from tests.pulumi_project import PulumiProject
from tests.stack.programs import SECRET_TYPE, accounts, pull_secret

Make = Callable[[str], PulumiProject]
FIXED = {"host": "ghcr.io", "username": "robot", "password": "correct-horse"}


def test_the_rights_that_rbac_prints_are_enough_and_as_is_honoured(
    lab: Lab, namespace: str, project: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    document: dict[str, Any] = yaml.safe_load(lab.kubeconfig.read_text())
    document["users"][0]["user"]["as"] = user = f"limited-{namespace}"
    limited = tmp_path / "kubeconfig"
    limited.write_text(yaml.safe_dump(document))
    stack = project(pull_secret([namespace], FIXED) + accounts([namespace]))
    stack.env["KUBECONFIG"] = str(limited)

    refused = stack.up(check=False)
    assert refused.returncode != 0
    assert f"RBAC forbids it; allow {user} to get secrets" in refused.stdout + refused.stderr

    capsys.readouterr()
    main(["rbac", "-n", namespace, "--user", user])
    manifest = capsys.readouterr().out
    subprocess.run(["kubectl", "apply", "-f", "-"], input=manifest, text=True, env=lab.env, check=True)
    stack.up()
    assert stack.resource(SECRET_TYPE)["outputs"]["clusterUid"]
    stack.refresh("--expect-no-changes")
    stack.destroy()
    assert "pull" not in lab.kubectl("get", "secrets", f"--namespace={namespace}")


def test_another_context_moves_everything_to_the_other_cluster(
    lab: Lab, namespace: str, project: Make, tmp_path: Path
) -> None:
    stack = project(pull_secret([namespace], FIXED))
    other = FaultyApi(cluster_uid="another")
    with served(other, tmp_path) as path:
        document: dict[str, Any] = yaml.safe_load(lab.kubeconfig.read_text())
        added: dict[str, Any] = yaml.safe_load(path.read_text())
        (here,) = document["contexts"]
        document["contexts"].append({**here, "name": "same"})
        for kind in ("clusters", "users", "contexts"):
            document[kind] += added[kind]
        (tmp_path / "kubeconfig").write_text(yaml.safe_dump(document))
        stack.env["KUBECONFIG"] = str(tmp_path / "kubeconfig")

        stack.pulumi("config", "set", "imagepull:context", here["name"])
        stack.up()
        uid = stack.resource(SECRET_TYPE)["outputs"]["uids"][namespace]
        stack.pulumi("config", "set", "imagepull:context", "same")
        stack.up()
        assert stack.resource(SECRET_TYPE)["outputs"]["uids"][namespace] == uid

        stack.pulumi("config", "set", "imagepull:context", "c")
        assert "replace" in stack.preview().stdout
        stack.up()
        assert [key for key in other.objects if key[0] == "secrets"] == [("secrets", namespace, "pull")]
        listed = json.loads(lab.kubectl("get", "secrets", f"--namespace={namespace}", "--output=json"))
        assert listed["items"] == []
        stack.preview("--expect-no-changes")
        stack.destroy()
        assert other.objects == {}
