"""A lab comes up, stands beside others, and leaves nothing on the machine, however it ends."""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import lifecycle
from lab.layout import Layout, list_names, load
from lab.lifecycle import Lab
from lab.processes import Process, read_start_mark, wait_until

NAME = f"lifecycle-{os.getpid()}"


@pytest.fixture(scope="module", autouse=True)
def _taken_down() -> Iterator[None]:
    yield
    lifecycle.down(NAME)


@pytest.fixture
def second() -> Lab:
    """A lab beside that of the other tests: the one that the test before left up, if it did."""
    return lifecycle.up(NAME, owner=lifecycle.identify_this_process())


def left_by(layout: Layout) -> list[str]:
    """What there is on this machine that carries a lab's id or folder: processes, mounts, bridge, cgroups."""
    marks = (layout.id, f"{layout.folder}/")
    processes = [
        f"process {folder.name}: {command}"
        for folder in Path("/proc").iterdir()
        if folder.name.isdigit() and any(mark in (command := _command(folder)) for mark in marks)
    ]
    mounts = [line for line in Path("/proc/self/mounts").read_text().splitlines() if any(m in line for m in marks)]
    bridges = [str(link) for link in Path("/sys/class/net").glob(f"*{layout.id}*")]
    cgroups = [str(folder) for folder in Path("/sys/fs/cgroup").glob(f"**/*{layout.id}*")]
    return processes + mounts + bridges + cgroups + ([str(layout.folder)] if layout.folder.exists() else [])


def _command(folder: Path) -> str:
    try:
        return (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""


def test_two_labs_stand_side_by_side(lab: Lab, second: Lab) -> None:
    assert lab.layout.bridge != second.layout.bridge
    for one in (lab, second):
        assert one.broken() == []
        assert one.kubectl("get", "node", "lab", "--output=jsonpath={.metadata.name}") == "lab"
    only_here = second.kubectl("create", "namespace", "only-in-the-second", "--output=name").strip()
    assert only_here in second.kubectl("get", "namespaces", "--output=name").split()
    assert only_here not in lab.kubectl("get", "namespaces", "--output=name").split()


def test_up_finds_a_lab_that_is_up(lab: Lab) -> None:
    before = lab.processes.all()
    again = lifecycle.up(lab.layout.name)
    assert again.processes.all() == before


def test_what_a_killed_lab_left_is_cleaned_up_at_the_next_up(second: Lab) -> None:
    killed = second.layout
    for process in second.processes.all():
        os.kill(process.pid, signal.SIGKILL)
    assert wait_until(lambda: len(second.broken()) == len(second.processes.all()), timeout=10)
    assert left_by(killed)
    again = lifecycle.up(NAME)
    assert again.layout.id != killed.id
    assert [found for found in left_by(killed) if killed.id in found] == []


def test_down_leaves_nothing_behind(second: Lab) -> None:
    layout = second.layout
    second.kubectl("create", "namespace", "busy")
    second.kubectl("wait", "--for=create", "serviceaccount/default", "--namespace=busy", "--timeout=30s")
    second.kubectl(
        "run",
        "busy",
        "--namespace=busy",
        "--image=localhost/lab/pause:1",
        "--image-pull-policy=Never",
        "--restart=Never",
    )
    second.kubectl("wait", "--namespace=busy", "--for=condition=Ready", "pod/busy", "--timeout=60s")
    assert left_by(layout)
    lifecycle.down(NAME)
    assert left_by(layout) == []


def test_a_lab_does_not_outlive_its_owner(lab: Lab) -> None:
    # It lives until the lab is up: an `up` in another test process would else take the lab down while it comes up.
    owner = subprocess.Popen(["sleep", "600"])
    name = f"orphan-{os.getpid()}"
    started = read_start_mark(owner.pid)
    assert started is not None
    orphan = lifecycle.up(name, owner=Process(name="owner", pid=owner.pid, started=started)).layout
    owner.kill()
    owner.wait()
    lifecycle.up(lab.layout.name)
    assert name not in list_names()
    assert left_by(orphan) == []


def test_secrets_of_a_lab_are_readable_by_its_user_only(lab: Lab) -> None:
    folder = lab.layout.folder
    assert folder.stat().st_mode & 0o077 == 0
    for secret in ("kubeconfig", "lab.json", "ecr.json", "control-plane/tokens.csv", "control-plane/pki/apiserver.key"):
        assert (folder / secret).stat().st_mode & 0o077 == 0, secret


def test_layout_is_found_again(lab: Lab) -> None:
    assert load(lab.layout.name) == lab.layout


def test_each_lab_has_a_plugin_folder_of_its_own(lab: Lab, second: Lab) -> None:
    folders = [one.layout.folder / "pulumi-home" / "plugins" for one in (lab, second)]
    assert [folder.resolve() for folder in folders] == folders
    (folders[1] / "resource-stray-v1.0.0").mkdir()
    assert "stray" in second.run("pulumi", "plugin", "ls").stdout
    assert "stray" not in lab.run("pulumi", "plugin", "ls").stdout
    assert "kubernetes" in lab.run("pulumi", "plugin", "ls").stdout
