"""The kubelet opens ECR images itself, with the real ecr-credential-provider: by the node's role, or an account's.

What a cloud's machine has, the lab's kubelet has in its environment: the address of AWS and the node's own key.
"""

import json
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from imagepull.cli import main
from imagepull.renewal import node
from imagepull.renewal.settings import NodeSettings
from lab.ecr.calls import Call
from lab.ecr.faults import FaultMode
from lab.images import SHOP
from lab.lifecycle import Lab
from lab.processes import wait_until
from lab.toolchain import build
from tests.pulumi_project import PulumiProject

ROLE = f"arn:aws:iam::{SHOP.account}:role/puller"
# What an EC2 machine tells its programs; the kubelet and its plugins are such.
MACHINE = (
    "AWS_ENDPOINT_URL_ECR",
    "AWS_ENDPOINT_URL_STS",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_REGION",
    "AWS_EC2_METADATA_DISABLED",
)
Start = Callable[..., str]


def configure(lab: Lab, folder: Path, settings: NodeSettings) -> None:
    """Do on the node what the documentation says."""
    plugin = build.provide([node.PLUGIN])[node.PLUGIN]
    file = folder / "credential-provider.yaml"
    file.write_text(node.make_credential_provider_config([SHOP.host], settings))
    lab.restart_kubelet(
        f"--image-credential-provider-config={file}",
        f"--image-credential-provider-bin-dir={plugin.parent}",
        env={name: lab.env[name] for name in MACHINE},
    )


