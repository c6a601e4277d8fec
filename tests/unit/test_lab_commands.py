"""The lab's command says what to type next for the lab that was named, and takes labs down one at a time."""

import fcntl
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import layout, lifecycle
from lab.__main__ import main
from lab.ecr.client import EcrControl
from lab.ecr.faults import FaultMode
from lab.layout import format_command
from lab.lifecycle import Lab
from lab.node.limits import find_inotify_limit


@pytest.fixture
def labs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder of labs and a folder of locks of the test's own: a short path, because a lab has sockets in it."""
    with tempfile.TemporaryDirectory(prefix="labs-") as folder:
        monkeypatch.setattr(layout, "LABS", Path(folder) / "labs")
        monkeypatch.setenv("XDG_CACHE_HOME", str(Path(folder) / "cache"))
        yield Path(folder)


@pytest.mark.parametrize(
    ("name", "line"), [("default", "python -m lab down"), ("a-b", "python -m lab down --name a-b")]
)
def test_a_command_line_names_the_lab_unless_it_is_the_default(name: str, line: str) -> None:
    assert format_command("down", name) == line


@pytest.mark.parametrize("subcommand", [["env"], ["logs", "etcd"], ["token-life", "40s"], ["fault", "down"]])
def test_hints_carry_the_name(labs: Path, capsys: pytest.CaptureFixture[str], subcommand: list[str]) -> None:
    assert main([*subcommand, "--name", "other"]) == 1

    assert capsys.readouterr().err == "error: there is no lab other\n  next: python -m lab up --name other\n"


@pytest.fixture
def control(labs: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    """What a lab's ECR was told, by its methods' names."""
    told: dict[str, object] = {}
    layout.lay_out("other").save()
    monkeypatch.setattr(Lab, "ecr", EcrControl(0, ""))
    monkeypatch.setattr(EcrControl, "set_token_lifetime", lambda _, seconds: told.update(life=seconds))
    monkeypatch.setattr(EcrControl, "set_fault", lambda _, mode, **which: told.update(fault=mode, **which))
    return told


def test_token_life_sets_the_life_of_tokens(control: dict[str, object]) -> None:
    assert main(["token-life", "1m40s", "--name", "other"]) == 0
    assert control == {"life": 100.0}


def test_a_wrong_life_is_told(control: dict[str, object], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["token-life", "soon", "--name", "other"]) == 1
    assert "no life of a token: 'soon'\n  next: write a duration such as" in capsys.readouterr().err
    assert control == {}


def test_fault_makes_ecr_fail_and_says_how_to_mend_it(
    control: dict[str, object], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fault", "throttled", "--region", "eu-west-1", "--count", "3", "--name", "other"]) == 0
    assert control == {"fault": FaultMode.THROTTLED, "region": "eu-west-1", "count": 3}
    assert "mend it: python -m lab fault none --name other" in capsys.readouterr().err


def lock_is_free(labs: Path) -> bool:
    folder = labs / "cache" / "imagepull" / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "sweep").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


@pytest.mark.parametrize("way", ["down", "an `up` that sweeps", "an `up` that starts anew"])
def test_a_lab_is_taken_down_by_one_command_at_a_time(labs: Path, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    free: list[bool] = []
    monkeypatch.setattr(Lab, "stop", lambda lab: free.append(lock_is_free(labs)))
    owner = (1, "of another boot") if way == "an `up` that sweeps" else None
    layout.lay_out("other", owner=owner).save()
    assert lock_is_free(labs)

    if way == "down":
        lifecycle.down("other")
    else:
        monkeypatch.setattr(lifecycle, "prepare", _ended)
        with pytest.raises(RuntimeError, match="far enough"):
            lifecycle.up("other")

    assert free
    assert not any(free)
    assert lock_is_free(labs)


def _ended(programs: object) -> None:
    raise RuntimeError("far enough")


def test_a_reached_inotify_limit_is_told_as_such(tmp_path: Path) -> None:
    log = tmp_path / "kubelet.log"
    log.write_text(
        'I1124 all is well\nE1124 kubelet.go:1773] "Failed to start cAdvisor" err="inotify_init: too many open files"\n'
    )

    told = str(find_inotify_limit(log))

    assert "inotify limit is reached: fs.inotify.max_user_instances is " in told
    assert "next: as root: sysctl fs.inotify.max_user_instances=" in told


@pytest.mark.parametrize("text", ["E1124 all else is bad: too many open files in the registry", ""])
def test_another_failure_is_no_inotify_limit(tmp_path: Path, text: str) -> None:
    log = tmp_path / "kubelet.log"
    assert find_inotify_limit(log) is None
    log.write_text(text)
    assert find_inotify_limit(log) is None
