"""`imagepull renew` against a real API server: the state of a stack says what, the cluster keeps the rest."""

import base64
import json
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import pytest

from imagepull.renewal.state import make_document
from lab.ecr.faults import FaultMode
from lab.lifecycle import Lab
from tests.pulumi_project import PulumiProject
from tests.stack.programs import EU, US, auths, pull_secret

Project = Callable[..., PulumiProject]
Namespaces = Callable[[int], list[str]]
Read = Callable[[str, str], dict[str, Any] | None]


def renew(stack: PulumiProject, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    """Runs `imagepull renew` in the folder of the project; what it prints counts as output of the project."""
    done = subprocess.run(
        [sys.executable, "-m", "imagepull", "renew", *arguments],
        cwd=stack.folder,
        env={**stack.env, **env},
        capture_output=True,
        text=True,
        check=False,
    )
    stack.output += done.stdout + done.stderr
    return done


def renew_once_due(stack: PulumiProject) -> str:
    """Runs `imagepull renew` until something was due and renewed; what it printed then."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        done = renew(stack)
        assert done.returncode == 0, done.stderr
        if "renewed in" in done.stdout:
            return done.stdout
    raise AssertionError("no renewal was due within a minute")


def content(secret: dict[str, Any] | None) -> tuple[str, dict[str, Any], dict[str, str]]:
    assert secret is not None
    return secret["metadata"]["uid"], secret["data"], secret["metadata"]["annotations"]


def test_what_is_not_due_is_left_alone(lab: Lab, project: Project, namespaces: Namespaces, secret: Read) -> None:
    a, b = namespaces(2)
    stack = project(pull_secret([a, b], US, EU, renewal="external"))
    stack.up()
    before, calls = secret("pull", a), len(lab.ecr.calls())

    done = renew(stack, "--stack", "test")

    assert done.returncode == 0
    assert f"Secret pull: not due in 2 namespaces ({a}, {b}); next renewal due 20" in done.stdout
    assert len(lab.ecr.calls()) == calls
    assert content(secret("pull", a)) == content(before)


def test_a_due_token_is_renewed_in_place_with_one_call(
    lab: Lab, project: Project, namespaces: Namespaces, secret: Read
) -> None:
    a, b = namespaces(2)
    fixed = {"host": "ghcr.io", "username": "robot", "password": "correct-horse"}
    stack = project(pull_secret([a, b], US, fixed, renewal="external", labels={"team": "x"}))
    lab.ecr.set_token_lifetime(8)
    try:
        stack.up()
    finally:
        lab.ecr.set_token_lifetime(12 * 3600)
    before = secret("pull", a)
    foreign = {**auths(before), "quay.io": {"username": "u", "password": "p", "auth": "dTpw"}}
    data = base64.b64encode(json.dumps({"auths": foreign}).encode()).decode()
    lab.kubectl("patch", "secret", "pull", "-n", a, "-p", json.dumps({"data": {".dockerconfigjson": data}}))
    calls = len(lab.ecr.calls())

    assert f"Secret pull: renewed in 2 namespaces ({a}, {b}); next renewal due" in renew_once_due(stack)

    after = secret("pull", a)
    assert before is not None
    assert after is not None
    assert len(lab.ecr.calls()) == calls + 1
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert after["metadata"]["labels"] == before["metadata"]["labels"]
    assert {host: auths(after)[host] for host in ("quay.io", "ghcr.io")} == {
        host: foreign[host] for host in ("quay.io", "ghcr.io")
    }
    assert auths(after)[US] != foreign[US]
    assert auths(secret("pull", b))[US] == auths(after)[US]
    stack.preview("--expect-no-changes")
    stack.preview("--refresh", "--expect-no-changes")
    stack.refresh()
    assert (
        stack.resource("imagepull:index:RegistrySecret")["outputs"]["expiresAt"]
        > before["metadata"]["annotations"]["imagepull/expires-at"]
    )


def test_only_the_namespaces_and_the_registries_that_are_due(
    lab: Lab, project: Project, namespaces: Namespaces, secret: Read
) -> None:
    a, b = namespaces(2)
    stack = project(pull_secret([a, b], US, renewal="external"))
    stack.up()
    before = content(secret("pull", b))

    done = renew(stack, "-n", a, "--now")

    assert f"Secret pull: renewed in namespace {a}" in done.stdout
    assert b not in done.stdout
    assert content(secret("pull", b)) == before


def test_a_dry_run_asks_nobody_and_writes_nothing(
    lab: Lab, project: Project, namespaces: Namespaces, secret: Read
) -> None:
    (a,) = namespaces(1)
    stack = project(pull_secret([a], US, renewal="external"))
    stack.up()
    before, calls = content(secret("pull", a)), len(lab.ecr.calls())

    done = renew(stack, "--now", "--dry-run", "--json")

    (event,) = [json.loads(line) for line in done.stdout.splitlines()]
    assert (event["event"], event["secret"], event["namespaces"]) == ("would-renew", "pull", [a])
    assert len(lab.ecr.calls()) == calls
    assert content(secret("pull", a)) == before


@pytest.mark.parametrize(
    ("fault", "cause"),
    [
        (FaultMode.DOWN, "AWS does not answer"),
        (FaultMode.THROTTLED, "AWS throttles the requests"),
        (FaultMode.ACCESS_DENIED, "access denied"),
    ],
)
def test_while_aws_fails_nothing_is_lost_and_one_line_says_why(
    lab: Lab, project: Project, namespaces: Namespaces, secret: Read, fault: FaultMode, cause: str
) -> None:
    (a,) = namespaces(1)
    stack = project(pull_secret([a], US, EU, renewal="external"))
    stack.up()
    before = content(secret("pull", a))
    lab.ecr.set_fault(fault, region="us-east-1")

    done = renew(stack, "--now")

    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"error: Secret pull, registry {US}: {cause}")
    assert "its earlier token stays, 12.0 hours left" in line
    after = content(secret("pull", a))
    assert auths(secret("pull", a))[US] == json.loads(base64.b64decode(before[1][".dockerconfigjson"]))["auths"][US]
    assert after[1] != before[1], "the other region's token was renewed"
    lab.ecr.set_fault(FaultMode.NONE)
    assert renew(stack, "--now").returncode == 0


def test_each_namespace_that_fails_has_its_reason_and_holds_up_no_other(
    lab: Lab, project: Project, namespaces: Namespaces, secret: Read
) -> None:
    good, gone, immutable = namespaces(3)
    stack = project(pull_secret([good, gone, immutable], US, renewal="external"))
    stack.up()
    lab.kubectl("delete", "secret", "pull", "-n", gone)
    lab.kubectl("patch", "secret", "pull", "-n", immutable, "-p", '{"immutable": true}')
    before = auths(secret("pull", good))

    done = renew(stack, "--now")

    assert done.returncode == 1
    assert sorted(done.stderr.splitlines()) == [
        f"error: Secret pull in namespace {gone}: the Secret does not exist; `pulumi up --refresh` creates it",
        f"error: Secret pull in namespace {immutable}: Secret pull is immutable; delete it, or choose another name",
    ]
    assert auths(secret("pull", good)) != before
    stack.up("--refresh", check=False)  # what the first line says to run; the immutable one fails it
    assert set(auths(secret("pull", gone))) == {US}


def test_a_secret_edited_by_hand_is_renewed_before_it_is_due(
    lab: Lab, project: Project, namespaces: Namespaces, secret: Read
) -> None:
    a, b = namespaces(2)
    stack = project(pull_secret([a, b], US, renewal="external"))
    stack.up()
    empty = base64.b64encode(b'{"auths":{}}').decode()
    lab.kubectl("patch", "secret", "pull", "-n", a, "-p", json.dumps({"data": {".dockerconfigjson": empty}}))

    done = renew(stack)

    assert f"renewed in namespace {a}" in done.stdout
    assert f"not due in namespace {b}" in done.stdout
    assert list(auths(secret("pull", a))) == [US]


def test_two_renewers_at_once_both_succeed(lab: Lab, project: Project, namespaces: Namespaces, secret: Read) -> None:
    names = namespaces(20)
    stack = project(pull_secret(names, US, renewal="external"))
    stack.up()
    command = [sys.executable, "-m", "imagepull", "renew", "--now"]
    running = [
        subprocess.Popen(command, cwd=stack.folder, env=stack.env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for _ in range(2)
    ]
    printed = [each.communicate()[0].decode() for each in running]

    assert [each.returncode for each in running] == [0, 0], printed
    live = {token.password for token in lab.ecr.issued()}
    assert all(auths(secret("pull", name))[US]["password"] in live for name in names)


def test_a_document_in_a_file_or_a_config_map_does_as_well(lab: Lab, project: Project, namespaces: Namespaces) -> None:
    (a,) = namespaces(1)
    stack = project(pull_secret([a], US, renewal="external"))
    stack.up()
    document = make_document(stack.pulumi("stack", "export").stdout)
    file = stack.folder / "renewal.json"
    file.write_text(document)
    lab.kubectl("create", "configmap", "renewal", "-n", a, f"--from-file={file}")

    for source in (["renewal.json"], ["--config-map", f"{a}/renewal"]):
        assert f"renewed in namespace {a}" in renew(stack, *source, "--now").stdout


def test_wrong_sources_are_told_in_a_sentence(project: Project, namespaces: Namespaces) -> None:
    (a,) = namespaces(1)
    stack = project(pull_secret([a], US))
    told = [
        renew(stack, *source).stderr
        for source in (["--stack", "nowhere"], ["--config-map", "x"], ["--config-map", f"{a}/none"], ["none.json"], [])
    ]
    assert all(line.startswith("error: ") and len(line.splitlines()) == 1 for line in told), told
    assert "has no RegistrySecret; run `pulumi up`" in told[-1]


def test_without_a_cluster_one_line_says_so(project: Project, namespaces: Namespaces) -> None:
    stack = project(pull_secret(namespaces(1), US, renewal="external"))
    stack.up()
    done = renew(stack, KUBECONFIG="/nowhere")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
