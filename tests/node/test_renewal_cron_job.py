"""`renewal: cronJob` on a real node: imagepull in a Pod renews, while new Pods pull all the time."""

import json
import os
import time
from collections.abc import Callable
from typing import Any

import pytest

from lab.ecr.faults import FaultMode
from lab.images import SHOP
from lab.lifecycle import Lab
from tests.node.pulling import failed_pulls, pull
from tests.node.renewers import Home, program
from tests.pulumi_project import PulumiProject

Project = Callable[..., PulumiProject]

LIVES = float(os.environ.get("RENEWAL_LIVES", "1.1"))
"""Lives of a token through which Pods pull all the time: more than one, so that the first is dead meanwhile."""
LIFE = 150.0
"""Seconds that a token lives: a CronJob starts once a minute at most, and on a busy machine half a minute late."""
SECRET_TYPE = "imagepull:index:RegistrySecret"
ROLE = "arn:aws:iam::123456789012:role/renewer"


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
