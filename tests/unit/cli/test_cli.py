"""`python -m imagepull plan` and `comment`, as a person or a workflow calls them."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from imagepull.cli import main
from tests.golden import GOLDEN


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def given(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO(text))


def test_plan_of_a_file_and_of_standard_input_is_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = GOLDEN / "no-change.preview.json"
    assert main(["plan", str(file)]) == 0
    from_file = capsys.readouterr().out
    given(monkeypatch, file.read_text())
    assert main(["plan"]) == 0
    assert capsys.readouterr().out == from_file
    assert from_file.startswith("Image pull plan\nWORKLOAD")
    assert "shop2/Deployment/web" in from_file
    assert "\x1b" not in from_file


def test_plan_tells_errors_and_warnings_below_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    file = str(GOLDEN / "findings.preview.json")
    assert main(["plan", file]) == 0
    told = [line.partition(":")[0] for line in capsys.readouterr().out.splitlines()]
    assert told.count("error") == 3
    assert told.count("warning") == 4
    assert main(["plan", "--strict", file]) == 1


def test_plan_is_coloured_on_a_terminal_unless_told_not_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setattr(sys, "stdout", terminal := Terminal())
    main(["plan", str(GOLDEN / "policy-change.preview.json")])
    assert "\x1b[33mAlways\x1b[0m" in terminal.getvalue()
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(sys, "stdout", plain := Terminal())
    main(["plan", str(GOLDEN / "policy-change.preview.json")])
    assert "\x1b" not in plain.getvalue()


def test_plan_says_when_the_unchanged_is_left_out(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    given(monkeypatch, '{"steps": [], "changeSummary": {"same": 3}}')
    main(["plan"])
    assert "--show-sames" in capsys.readouterr().out


def test_plan_shows_no_control_character_of_a_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    container = '{"name": "a\\u001b[2J\\u0007", "image": "busybox"}'
    manifest = f'{{"kind": "Pod", "metadata": {{"name": "a"}}, "spec": {{"containers": [{container}]}}}}'
    urn = "urn:pulumi:s::p::kubernetes:core/v1:Pod::a"
    given(monkeypatch, f'{{"steps": [{{"op": "create", "urn": "{urn}", "newState": {{"inputs": {manifest}}}}}]}}')
    main(["plan"])
    out = capsys.readouterr().out
    assert "busybox" in out
    assert "\x1b" not in out
    assert "\x07" not in out


def test_comment_is_printed_with_its_marker(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["comment", "--stack", "prod", str(GOLDEN / "findings.preview.json")]) == 0
    assert capsys.readouterr().out == (GOLDEN / "findings.md").read_text()
    assert main(["comment", "--stack", "prod", "--marker"]) == 0
    assert capsys.readouterr().out == "<!-- imagepull: prod -->\n"


@pytest.mark.parametrize(
    "arguments",
    [["plan", "no-such-file"], ["plan", __file__], ["comment", "--stack", "a b", "--marker"], ["plan", "."]],
    ids=["missing", "no preview", "stack", "folder"],
)
def test_wrong_call_is_one_line_and_status_2(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    told = capsys.readouterr().err
    assert told.startswith("error: ")
    assert told.count("\n") == 1


def test_a_file_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["plan", str(tmp_path / "nofile")]) == 2
    assert capsys.readouterr().err == f"error: {tmp_path / 'nofile'}: No such file or directory\n"


def run_process(*arguments: str, text: str = "", **environment: str) -> subprocess.CompletedProcess[bytes]:
    """The command as a process of its own, without a terminal."""
    return subprocess.run(
        [sys.executable, "-m", "imagepull", *arguments],
        input=text.encode(),
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
    )


def test_without_a_command_all_of_them_are_listed() -> None:
    done = run_process()

    assert (done.returncode, done.stdout) == (2, b"")
    assert b"say why images are not pulled, and what to do" in done.stderr


def test_what_goes_to_a_file_is_utf_8_in_every_locale() -> None:
    preview = (GOLDEN / "policy-change.preview.json").read_text(encoding="utf-8")
    usual = run_process("comment", "--stack", "prod", text=preview)
    old = run_process("comment", "--stack", "prod", text=preview, LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")

    assert usual.stdout.decode().startswith("### ✅ prod")
    assert (old.returncode, old.stdout, old.stderr) == (0, usual.stdout, b"")


@pytest.mark.parametrize(
    "text", ["", (GOLDEN / "failed.preview.json").read_text(encoding="utf-8")], ids=["empty", "failed"]
)
def test_plan_of_a_preview_that_failed_says_so_and_is_wrong_where_it_is_to_be_strict(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    given(monkeypatch, text)
    assert main(["plan"]) == 0
    assert "The preview failed, so this plan may lack images." in capsys.readouterr().out
    given(monkeypatch, text)
    assert main(["plan", "--strict"]) == 1
