"""`renewal: cronJob` on a real node: imagepull in a Pod renews, while new Pods pull all the time."""

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lab.ecr.faults import FaultMode
from lab.images import SHOP
from lab.lifecycle import Lab
from lab.python_image import python_image
from tests.pulumi_project import PulumiProject

Project = Callable[..., PulumiProject]

LIVES = int(os.environ.get("RENEWAL_LIVES", "2"))
"""Lives of a token through which Pods pull all the time."""
LIFE = 90.0
"""Seconds that a token lives: a CronJob starts once a minute at most."""
SECRET_TYPE = "imagepull:index:RegistrySecret"
ROLE = "arn:aws:iam::123456789012:role/renewer"
SECRET_KEY = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "lab"}


@dataclass(frozen=True, kw_only=True)
class Home:
    """Where the renewer runs: a namespace with a Secret that opens its image, and one with an AWS key."""

    namespace: str
    image: str


@pytest.fixture
def home(lab: Lab, namespace: str, tmp_path: Path) -> Iterator[Home]:
    lab.ecr.set_fault(FaultMode.NONE)
    image = lab.publish(python_image(), "imagepull/renewer")
    token = max(
        (one for one in lab.ecr.issued() if one.realm == SHOP.region), key=lambda one: one.expires_at
    )  # of the lab's own, which pushed the image
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"auths": {SHOP.host: {"auth": token.authorization}}}))
    lab.kubectl(
        *["create", "secret", "generic", "image", f"--namespace={namespace}"],
        *["--type=kubernetes.io/dockerconfigjson", f"--from-file=.dockerconfigjson={config}"],
    )
    literals = [f"--from-literal={name}={value}" for name, value in SECRET_KEY.items()]
    lab.kubectl("create", "secret", "generic", "aws-key", f"--namespace={namespace}", *literals)
    yield Home(namespace=namespace, image=image)
    lab.ecr.set_token_lifetime(12 * 3600)


@pytest.fixture
def shop(lab: Lab) -> Iterator[str]:
    """A namespace whose Pods pull."""
    name = f"shop-{os.urandom(3).hex()}"
    lab.kubectl("create", "namespace", name)
    lab.kubectl("wait", "--for=create", "serviceaccount/default", f"--namespace={name}", "--timeout=300s")
    yield name
    lab.kubectl("delete", "namespace", name, "--wait=false")


def program(lab: Lab, home: Home, shop: str, *, renewal: str = "cronJob", **settings: object) -> str:
    cron_job = {
        "image": home.image,
        "namespace": home.namespace,
        "schedule": "* * * * *",
        "image_pull_secrets": ["image"],
        "env": lab.pod_env,
        **settings,
    }
    arguments = {
        "registries": [{"host": SHOP.host}],
        "namespaces": [shop],
        "renewal": renewal,
        "refresh_before": "80s",
        **({"cron_job": cron_job} if renewal == "cronJob" else {}),
    }
    return f"from components import RegistryAccess\nRegistryAccess('pull', {arguments!r})\n"


def pull(lab: Lab, image: str, namespace: str, name: str) -> None:
    """Runs a Pod that pulls; raises LabError when it does not run within a minute."""
    overrides = json.dumps({"spec": {"terminationGracePeriodSeconds": 0}})
    lab.kubectl(
        *["run", name, f"--image={image}", f"--namespace={namespace}", "--image-pull-policy=Always"],
        *["--restart=Never", f"--overrides={overrides}"],
    )
    lab.kubectl("wait", "--for=condition=Ready", f"pod/{name}", f"--namespace={namespace}", "--timeout=60s")
    lab.kubectl("delete", "pod", name, f"--namespace={namespace}", "--wait=false")


def failed_pulls(lab: Lab, namespace: str) -> list[str]:
    events = json.loads(lab.kubectl("get", "events", f"--namespace={namespace}", "--output=json"))["items"]
    return [each["message"] for each in events if each["reason"] in ("Failed", "BackOff", "ErrImagePull")]


def secret(lab: Lab, namespace: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(lab.kubectl("get", "secret", "pull", "-n", namespace, "--output=json"))
    return found


@pytest.mark.timeout(300 + 2 * LIFE * LIVES)
def test_pods_pull_through_many_lives_of_a_token(lab: Lab, project: Project, home: Home, shop: str) -> None:
    stack = project(program(lab, home, shop, credentials_secret="aws-key"))
    lab.ecr.set_token_lifetime(LIFE)
    started = time.time()
    stack.up()
    uid = secret(lab, shop)["metadata"]["uid"]
    pulls = 0

    while time.time() < started + LIVES * LIFE:
        pull(lab, f"{SHOP.host}/shop/web:1.0", shop, f"pod-{pulls}")
        pulls += 1

    assert failed_pulls(lab, shop) == []
    assert pulls >= 2 * LIVES
    assert secret(lab, shop)["metadata"]["uid"] == uid
    assert len({token.password for token in lab.ecr.issued() if token.issued_at > started}) > LIVES
    stack.preview("--expect-no-changes")
    before = stack.resource(SECRET_TYPE)["outputs"]["expiresAt"]
    stack.preview("--refresh", "--expect-no-changes")
    stack.refresh()
    assert stack.resource(SECRET_TYPE)["outputs"]["expiresAt"] > before
    stack.destroy()
    kinds = "cronjob,job,role,rolebinding"
    assert lab.kubectl("get", kinds, "-n", home.namespace, "-o=name") == ""
    assert lab.kubectl("get", "secret,role,rolebinding", "-n", shop, "-o=name") == ""


def test_a_wrong_right_fails_the_up_that_made_it_and_the_next_one_mends_it(
    lab: Lab, project: Project, home: Home, shop: str
) -> None:
    stack = project(program(lab, home, shop, renewal="pulumi"))
    stack.up()
    stack.write(program(lab, home, shop, role_arn=ROLE))
    lab.ecr.set_fault(FaultMode.ACCESS_DENIED)

    failed = stack.up(check=False)

    assert failed.returncode != 0
    told = failed.stdout + failed.stderr
    assert f"registry {SHOP.host}: access denied" in told, told
    assert "allow ecr:GetAuthorizationToken" in told

    lab.ecr.set_fault(FaultMode.NONE)
    stack.up()
    call = lab.ecr.calls()[-1]
    assert call.principal.startswith("arn:aws:sts::123456789012:assumed-role/renewer/")
