"""What tenants do to Secrets, with the real CLI: what is believed, what of others stays, who is held up by whom."""

import base64
import json
import subprocess
from collections.abc import Callable, Mapping
from typing import Any

from lab.ecr.faults import FaultMode
from lab.lifecycle import Lab
from tests.pulumi_project import PulumiProject
from tests.stack.programs import US, auths, pull_secret

Project = Callable[..., PulumiProject]
Namespaces = Callable[[int], list[str]]
Read = Callable[[str, str], dict[str, Any] | None]

CONFIG = ".dockerconfigjson"
TYPE = "kubernetes.io/dockerconfigjson"
EVIL = base64.b64encode(b"AWS:evil").decode()
FOREVER = "9999-01-01T00:00:00Z"
OTHER_ENTRY = {"auth": base64.b64encode(b"u:p").decode()}
OTHERS = {
    "auths": {"other.example.com": OTHER_ENTRY, "broken.example.com": {"auth": 5}},
    "credHelpers": {"gcr.io": "gcloud"},
    "HttpHeaders": {"X-Team": "shop"},
}


def kubectl(lab: Lab, *arguments: str, document: Mapping[str, object]) -> None:
    """kubectl with a document on its standard input."""
    subprocess.run(
        ["kubectl", *arguments, "--filename=-"], input=json.dumps(document), text=True, env=lab.env, check=True,
        capture_output=True,
    )  # fmt: skip


def make_secret(namespace: str, config: object, *, kind: str = TYPE, **metadata: object) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": kind,
        "metadata": {"name": "pull", "namespace": namespace, **metadata},
        "data": {CONFIG: base64.b64encode(json.dumps(config).encode()).decode()},
    }


def read_config(secret: dict[str, Any] | None) -> dict[str, Any]:
    assert secret is not None
    found: dict[str, Any] = json.loads(base64.b64decode(secret["data"][CONFIG]))
    return found


def forge(secret: dict[str, Any] | None, namespace: str) -> dict[str, Any]:
    """A copy with a tenant's credential that claims to live for ever; every mark of ours is on it."""
    assert secret is not None
    metadata = {key: secret["metadata"][key] for key in ("labels", "annotations")}
    notes = json.loads(metadata["annotations"]["imagepull/hosts"])
    notes[US] |= {"expires": FOREVER}
    metadata["annotations"] |= {"imagepull/hosts": json.dumps(notes), "imagepull/expires-at": FOREVER}
    return make_secret(namespace, {"auths": {US: {"auth": EVIL}}}, **metadata)


def test_tenants_steer_only_their_own_secret_and_keep_what_is_theirs(
    lab: Lab, project: Project, namespaces: Namespaces, secret: Read
) -> None:
    good, stripped, foreign, helm, immutable, opaque, outside = names = namespaces(7)
    theirs = make_secret(helm, OTHERS, labels={"app.kubernetes.io/managed-by": "Helm", "team": "shop"})
    theirs["data"]["other.txt"] = base64.b64encode(b"kept").decode()
    kubectl(lab, "create", document=theirs)
    stack = project(pull_secret(names[:-1], adopt=True))

    printed = stack.up().stdout
    assert f"Secret pull in namespace {helm}: " in printed
    assert "broken.example.com" in printed
    adopted = secret("pull", helm)
    assert_keeps_others(adopted)
    assert set(auths(adopted)) == {US, "other.example.com"}
    assert adopted is not None
    assert adopted["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "imagepull"

    token, uids = auths(secret("pull", good))[US], stack.outputs()["uids"]
    kubectl(lab, "create", document=forge(secret("pull", good), outside))
    kubectl(lab, "replace", document=forge(secret("pull", foreign), foreign))
    lab.kubectl("annotate", "secret", "pull", f"--namespace={stripped}", "imagepull/hosts-", "imagepull/expires-at-")
    lab.kubectl("patch", "secret", "pull", f"--namespace={immutable}", '--patch={"immutable": true}')
    lab.kubectl("delete", "secret", "pull", f"--namespace={opaque}")
    kubectl(lab, "create", document=make_secret(opaque, {}, kind="Opaque"))

    printed = stack.refresh().stdout
    assert f"Secret pull in namespace {stripped}: how long its token of {US} lives is not known" in printed
    assert f"Secret pull in namespace {foreign}: the token of {US} in it was changed" in printed

    lab.ecr.set_fault(FaultMode.THROTTLED)
    printed = stack.up(check=False).stdout
    assert "its earlier token stays" in printed
    assert f"namespace {opaque}: Secret pull is of type Opaque, which cannot change" in printed
    for namespace in (good, stripped, foreign, helm):
        assert auths(secret("pull", namespace))[US] == token
        assert (secret("pull", namespace) or {})["metadata"]["uid"] == uids[namespace]
    assert auths(secret("pull", outside))[US]["auth"] == EVIL
    assert FOREVER[:4] not in str(stack.resources())

    lab.ecr.set_fault(FaultMode.NONE)
    stack.write(pull_secret(names[:-1], adopt=True, refresh_before="13h"))  # a renewal is due
    renewed = stack.up(check=False)
    assert renewed.returncode != 0
    assert f"namespace {immutable}: Secret pull is immutable; delete it, or choose another name" in renewed.stdout
    assert auths(secret("pull", good))[US] != token
    assert auths(secret("pull", immutable))[US] == token

    stack.destroy(check=False)
    released = secret("pull", helm)
    assert_keeps_others(released)
    assert set(auths(released)) == {"other.example.com"}
    assert (released or {})["metadata"]["labels"] == {"app.kubernetes.io/managed-by": "Helm", "team": "shop"}
    assert secret("pull", good) is None


def assert_keeps_others(secret: dict[str, Any] | None) -> None:
    config = read_config(secret)
    assert config["auths"]["other.example.com"] == OTHER_ENTRY
    assert {key: config[key] for key in ("credHelpers", "HttpHeaders")} == {
        key: OTHERS[key] for key in ("credHelpers", "HttpHeaders")
    }
    assert (secret or {})["data"]["other.txt"] == base64.b64encode(b"kept").decode()
