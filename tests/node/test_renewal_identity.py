"""Who the renewer's Pod is for AWS on EKS: by Pod Identity, and by a role of its ServiceAccount (IRSA)."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import boto3
import pytest

from lab import pod_identity
from lab.images import SHOP
from lab.lifecycle import Lab
from lab.pod_identity import PodIdentityAgent
from lab.processes import wait_until
from tests.node.renewers import Home, program
from tests.pulumi_project import PulumiProject

RENEWER = "pull-renewal"
IRSA_ROLE = f"arn:aws:iam::{SHOP.account}:role/by-irsa"
ASSOCIATED_ROLE = f"arn:aws:iam::{SHOP.account}:role/by-pod-identity"


@pytest.fixture
def agent(lab: Lab) -> Iterator[PodIdentityAgent]:
    agent = PodIdentityAgent(lab)
    agent.start()
    yield agent
    agent.stop()


@pytest.fixture
def associated(lab: Lab, home: Home, tmp_path: Path) -> Iterator[None]:
    """EKS's webhook knows the renewer's ServiceAccount."""
    manifest = tmp_path / "webhook.json"
    objects = pod_identity.make_webhook(home.namespace, RENEWER)
    manifest.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    lab.kubectl("apply", f"--filename={manifest}")
    lab.kubectl("create", "serviceaccount", RENEWER, f"--namespace={home.namespace}")
    probe = ["run", "probe", f"--image={home.image}", f"--namespace={home.namespace}", "--dry-run=server", "-o=json"]
    account = json.dumps({"spec": {"serviceAccountName": RENEWER}})
    assert wait_until(lambda: pod_identity.VOLUME in lab.kubectl(*probe, f"--overrides={account}"), timeout=60)
    lab.kubectl("delete", "serviceaccount", RENEWER, f"--namespace={home.namespace}")
    yield
    lab.kubectl("delete", f"--filename={manifest}")


def trust(lab: Lab, role: str, subject: str) -> None:
    """Make a role in the lab's IAM that only one ServiceAccount may become."""
    env = lab.env
    iam: Any = boto3.client(
        "iam",
        region_name="us-east-1",
        endpoint_url=env["AWS_ENDPOINT_URL_STS"],
        aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
    )
    condition = {"StringEquals": {"kubernetes.default.svc:sub": subject}}
    statement = {"Effect": "Allow", "Action": "sts:AssumeRoleWithWebIdentity", "Condition": condition}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    name = role.rpartition("/")[2]
    known = [one["RoleName"] for one in iam.list_roles()["Roles"]]
    if name in known:
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=document)
    else:
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=document)


def caller(lab: Lab) -> str:
    """Whom AWS saw in the last call."""
    return lab.ecr.calls()[-1].principal


def first_pod(lab: Lab, home: Home) -> dict[str, Any]:
    """The Pod of the first Job, to be made again."""
    job = json.loads(lab.kubectl("get", "job", f"{RENEWER}-first-run", "-n", home.namespace, "--output=json"))
    spec: dict[str, Any] = job["spec"]["template"]["spec"]
    return spec


def run_renewers(lab: Lab, home: Home, folder: Path, specs: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Start a Pod for each, wait until all have failed, and answer what each printed."""
    pods = [
        {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": home.namespace}, "spec": spec}
        for name, spec in specs.items()
    ]
    manifest = folder / "pods.json"
    manifest.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": pods}))
    lab.kubectl("apply", f"--filename={manifest}")
    for name in specs:
        lab.kubectl(
            *["wait", f"pod/{name}", f"--namespace={home.namespace}"],
            *["--for=jsonpath={.status.phase}=Failed", "--timeout=60s"],
        )
    return {name: lab.kubectl("logs", name, f"--namespace={home.namespace}") for name in specs}


def test_eks_says_who_the_renewer_is(
    lab: Lab,
    agent: PodIdentityAgent,
    associated: None,
    project: Callable[..., PulumiProject],
    home: Home,
    shop: str,
    tmp_path: Path,
) -> None:
    account = f"{home.namespace}/{RENEWER}"
    agent.associations[account] = ASSOCIATED_ROLE

    # No setting says how to reach AWS: the agent does.
    stack = project(program(lab, home, shop))
    stack.up()

    assert caller(lab).startswith(f"arn:aws:sts::{SHOP.account}:assumed-role/by-pod-identity/")
    of_eks = first_pod(lab, home)

    # The role's trust names the ServiceAccount, and EKS's webhook goes by this annotation.
    agent.associations.clear()
    trust(lab, IRSA_ROLE, f"system:serviceaccount:{home.namespace}:{RENEWER}")
    stack.write(program(lab, home, shop, role_arn=IRSA_ROLE))
    stack.up()

    assert caller(lab).startswith(f"arn:aws:sts::{SHOP.account}:assumed-role/by-irsa/")
    told = json.loads(lab.kubectl("get", "serviceaccount", RENEWER, f"--namespace={home.namespace}", "--output=json"))
    assert told["metadata"]["annotations"]["eks.amazonaws.com/role-arn"] == IRSA_ROLE

    # Without the association, with a token for another audience, and of a ServiceAccount that the role does not trust.
    by_irsa = first_pod(lab, home)
    other_audience = json.loads(json.dumps(by_irsa).replace('"sts.amazonaws.com"', '"elsewhere"'))
    logs = run_renewers(lab, home, tmp_path, {"not-associated": of_eks, "other-audience": other_audience})
    trust(lab, IRSA_ROLE, f"system:serviceaccount:elsewhere:{RENEWER}")
    logs |= run_renewers(lab, home, tmp_path, {"not-trusted": by_irsa})
    for name, reason in {
        "not-associated": "the container credentials endpoint gives no credentials",
        "other-audience": "AWS does not accept the web identity token",
        "not-trusted": "access denied",
    }.items():
        assert f"registry {SHOP.host}: {reason}" in logs[name], logs[name]
