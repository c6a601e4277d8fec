"""Every way of renewal on a real node while new Pods pull all the time: through many lives of a token, and a change."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from imagepull.renewal.settings import NodeSettings
from imagepull.renewal.state import make_document
from lab.external_secrets import ExternalSecrets
from lab.images import PAUSE_REFERENCE, SHOP
from lab.lifecycle import Lab
from tests.namespaces import create_namespace
from tests.node.pulling import pulling
from tests.node.renewers import Home, program
from tests.node.test_node_credentials import ROLE, configure
from tests.pulumi_project import PulumiProject

Project = Callable[..., PulumiProject]

LIVES = int(os.environ.get("RENEWAL_LIVES", "2"))
"""Lives of a token through which Pods pull all the time."""
LIFE = float(os.environ.get("RENEWAL_LIFE", "15"))
"""Seconds that a token lives; 60 for the long form."""
WEB = f"{SHOP.host}/shop/web:1.0"
SWITCHES = {
    # Into `node` and out of it, where Pods made before the change have no Secret, and past the operator.
    "short": ("externalSecrets", "node", "pulumi"),
    # Each of the four is followed by each of the others.
    "all": (
        *("cronJob", "pulumi", "externalSecrets", "pulumi", "node", "pulumi", "cronJob", "externalSecrets"),
        *("cronJob", "node", "externalSecrets", "node", "cronJob", "pulumi"),
    ),
}


@pytest.fixture(scope="module")
def operator(lab: Lab) -> Iterator[ExternalSecrets]:
    operator = ExternalSecrets(lab)
    operator.start()
    yield operator
    operator.stop()


@pytest.fixture(scope="module")
def account_role(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A kubelet that opens images for annotated ServiceAccounts only: Pods of others need their Secret."""
    configure(lab, tmp_path_factory.mktemp("account-role"), NodeSettings(role_arn=ROLE))
    yield
    lab.restart_kubelet()


def settings_of(lab: Lab, mode: str) -> dict[str, object]:
    if mode == "externalSecrets":
        server = f"https://127.0.0.1:{lab.layout.ports.apiserver}"
        return {"external_secrets": {"server": server, "source_interval": "3s", "copy_interval": "1s"}}
    return {"node": {"role_arn": ROLE}} if mode == "node" else {}


def access(lab: Lab, mode: str, name: str, namespace: str, **more: object) -> str:
    arguments = {"registries": [{"host": SHOP.host}], "namespaces": [namespace], "renewal": mode, **more}
    return f"RegistryAccess({name!r}, {arguments | settings_of(lab, mode)!r})\n"


def written(lab: Lab, home: Home, shop: str, mode: str) -> str:
    """A program with one access, `pull`, that is renewed in this way."""
    if mode == "cronJob":
        return program(lab, home, shop, credentials_secret="aws-key")
    return "from components import RegistryAccess\n" + access(lab, mode, "pull", shop)


@pytest.mark.timeout(600)
def test_pods_pull_while_the_way_of_renewal_changes(
    lab: Lab, project: Project, home: Home, shop: str, operator: ExternalSecrets, account_role: None
) -> None:
    stack = project(written(lab, home, shop, "pulumi"))
    stack.up()
    path = SWITCHES[os.environ.get("RENEWAL_SWITCHES", "short")]

    with pulling(lab, WEB, shop) as (puller,):
        for mode in path:
            stack.write(written(lab, home, shop, mode))
            stack.up()
            puller.wait_for_more()
            there = lab.kubectl("get", "secret", "pull", "-n", shop, "--ignore-not-found", "--output=name")
            assert bool(there) == (mode != "node")

    # Access is removed: Pods that do not need it go on.
    stack.write("")
    with pulling(lab, PAUSE_REFERENCE, shop, policy="Never") as (puller,):
        stack.up()
        puller.wait_for_more()
    assert lab.kubectl("get", "secret,role,rolebinding", "-n", shop, "-o=name") == ""
    account = ["get", "serviceaccount", "default", "-n", shop]
    assert lab.kubectl(*account, "--output=jsonpath={.imagePullSecrets}") == ""
    assert lab.kubectl("get", "clusterexternalsecret,clustersecretstore", "-o=name") == ""
    assert lab.kubectl("get", "cronjob,job", "-n", home.namespace, "-o=name") == ""


@contextmanager
def renewed_in_a_loop(stack: PulumiProject) -> Iterator[list[int]]:
    """`imagepull renew` again and again while the block runs: the exit statuses."""
    file = stack.folder / "renewal.json"
    exported = stack.pulumi("stack", "export", "--show-secrets").stdout
    file.write_text(make_document(exported))
    statuses: list[int] = []
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(LIFE / 10):
            command = [sys.executable, "-m", "imagepull", "renew", str(file)]
            done = subprocess.run(command, env=stack.env, capture_output=True, text=True, check=False)
            stack.output += done.stdout + done.stderr
            statuses.append(done.returncode)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield statuses
    finally:
        ended.set()
        thread.join()


@pytest.mark.timeout(300 + 2 * LIFE * LIVES)
def test_pods_pull_through_many_lives_of_a_token_by_loop_operator_and_node(
    lab: Lab, project: Project, operator: ExternalSecrets, account_role: None, namespace: str
) -> None:
    places = {mode: f"{namespace}-{mode.lower()}" for mode in ("external", "externalSecrets", "node")}
    for place in places.values():
        create_namespace(lab, place)
    stack = project(
        "from components import RegistryAccess\n"
        + access(lab, "external", "loop", places["external"], refresh_before=f"{LIFE * 0.8:.0f}s")
        + access(lab, "externalSecrets", "copied", places["externalSecrets"])
        + access(lab, "node", "by-node", places["node"])
    )
    lab.ecr.set_token_lifetime(LIFE)
    try:
        started = time.time()
        stack.up()
        with renewed_in_a_loop(stack) as statuses, pulling(lab, WEB, *places.values()) as pullers:
            while time.time() < started + (LIVES + 0.5) * LIFE:
                pullers[0].wait_for_more(1)
            for each in pullers:
                each.wait_for_more()
    finally:
        lab.ecr.set_token_lifetime(12 * 3600)
    assert set(statuses) == {0}, stack.output
    ours = [token for token in lab.ecr.issued() if token.issued_at > started]
    assert min(token.expires_at for token in ours) < time.time() - LIVES * LIFE + LIFE, "the first are long dead"