@pytest.fixture(scope="module")
def node_role(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    configure(lab, tmp_path_factory.mktemp("node-role"), NodeSettings())
    yield
    lab.restart_kubelet()


@pytest.fixture(scope="module")
def account_role(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("account-role")
    configure(lab, folder, NodeSettings(role_arn=ROLE))
    yield folder
    lab.restart_kubelet()


@pytest.fixture
def start(lab: Lab, namespace: str, tmp_path: Path) -> Start:
    """Start a Pod without any Secret; answers its name."""

    def start(image: str, *, policy: str = "Always", where: str = namespace, account: str = "default") -> str:
        name = f"pod-{secrets.token_hex(3)}"
        manifest = tmp_path / f"{name}.yaml"
        container = {"name": "web", "image": image, "imagePullPolicy": policy}
        spec = {"serviceAccountName": account, "containers": [container]}
        manifest.write_text(
            json.dumps(
                {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": where}, "spec": spec}
            )
        )
        lab.kubectl("apply", f"--filename={manifest}")
        return name

    return start


def wait_running(lab: Lab, namespace: str, name: str) -> None:
    lab.kubectl("wait", f"--namespace={namespace}", "--for=condition=Ready", f"pod/{name}", "--timeout=60s")


def refused(lab: Lab, namespace: str, name: str) -> str:
    """The kubelet's message once it could not pull."""
    found: list[str] = []

    def told() -> bool:
        pod = json.loads(lab.kubectl("get", "pod", name, f"--namespace={namespace}", "--output=json"))
        states = [one["state"].get("waiting", {}) for one in pod["status"].get("containerStatuses", [])]
        found[:] = [one["message"] for one in states if one.get("reason") == "ErrImagePull"]
        return bool(found)

    assert wait_until(told, timeout=60, pause=0.2)
    return found[0]


def new_calls(lab: Lab, before: int) -> list[Call]:
    return lab.ecr.calls()[before:]


def test_the_nodes_role_opens_images_in_every_namespace_with_one_call(
    lab: Lab, node_role: None, namespace: str, image: str, start: Start
) -> None:
    before = len(lab.ecr.calls())
    other = f"{namespace}-other"
    lab.kubectl("create", "namespace", other)
    lab.kubectl("wait", "--for=create", "serviceaccount/default", f"--namespace={other}", "--timeout=60s")

    for where in (namespace, other):
        wait_running(lab, where, start(image, where=where))

    secrets_there = lab.kubectl("get", "secrets", f"--namespace={namespace}", "--output=name")
    assert secrets_there == ""
    # The image fixture's own push is not the node's.
    calls = [call for call in new_calls(lab, before) if "lab-publisher" not in call.principal]
    assert len(calls) <= 1  # none when an earlier test's answer is still good
    lab.kubectl("delete", "namespace", other, "--wait=false")


def test_while_aws_is_down_the_answer_that_is_kept_opens_new_images(
    lab: Lab, node_role: None, namespace: str, image: str, start: Start
) -> None:
    wait_running(lab, namespace, start(image))
    lab.ecr.set_fault(FaultMode.DOWN)
    before = len(lab.ecr.calls())
    try:
        wait_running(lab, namespace, start(image))
    finally:
        lab.ecr.set_fault(FaultMode.NONE)
    assert new_calls(lab, before) == []


def status_of(lab: Lab, namespace: str, name: str, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What `imagepull status` says of a Pod."""
    capsys.readouterr()
    main(["status", "--json", f"--namespace={namespace}", f"--kubeconfig={lab.kubeconfig}"])
    pulls: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["pulls"]
    (found,) = [pull for pull in pulls if name in pull["pods"]]
    return found


def annotate(lab: Lab, namespace: str, role: str = ROLE) -> None:
    lab.kubectl("annotate", "serviceaccount", "default", f"--namespace={namespace}", f"{node.ROLE_ANNOTATION}={role}")


def test_a_service_accounts_role_needs_the_right_to_its_audience(
    lab: Lab, account_role: Path, namespace: str, image: str, start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    lab.run("kubectl", "delete", "clusterrole,clusterrolebinding", "imagepull-node-token-audience", check=False)
    annotate(lab, namespace)
    before = len(lab.ecr.calls())
    alone = start(image)
    assert "401 Unauthorized" in refused(lab, namespace, alone)
    found = status_of(lab, namespace, alone, capsys)
    assert (found["outcome"], found["code"]) == ("fails now", "node-audience-missing")
    assert f"--role-arn {ROLE} --rights" in found["fix"]

    manifest = account_role / "rights.yaml"
    manifest.write_text(yaml.safe_dump_all(node.make_audience_rights()))
    lab.kubectl("apply", f"--filename={manifest}")
    granted = start(image)
    wait_running(lab, namespace, granted)
    found = status_of(lab, namespace, granted, capsys)
    assert (found["outcome"], found["openedBy"], found["owner"]) == ("fine", "node", ROLE)

    (call,) = [call for call in new_calls(lab, before) if "lab-publisher" not in call.principal]
    assert call.principal.startswith(f"arn:aws:sts::{SHOP.account}:assumed-role/puller/")


def test_without_the_annotation_a_pod_does_not_get_what_others_have_pulled(
    lab: Lab, account_role: Path, namespace: str, image: str, start: Start
) -> None:
    manifest = account_role / "rights.yaml"
    manifest.write_text(yaml.safe_dump_all(node.make_audience_rights()))
    lab.kubectl("apply", f"--filename={manifest}")
    annotate(lab, namespace)
    wait_running(lab, namespace, start(image))
    lab.kubectl("create", "serviceaccount", "stranger", f"--namespace={namespace}")

    assert "401 Unauthorized" in refused(lab, namespace, start(image, policy="IfNotPresent", account="stranger"))


PROGRAM = """
import pulumi
from components import Pod, RegistryAccess, image_pull_plan

access = RegistryAccess(
    "registries",
    registries=[{{"host": "{host}"}}],
    namespaces=["{namespace}"],
    renewal="node",
    node={{"role_arn": "{role}"}},
)
web = Pod(
    "web",
    access=access,
    image="{image}",
    metadata={{"namespace": "{namespace}", "name": "web"}},
    opts=pulumi.ResourceOptions(depends_on=[access]),
)
pulumi.export("config", access.credential_provider_config)
pulumi.export("plan", image_pull_plan(web, access=[access]))
"""


def test_one_up_gives_pods_access_without_a_secret(
    lab: Lab, account_role: Path, namespace: str, image: str, project: Callable[..., PulumiProject]
) -> None:
    lab.run("kubectl", "delete", "clusterrole,clusterrolebinding", "imagepull-node-token-audience", check=False)
    former = f"arn:aws:iam::{SHOP.account}:role/former"
    annotate(lab, namespace, former)
    made = project(PROGRAM.format(host=SHOP.host, namespace=namespace, role=ROLE, image=image))

    made.up()

    assert (
        lab.kubectl("get", "pod", "web", f"--namespace={namespace}", "--output=jsonpath={.status.phase}") == "Running"
    )
    assert lab.kubectl("get", "secrets", f"--namespace={namespace}", "--output=name") == ""
    assert "the node" in made.output
    made.destroy()
    account = json.loads(lab.kubectl("get", "serviceaccount", "default", f"--namespace={namespace}", "--output=json"))
    assert account["metadata"]["annotations"] == {node.ROLE_ANNOTATION: former}
