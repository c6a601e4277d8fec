"""What a person sees, and what is left behind, when AWS, the cluster or the plugin fails."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from lab.ecr.faults import FaultMode
from lab.layout import CHECKOUT
from lab.lifecycle import Lab
from lab.processes import Process, read_start_mark, wait_until
from tests.pulumi_project import PulumiProject
from tests.running_update import find_plugin, list_processes
from tests.stack.gate import gate_to
from tests.stack.programs import EU, SECRET_TYPE, US, auths, let_hours_pass, pull_secret

Project = Callable[..., PulumiProject]
Namespaces = Callable[[int], list[str]]
Read = Callable[[str, str], dict[str, Any] | None]

FAULTS = {
    FaultMode.DOWN: "AWS does not answer",
    FaultMode.THROTTLED: "AWS throttles the requests",
    FaultMode.ACCESS_DENIED: "access denied",
    FaultMode.EXPIRED_SESSION: "the AWS session has expired",
    FaultMode.WRONG_REGION: "AWS does not accept these credentials",
}


def password(secret: dict[str, Any] | None, host: str) -> str:
    found: str = auths(secret)[host]["password"]
    return found


@pytest.mark.parametrize("mode", FAULTS)
def test_while_aws_fails_a_living_token_stays_and_a_new_stack_says_why(
    lab: Lab, project: Project, namespaces: Namespaces, secret: Read, mode: FaultMode
) -> None:
    (name,) = namespaces(1)
    stack = project(pull_secret([name]))
    stack.up()
    before = password(secret("pull", name), US)
    let_hours_pass(stack, 9)
    lab.ecr.set_fault(mode)

    told = stack.up().stdout
    assert f"{US}: {FAULTS[mode]}" in told
    assert "its earlier token stays, 12.0 hours left" in told
    assert password(secret("pull", name), US) == before

    failed = project(pull_secret([name], name="second")).up(check=False)
    assert f"{US}: {FAULTS[mode]}" in failed.stdout
    assert "no earlier token of it is alive" in failed.stdout
    assert "Traceback" not in failed.stdout + failed.stderr
    assert secret("second", name) is None


def test_one_registry_of_three_failing_holds_up_no_other(
    lab: Lab, project: Project, namespaces: Namespaces, secret: Read
) -> None:
    (name,) = namespaces(1)
    fixed = {"host": "ghcr.io", "username": "u", "password": "p"}
    lab.ecr.set_fault(FaultMode.ACCESS_DENIED, region="eu-west-1")
    stack = project(pull_secret([name], US, EU, fixed))
    failed = stack.up(check=False)
    assert f"{EU}: access denied" in failed.stdout
    assert f"{US}:" not in failed.stdout
    assert set(auths(secret("pull", name))) == {US, "ghcr.io"}

    lab.ecr.set_fault(FaultMode.NONE)
    stack.up()
    assert set(auths(secret("pull", name))) == {US, EU, "ghcr.io"}


def test_the_last_good_token_is_kept_per_registry(
    lab: Lab, project: Project, namespaces: Namespaces, secret: Read
) -> None:
    (name,) = namespaces(1)
    stack = project(pull_secret([name], US, EU))
    stack.up()
    us, eu = password(secret("pull", name), US), password(secret("pull", name), EU)
    lab.ecr.set_fault(FaultMode.THROTTLED, region="eu-west-1")
    let_hours_pass(stack, 9)
    stack.up()
    after = secret("pull", name)
    assert password(after, EU) == eu
    assert password(after, US) != us


def test_a_dead_token_is_no_last_good(lab: Lab, project: Project, namespaces: Namespaces, secret: Read) -> None:
    (name,) = namespaces(1)
    lab.ecr.set_token_lifetime(1)
    try:
        stack = project(pull_secret([name]))
        stack.up()
    finally:
        lab.ecr.set_token_lifetime(12 * 3600)
    lab.ecr.set_fault(FaultMode.DOWN)
    told: list[str] = []

    def is_dead() -> bool:
        told.append(stack.up(check=False).stdout)
        return "no earlier token of it is alive" in told[-1]

    assert wait_until(is_dead, timeout=60), told[-1]


def test_the_cluster_going_away_midway_is_made_good_by_the_next_up(
    lab: Lab, project: Project, namespaces: Namespaces, secret: Read, tmp_path: Path
) -> None:
    names = namespaces(150)
    # What is under way when it shuts is lost, 32 Secrets of 4 kB at most, so it shuts well after the first of them.
    with gate_to(lab.kubeconfig, tmp_path, shut_after=600_000) as (gate, through):
        stack = project(pull_secret(names))
        stack.env["KUBECONFIG"] = str(through)
        failed = stack.up(check=False)
        assert gate.is_shut.is_set()
    assert "cannot be reached" in failed.stdout
    assert "Traceback" not in failed.stdout + failed.stderr
    written = [name for name in names if secret("pull", name) is not None]
    assert 0 < len(written) < len(names)

    stack.env["KUBECONFIG"] = str(lab.kubeconfig)
    uids = {name: (secret("pull", name) or {})["metadata"]["uid"] for name in written}
    stack.up()
    assert stack.outputs()["uids"].items() >= uids.items()
    assert set(stack.outputs()["uids"]) == set(names)

    stack.destroy()
    assert not set(names) & namespaces_with_secret(lab, "pull")


def namespaces_with_secret(lab: Lab, name: str) -> set[str]:
    """Namespaces that hold a Secret of the name; other tests of this lab may have left some with others' entries."""
    fields = f"--field-selector=metadata.name={name}"
    return set(
        lab.kubectl(
            "get",
            "secrets",
            "--all-namespaces",
            fields,
            "--no-headers",
            "--output=custom-columns=N:.metadata.namespace",
        ).split()
    )


