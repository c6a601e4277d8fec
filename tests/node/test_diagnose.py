"""`imagepull diagnose` and `dump` on a real kubelet: Pods that fail, each for another cause, all at once."""

import datetime
import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from imagepull.registries.ecr_tokens import Principal, TokenRequest, ask_aws
from lab.ecr.config import EcrConfig
from lab.images import SHOP, WEB, Repository
from lab.layout import CHECKOUT
from lab.lifecycle import Lab
from lab.processes import wait_until
from lab.publish import publish
from tests.node.failing_pods import (
    CACHED,
    CONTAINERS,
    HUNG,
    OTHER_ACCOUNT,
    OTHER_REGION,
    PASSWORDS,
    WANTED,
    FailingPods,
)
from tests.node.faulty_registries import Registry, Server, certificate, hosts_toml
from tests.secrecy import found_in

PATIENCE = 240.0
"""Seconds until the kubelet has tried everything once; on an idle machine 30."""
LATER = Repository(registry=SHOP, name="diagnose/later", script=WEB, tags=("1",))
PUBLISHED_LATER = LATER.reference("1")
VERIFIED = {
    "tag-in-ecr": "tag-absent",
    "repository-in-ecr": "repository-absent",
    "tag-in-registry": "tag-absent",
    "published-later": "image-there-now",
}
"""Containers with an image that is not there, and the code that the registry's own answer gives."""
Answers = dict[str, dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class Failing:
    """A namespace in which Pods fail, and what was printed of it.

    Attributes:
        password: what ECR issued for the Secrets.
        live, dumped: answers of the cluster, and of the dump.
        verified: answers of `--verify`, after an image was published.
        withheld: answers to somebody who may not read Secrets.
        renewed: answers after the Secret with the expired token was renewed.
    """

    namespace: str
    password: str
    live: Answers
    dump: str
    dumped: Answers
    verified: Answers
    withheld: Answers
    renewed: Answers


@pytest.fixture(scope="module")
def registries(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Servers that fail, and the node's way to them."""
    folder = tmp_path_factory.mktemp("certificates")
    own = certificate(folder / "own.pem", "127.0.0.1")
    named = certificate(folder / "named.pem", "another.test")
    old = certificate(folder / "old.pem", "127.0.0.1", expired=True)
    plain, unknown, wrong, expired = servers = Server(), Server(own), Server(named), Server(old)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        refused = unused.getsockname()[1]
        unknown_at, plain_at = unknown.server_address[1], plain.server_address[1]
        hosts = ("plain.test", "docker.io", "harbor.test", "denied.test", OTHER_ACCOUNT, OTHER_REGION)
        ways = {
            **dict.fromkeys(hosts, hosts_toml(f"http://127.0.0.1:{plain_at}")),
            "refused.test": hosts_toml(f"http://127.0.0.1:{refused}"),
            "http.test": hosts_toml(f"https://127.0.0.1:{plain_at}"),
            "https.test": hosts_toml(f"http://127.0.0.1:{unknown_at}"),
            "unknown-ca.test": hosts_toml(f"https://127.0.0.1:{unknown_at}"),
            "wrong-name.test": hosts_toml(f"https://127.0.0.1:{wrong.server_address[1]}", named),
            "expired.test": hosts_toml(f"https://127.0.0.1:{expired.server_address[1]}", old),
            "nx.test": hosts_toml("http://nobody.invalid"),
        }
        node = lab.layout.folder / "node" / "registries"
        Registry.released = threading.Event()
        for host, text in ways.items():
            (node / host).mkdir()
            (node / host / "hosts.toml").write_text(text)
        yield
    Registry.released.set()
    for host in ways:
        (node / host / "hosts.toml").unlink()
        (node / host).rmdir()
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def failing(lab: Lab, registries: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Failing]:
    folder = tmp_path_factory.mktemp("diagnose")
    here, other = "diagnose", "diagnose-other"
    password = live_password(lab)
    objects = FailingPods(password, f"127.0.0.1:{lab.layout.ports.registries[SHOP.host]}", PUBLISHED_LATER)
    for namespace in (here, other):
        lab.kubectl("create", "namespace", namespace)
    apply(lab, folder, other, objects.of_the_other_namespace())
    apply(lab, folder, here, objects.secrets_and_accounts())
    apply(lab, folder, here, list(objects.pods()))
    patch = '--patch={"imagePullSecrets":[{"name":"good"}]}'
    lab.kubectl("patch", "serviceaccount", "late", f"--namespace={here}", patch)
    assert wait_until(lambda: CACHED in images_of_the_node(lab), timeout=PATIENCE, pause=1)
    apply(lab, folder, here, objects.later())
    assert wait_until(lambda: not untried(lab, here), timeout=PATIENCE, pause=1), untried(lab, here)
    live = answers(imagepull(lab, "diagnose", "-n", here, "--json"))
    live |= answers(imagepull(lab, "diagnose", "-n", here, "--json", "exec"))
    dump = imagepull(lab, "dump", "-n", here).stdout + imagepull(lab, "dump", "-n", here, "exec").stdout
    file = folder / "case.jsonl"
    file.write_text(a_minute_later(dump))
    dumped = answers(imagepull(lab, "diagnose", "--file", str(file), "--json"))
    with lab.hold_kubelet():  # else it would try again and succeed
        publish(EcrConfig.read(lab.layout.folder / "ecr.json"), (LATER,))
        verified = answers(imagepull(lab, "diagnose", "-n", here, "--json", "--verify"))
        yield Failing(
            namespace=here,
            password=password,
            live=live,
            dump=dump,
            dumped=dumped,
            verified=verified,
            withheld=read_without_secrets(lab, here, folder),
            renewed=renew_until_told(lab, folder, here, objects),
        )
    for namespace in (here, other):
        lab.kubectl("delete", "namespace", namespace, "--wait=false")


def read_without_secrets(lab: Lab, namespace: str, folder: Path) -> Answers:
    """The answers to a ServiceAccount that may read Pods, Events and ServiceAccounts only."""
    here = f"--namespace={namespace}"
    lab.kubectl("create", "role", "looks", "--verb=list,get", "--resource=pods,events,serviceaccounts", here)
    lab.kubectl("create", "rolebinding", "looks", "--role=looks", f"--serviceaccount={namespace}:alone", here)
    config = yaml.safe_load(lab.kubeconfig.read_text())
    token = lab.kubectl("create", "token", "alone", here).strip()
    config["users"] = [{"name": user["name"], "user": {"token": token}} for user in config["users"]]
    file = folder / "kubeconfig"
    file.write_text(yaml.safe_dump(config))
    return answers(imagepull(lab, "diagnose", "-n", namespace, "--json", KUBECONFIG=str(file)))


def renew_until_told(lab: Lab, folder: Path, namespace: str, objects: FailingPods) -> Answers:
    """The answers after a renewal: times have whole seconds, so one in the second of the last attempt is not later."""
    found: Answers = {}
    for times in range(10):
        apply(lab, folder, namespace, objects.renewed(times))
        found = answers(imagepull(lab, "diagnose", "-n", namespace, "--json"))
        if found["token-expired"]["code"] == "fixed-since":
            break
    return found


def live_password(lab: Lab) -> str:
    with pytest.MonkeyPatch.context() as environment:
        for name, value in lab.env.items():
            if name.startswith("AWS_"):
                environment.setenv(name, value)
        return ask_aws(TokenRequest(principal=Principal(), region=SHOP.region, public=False)).credential.password


def apply(lab: Lab, folder: Path, namespace: str, objects: Sequence[dict[str, Any]]) -> None:
    file = folder / "objects.json"
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    lab.kubectl("apply", f"--namespace={namespace}", f"--filename={file}", "--server-side", "--force-conflicts")


def images_of_the_node(lab: Lab) -> str:
    return lab.kubectl("get", "nodes", "--output=jsonpath={.items[*].status.images[*].names}")


def untried(lab: Lab, namespace: str) -> list[str]:
    """The containers that the kubelet has still to try: whose image it has neither got nor failed to get."""
    pods = json.loads(lab.kubectl("get", "pods", f"--namespace={namespace}", "--output=json"))["items"]
    states = {
        status["name"]: status
        for pod in pods
        for kind in ("initContainerStatuses", "containerStatuses")
        for status in pod["status"].get(kind, [])
    }
    return [name for name in {*WANTED, *CONTAINERS, *VERIFIED} - {HUNG} if not _tried(states.get(name, {}))]


def _tried(status: dict[str, Any]) -> bool:
    waits = status.get("state", {}).get("waiting", {}).get("reason", "ContainerCreating")
    ended = "terminated" in status.get("lastState", {}) or "terminated" in status.get("state", {})
    return ended or waits not in ("ContainerCreating", "PodInitializing")


def imagepull(lab: Lab, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "imagepull", *arguments]
    environment = {**os.environ, **lab.env, "PYTHONPATH": str(CHECKOUT), **env}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done


def answers(done: subprocess.CompletedProcess[str]) -> Answers:
    """By container."""
    found = {answer["container"]: answer for answer in map(json.loads, done.stdout.splitlines())}
    assert done.returncode == (1 if found else 0)
    return found


def a_minute_later(dump: str) -> str:
    """The same Pods, read a minute later: a pull that hangs is told of after that."""
    rows = [json.loads(line) for line in dump.splitlines()]
    for row in rows:
        read_at = datetime.datetime.fromisoformat(row["captured_at"])
        row["captured_at"] = (read_at + datetime.timedelta(seconds=61)).isoformat()
    return "\n".join(map(json.dumps, rows))


def test_forty_causes_are_named(failing: Failing) -> None:
    assert len(WANTED) >= 40
    found = {code: failing.live.get(code, {}).get("code") for code in WANTED - {HUNG}}
    assert found == {code: code for code in WANTED - {HUNG}}
    assert failing.dumped[HUNG]["code"] == HUNG


def test_containers_of_every_sort_have_their_own_answer(failing: Failing) -> None:
    assert {name: failing.live[name]["code"] for name in CONTAINERS} == CONTAINERS
    assert failing.live["in-volume"]["image"] == "plain.test/absent/volume:1"


def test_a_dump_is_diagnosed_as_the_cluster_itself(failing: Failing) -> None:
    def told(found: Answers) -> dict[str, tuple[object, ...]]:
        return {
            name: (each["pod"], each["image"], each["code"], each["confidence"])
            for name, each in found.items()
            if name != HUNG
        }

    assert told(failing.dumped) == told(failing.live)


def test_neither_answers_nor_dump_hold_a_token_or_password(lab: Lab, failing: Failing) -> None:
    issued = [("AWS", failing.password), *(("AWS", each.password) for each in lab.ecr.issued())]
    secrets = [(password, user) for user, password in (*issued, *PASSWORDS, ("admin", failing.password))]
    printed = failing.dump + json.dumps(list(failing.live.values()))
    assert failing.password.encode() not in printed.encode()
    assert found_in(printed.encode(), secrets) == []


def test_a_secret_renewed_since_the_last_attempt_is_told(failing: Failing) -> None:
    found = failing.renewed["token-expired"]
    assert (found["code"], found["confidence"]) == ("fixed-since", "likely")


def test_verify_asks_ecr_and_registries_what_is_there(failing: Failing) -> None:
    assert {name: failing.live[name]["code"] for name in VERIFIED} == dict.fromkeys(VERIFIED, "image-absent")
    found = {name: failing.verified[name] for name in VERIFIED}
    assert {name: answer["code"] for name, answer in found.items()} == VERIFIED
    sure = {name: answer["confidence"] for name, answer in found.items()}
    assert sure == {**dict.fromkeys(VERIFIED, "certain"), "published-later": "likely"}
    assert "(there are: 1." in found["tag-in-ecr"]["fix"]
    assert "(there are: 1." in found["tag-in-registry"]["fix"]
    assert "shop/web" in found["repository-in-ecr"]["fix"]


def test_with_secrets_withheld_answers_are_weaker_and_never_wrong(failing: Failing) -> None:
    found = {name: answer for name, answer in failing.withheld.items() if name in WANTED}
    surely = {name: answer["code"] for name, answer in found.items() if answer["confidence"] == "certain"}
    assert surely == {name: name for name in surely}
    fitting = {name for name, answer in found.items() if name in (answer["code"], *answer["alternatives"])}
    assert fitting >= WANTED - {HUNG, "wrong-platform-exec"}
    assert found["key-port-mismatch"]["code"] == "secrets-withheld"
