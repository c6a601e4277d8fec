"""`renewal: externalSecrets` with the real operator: one source, copied."""

import base64
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from imagepull.registries import docker_config
from imagepull.registries.docker_config import Credential
from lab.ecr.faults import FaultMode
from lab.external_secrets import ExternalSecrets
from lab.lifecycle import Lab
from lab.processes import wait_until
from tests.pulumi_project import PulumiProject
from tests.stack.programs import EU, US, auths

Project = Callable[..., PulumiProject]
Namespaces = Callable[[int], list[str]]
Read = Callable[[str, str], dict[str, Any] | None]


@pytest.fixture(scope="module")
def operator(lab: Lab) -> Iterator[ExternalSecrets]:
    operator = ExternalSecrets(lab)
    operator.start()
    yield operator
    operator.stop()


def program(lab: Lab, namespaces: list[str], *, renewal: str = "externalSecrets", **settings: object) -> str:
    server = f"https://127.0.0.1:{lab.layout.ports.apiserver}"
    arguments = {
        "registries": [{"host": US}, {"host": EU}],
        "namespaces": namespaces,
        "renewal": renewal,
        "secret_name": "copied",
    }
    if renewal == "externalSecrets":
        arguments["external_secrets"] = {"server": server, **settings}
    return f"from components import RegistryAccess\nRegistryAccess('copied', {arguments!r})\n"


def uid(found: dict[str, Any] | None) -> str:
    assert found is not None
    return str(found["metadata"]["uid"])


def newest(lab: Lab, realm: str) -> str:
    return [token.password for token in lab.ecr.issued() if token.realm == realm][-1]


def force_sync(lab: Lab, kind: str, name: str, namespace: str) -> None:
    lab.kubectl("annotate", kind, name, f"--namespace={namespace}", f"force-sync={time.time()}", "--overwrite")


def test_the_life_of_copies(
    operator: ExternalSecrets, lab: Lab, project: Project, namespaces: Namespaces, secret: Read
) -> None:
    a, b, later = namespaces(3)
    stack = project(program(lab, [a, b], renewal="pulumi"))
    stack.up()
    before = uid(secret("copied", a))

    def copies(place: str) -> dict[str, Any]:
        found = secret("copied", place)
        return auths(found) if found else {}

    # A wrong right in IAM: the `up` that made it fails in our words, and the Secrets stay.
    stack.write(program(lab, [a, b], namespace_labels={"team": "x"}))
    lab.ecr.set_fault(FaultMode.ACCESS_DENIED, region="us-east-1")
    failed = stack.up(check=False)
    assert failed.returncode != 0
    assert f"registry {US}: External Secrets Operator cannot fetch the token: access denied" in failed.stdout
    assert "allow ecr:GetAuthorizationToken" in failed.stdout
    assert uid(secret("copied", a)) == before
    lab.ecr.set_fault(FaultMode.NONE)

    # From pulumi to the operator: the Secrets stay where they are.
    calls = len(lab.ecr.calls())
    stack.up()
    assert uid(secret("copied", a)) == before
    # One for each region; the operator may look at a new source twice.
    assert calls + 2 <= len(lab.ecr.calls()) <= calls + 4
    # Which of the source's first looks was copied, the operator decides; all copies become the source's text.
    assert wait_until(lambda: copies(a) == copies(b) == copies("copied-source") != {}, timeout=60)
    tokens = {host: entry["password"] for host, entry in copies(a).items()}
    issued = {token.password for token in lab.ecr.issued()}
    assert set(tokens) == {US, EU}
    assert set(tokens.values()) <= issued
    expected = docker_config.encode({host: Credential(username="AWS", password=text) for host, text in tokens.items()})
    found = secret("copied", b)
    assert found is not None
    assert base64.b64decode(found["data"][".dockerconfigjson"]) == expected
    stack.preview("--expect-no-changes")
    stack.preview("--refresh", "--expect-no-changes")

    # A namespace that Pulumi does not know.
    lab.kubectl("label", "namespace", later, "team=x")
    assert wait_until(lambda: secret("copied", later) is not None, timeout=60)
    assert len(lab.ecr.calls()) <= calls + 4, "a copy asks AWS for nothing"

    # A renewal changes the content only; refresh stays silent.
    renewals = len(lab.ecr.calls())
    force_sync(lab, "externalsecret", "copied", "copied-source")
    assert wait_until(lambda: len(lab.ecr.calls()) >= renewals + 2, timeout=60)
    # A copy that is made before the source is written has the old token until its own next look.
    assert wait_until(lambda: copies("copied-source")[US]["password"] == newest(lab, "us-east-1"), timeout=60)
    for place in (a, b, later):
        force_sync(lab, "externalsecret", "copied", place)
    assert wait_until(lambda: auths(secret("copied", a))[US]["password"] == newest(lab, "us-east-1"), timeout=60)
    assert uid(secret("copied", a)) == before
    stack.preview("--refresh", "--expect-no-changes")

    # AWS fails: the content stays.
    lab.ecr.set_fault(FaultMode.ACCESS_DENIED)
    force_sync(lab, "externalsecret", "copied", "copied-source")
    status = ["get", "externalsecret", "copied", "-n", "copied-source", "-o=jsonpath={.status.conditions[0].status}"]
    assert wait_until(lambda: lab.kubectl(*status) == "False", timeout=60)
    assert auths(secret("copied", a))[US]["password"] == newest(lab, "us-east-1")
    lab.ecr.set_fault(FaultMode.NONE)

    # A namespace that loses the label behind Pulumi's back: refresh says so, and the next `up` cleans it.
    lab.kubectl("label", "namespace", later, "team-")
    gone = ["get", "externalsecret", "copied", "-n", later, "--ignore-not-found", "-o=name"]
    assert wait_until(lambda: lab.kubectl(*gone) == "", timeout=60)
    assert "ces-" in lab.kubectl("get", "namespace", later, "-o=jsonpath={.metadata.finalizers}")
    told = stack.refresh().stdout
    assert f"namespace {later}: has lost the label by which it gets Secret copied" in told, told

    # A namespace that is taken out keeps neither the Secret nor the operator's mark, and can be deleted.
    stack.write(program(lab, [a], namespace_labels={"team": "x"}))
    stack.up()
    assert secret("copied", b) is None
    assert "ces-" not in lab.kubectl("get", "namespace", b, "-o=jsonpath={.metadata.finalizers}")
    assert secret("copied", later) is None
    lab.kubectl("delete", "namespace", b, later, "--timeout=60s")

    # And back: the Secret stays.
    stack.write(program(lab, [a], renewal="pulumi"))
    stack.up()
    assert uid(secret("copied", a)) == before
    assert lab.kubectl("get", "clusterexternalsecret,clustersecretstore", "-o=name") == ""
    stack.preview("--expect-no-changes")
    stack.destroy()
    assert secret("copied", a) is None
