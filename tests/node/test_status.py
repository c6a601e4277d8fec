"""`imagepull status` and `report` on a real cluster: what runs, waits and will fail, and whose tokens are needed."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from imagepull.images.reference import parse
from lab.images import SHOP
from lab.layout import CHECKOUT
from lab.lifecycle import Lab
from lab.processes import wait_until
from tests.pulumi_project import STACK, PulumiProject
from tests.secrecy import found_in

Make = Callable[..., PulumiProject]

PROGRAM = """
import pulumi
from components import Deployment, RegistryAccess, image_pull_plan

access = RegistryAccess("registries", registries=[{{"host": "{host}"}}], namespaces=["{namespace}"])
web = Deployment(
    "web", image="{image}", port=8080, access=access, namespace="{namespace}", metadata={{"name": "web"}}
)
pulumi.export("imagePullPlan", image_pull_plan(web, access=[access]))
"""


def manifests(namespace: str, image: str) -> str:
    """Beside what Pulumi makes: a Pod whose tag is not there, and a Deployment whose ServiceAccount has no Secret."""
    typo = {"containers": [{"name": "app", "image": f"{parse(image).repository}:typo"}]}
    lonely = {"serviceAccountName": "lonely", "containers": [{"name": "app", "image": image}]}
    labels = {"app": "lonely"}
    template = {"metadata": {"labels": labels}, "spec": lonely}
    metadata = {"namespace": namespace}
    return "\n---\n".join(
        json.dumps(each)
        for each in (
            {"apiVersion": "v1", "kind": "Pod", "metadata": {**metadata, "name": "typo"}, "spec": typo},
            {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {**metadata, "name": "lonely"}},
            {
                "apiVersion": "apps/v1",
                "kind": "Deployment",
                "metadata": {**metadata, "name": "lonely"},
                "spec": {"replicas": 0, "selector": {"matchLabels": labels}, "template": template},
            },
        )
    )


def imagepull(lab: Lab, *arguments: str, folder: Path = CHECKOUT, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "imagepull", *arguments]
    environment = {**os.environ, **lab.env, "PYTHONPATH": str(CHECKOUT), **env}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def status(lab: Lab, *arguments: str) -> dict[str, Any]:
    done = imagepull(lab, "status", "--json", *arguments)
    assert done.stderr == ""
    found: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (1 if found["willFail"] else 0)
    return found


def by_workload(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {pull["workload"]: pull for pull in found["pulls"]}


def test_what_runs_waits_and_will_fail(lab: Lab, project: Make, namespace: str, image: str, tmp_path: Path) -> None:
    stack = project(PROGRAM.format(host=SHOP.host, namespace=namespace, image=image))
    stack.up()
    subprocess.run(
        ["kubectl", "apply", "--filename=-"],
        input=manifests(namespace, image), env=lab.env, text=True, capture_output=True, check=True,
    )  # fmt: skip
    here = f"--namespace={namespace}"

    def now() -> dict[str, Any]:
        return by_workload(status(lab, here))

    assert wait_until(lambda: now()["Pod/typo"]["outcome"] == "fails now", timeout=60, pause=1)
    found = now()
    assert (found["Pod/typo"]["code"], found["Pod/typo"]["secret"]) == ("image-absent", "registries")
    lonely = found["Deployment/lonely"]
    assert (lonely["outcome"], lonely["code"]) == ("fails at next start", "pod-other-serviceaccount")
    assert "registries" in lonely["cause"]
    web = found["Deployment/web"]
    assert (web["outcome"], web["openedBy"], web["entry"]) == ("fine", "Secret", SHOP.host)
    assert web["owner"].endswith("/registries")
    assert web["newPods"]
    assert len(web["pods"]) == 1

    soon = by_workload(status(lab, here, "--within", "13h"))["Deployment/web"]
    assert (soon["outcome"], soon["failsAt"]) == ("fails soon", web["expires"])
    assert "pulumi up" in soon["fix"]

    of_stack = imagepull(lab, "status", "--stack", STACK, folder=stack.folder, **stack.env)
    assert of_stack.stdout.startswith("The image pull in stack "), of_stack.stderr
    assert of_stack.returncode == 0

    metrics = imagepull(lab, "status", here, "--metrics").stdout
    assert f'namespace="{namespace}",secret="registries",host="{SHOP.host}"' in metrics

    page = tmp_path / "report.html"
    done = imagepull(lab, "report", here, "--html", str(page))
    assert (done.returncode, done.stdout) == (1, "")
    assert "Deployment/lonely" in page.read_text()
    tokens = [(token.password, "AWS") for token in lab.ecr.issued()]
    assert found_in(page.read_bytes() + json.dumps(found).encode() + metrics.encode(), tokens) == []


def test_what_may_not_be_read_is_said_and_not_taken_to_be_absent(lab: Lab, namespace: str, image: str) -> None:
    lab.kubectl("create", "role", "looks", "--verb=list", "--resource=pods", f"--namespace={namespace}")
    lab.kubectl(
        "create", "rolebinding", "looks", "--role=looks", f"--serviceaccount={namespace}:default", f"-n={namespace}"
    )
    lab.kubectl("run", "web", f"--image={image}", f"--namespace={namespace}")
    token = lab.kubectl("create", "token", "default", f"--namespace={namespace}").strip()
    import yaml

    config = yaml.safe_load(lab.kubeconfig.read_text())
    config["users"] = [{"name": user["name"], "user": {"token": token}} for user in config["users"]]
    file = lab.layout.folder / f"{namespace}.kubeconfig"
    file.write_text(yaml.safe_dump(config))
    done = imagepull(lab, "status", "--json", f"--namespace={namespace}", KUBECONFIG=str(file))
    found = json.loads(done.stdout)
    assert {pull["outcome"] for pull in found["pulls"]} <= {"unknown", "fails now"}, json.dumps(found["pulls"])
    assert {limit.split(" ")[0] for limit in found["limits"]} >= {"Secrets", "ServiceAccounts", "Nodes", "Deployments"}


def test_a_cluster_that_is_not_there_is_one_sentence_and_exit_status_2(lab: Lab) -> None:
    done = imagepull(lab, "status", KUBECONFIG="/nowhere")
    assert done.returncode == 2
    assert done.stderr.startswith("error: kubeconfig: there is no file /nowhere")
    assert "Traceback" not in done.stderr
    done = imagepull(lab, "status", "--within", "tomorrow")
    assert done.returncode == 2
    assert "--within: is 'tomorrow'; write a duration such as" in done.stderr