def start_up(stack: PulumiProject) -> "subprocess.Popen[str]":
    command = ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive"]
    return subprocess.Popen(
        command, cwd=stack.folder, env=stack.env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


def started_plugin_of(cli: "subprocess.Popen[str]") -> int:
    """The same, waited for."""
    found: list[int | None] = []

    def look() -> bool:
        found.append(find_plugin(cli.pid))
        return found[-1] is not None

    assert wait_until(look, timeout=60)
    assert found[-1] is not None
    return found[-1]


@pytest.mark.parametrize("way", ["cancelled", "killed"])
def test_an_up_cut_short_loses_nothing(
    lab: Lab, project: Project, namespaces: Namespaces, secret: Read, way: str
) -> None:
    names = namespaces(1000)
    stack = project(pull_secret(names))
    with start_up(stack) as cli:
        plugin = started_plugin_of(cli)
        assert wait_until(lambda: secret("pull", names[0]) is not None, timeout=60)
        if way == "cancelled":
            os.kill(cli.pid, signal.SIGINT)
        else:
            os.kill(plugin, signal.SIGKILL)
        told, _ = cli.communicate(timeout=60)
    assert cli.returncode != 0, told
    if way == "cancelled":
        assert "cancelled before all namespaces were written" in told
        assert len(stack.resource(SECRET_TYPE)["outputs"]["uids"]) < len(names)

    stack.up()
    assert set(stack.outputs()["uids"]) == set(names)
    stack.destroy()
    assert not set(names) & namespaces_with_secret(lab, "pull")


def start_by_language_host(stack: PulumiProject) -> None:
    """Let Pulumi's language host start the plugin, as in a project with a folder plugins/imagepull."""
    folder = stack.folder / "plugins" / "provider"
    folder.mkdir(parents=True)
    runtime = {"name": "python", "options": {"virtualenv": sys.prefix}}
    (folder / "PulumiPlugin.yaml").write_text(yaml.safe_dump({"runtime": runtime}))
    (folder / "__main__.py").write_text(
        f"import sys\nsys.path.insert(0, {str(CHECKOUT)!r})\nfrom provider import main\nmain()\n"
    )
    project = stack.folder / "Pulumi.yaml"
    document = yaml.safe_load(project.read_text())
    document["plugins"]["providers"][0]["path"] = str(folder)
    project.write_text(yaml.safe_dump(document))


def test_the_plugin_does_not_outlive_an_engine_that_was_killed(project: Project, namespaces: Namespaces) -> None:
    """Its parent does: the language host, which is what started it."""
    stack = project(pull_secret(namespaces(50)))
    start_by_language_host(stack)
    with start_up(stack) as cli:
        plugin = started_plugin_of(cli)
        left = [
            Process(name=command, pid=pid, started=read_start_mark(pid) or "")
            for pid, command in list_processes(cli.pid).items()
            if pid not in (cli.pid, plugin)
        ]
        os.kill(cli.pid, signal.SIGKILL)
    try:
        assert wait_until(lambda: read_start_mark(plugin) is None, timeout=60)
    finally:
        # Pulumi's own processes that a kill leaves behind for minutes: language hosts and the program.
        for process in left:
            process.stop()
    stack.pulumi("cancel", "--yes")


def limited_to(lab: Lab, folder: Path, allowed: list[str]) -> Path:
    """The kubeconfig of a user who may write Secrets in some namespaces only."""
    home = allowed[0]
    lab.kubectl("create", "serviceaccount", "limited", f"--namespace={home}")
    for name in allowed:
        lab.kubectl(
            "create", "role", "pull", f"--namespace={name}", "--verb=get,create,patch,delete", "--resource=secrets"
        )
        lab.kubectl(
            "create", "rolebinding", "pull", f"--namespace={name}", "--role=pull", f"--serviceaccount={home}:limited"
        )
    token = lab.kubectl("create", "token", "limited", f"--namespace={home}").strip()
    document = yaml.safe_load(lab.kubeconfig.read_text())
    document["users"][0]["user"] = {"token": token}
    path = folder / "limited.kubeconfig"
    path.write_text(yaml.safe_dump(document))
    return path


def test_namespaces_that_rbac_forbids_are_listed_together_and_the_others_written(
    lab: Lab, project: Project, namespaces: Namespaces, secret: Read, tmp_path: Path
) -> None:
    names = namespaces(5)
    stack = project(pull_secret(names), KUBECONFIG=str(limited_to(lab, tmp_path, names[:3])))
    failed = stack.up(check=False)
    user = f"system:serviceaccount:{names[0]}:limited"
    assert f"2 namespaces {names[3]}, {names[4]}: RBAC forbids it; allow {user} to get secrets" in failed.stdout
    assert all(secret("pull", name) is not None for name in names[:3])

    stack.write(pull_secret(names[:3]))
    stack.up()
    stack.refresh()
    stack.preview("--expect-no-changes")
    stack.destroy()
    assert secret("pull", names[0]) is None


def test_a_malformed_secret_of_somebody_elses_is_named_and_not_touched(
    lab: Lab, project: Project, namespaces: Namespaces, secret: Read
) -> None:
    (name,) = namespaces(1)
    lab.kubectl(
        "create", "secret", "generic", "pull", f"--namespace={name}", "--type=kubernetes.io/dockerconfigjson",
        '--from-literal=.dockerconfigjson={"auths":5}',
    )  # fmt: skip
    before = secret("pull", name)
    failed = project(pull_secret([name], adopt=True)).up(check=False)
    assert (
        f"namespace {name}: Secret pull cannot be adopted: the docker config's auths is not an object" in failed.stdout
    )
    assert secret("pull", name) == before


EXEC = {
    "apiVersion": "client.authentication.k8s.io/v1beta1",
    "command": "sh",
    "args": ["-c", "echo no token >&2; exit 3"],
}


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda document: {"current-context": "gone"}, "has no context gone; set the context to one of:"),
        (lambda document: {"users": [{**document["users"][0], "user": {"exec": EXEC}}]}, "failed with exit code 3"),
        (
            lambda document: {"users": [{**document["users"][0], "user": {"exec": {**EXEC, "command": "no-such"}}}]},
            "the command no-such is not installed",
        ),
        (
            lambda document: {"users": [{**document["users"][0], "user": {"token": "wrong"}}]},
            "the cluster does not accept these credentials",
        ),
        (
            lambda document: {
                "clusters": [
                    {**document["clusters"][0], "cluster": {"server": document["clusters"][0]["cluster"]["server"]}}
                ]
            },
            "a certificate that the kubeconfig's authority did not sign",
        ),
    ],
    ids=["context", "exec fails", "exec missing", "token", "authority"],
)
def test_each_fault_of_a_kubeconfig_is_one_clear_sentence(
    lab: Lab, project: Project, tmp_path: Path, change: Callable[[Any], Any], says: str
) -> None:
    document = yaml.safe_load(lab.kubeconfig.read_text())
    path = tmp_path / "faulty.kubeconfig"
    path.write_text(yaml.safe_dump({**document, **change(document)}))
    failed = project(pull_secret(["default"]), KUBECONFIG=str(path)).up(check=False)
    assert says in failed.stdout
    assert "Traceback" not in failed.stdout + failed.stderr


def test_all_wrong_inputs_are_told_at_once_with_their_paths(project: Project) -> None:
    failed = project(pull_secret(["A", "b"], "https://ghcr.io", "quay.io", refresh_before="soon")).preview(check=False)
    for path in ("namespaces[0]", "registries[0].host", "registries[1].host", "refreshBefore"):
        assert path in failed.stdout
    assert "Traceback" not in failed.stdout + failed.stderr
