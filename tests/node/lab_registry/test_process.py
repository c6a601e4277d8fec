"""The process: what it leaves readable, and what is left of it when something dies."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from lab import layout
from lab.ecr.config import EcrConfig
from lab.errors import LabError
from lab.images import REGISTRIES
from lab.processes import wait_until
from tests.node.lab_registry.ecr import WEB, Ecr, processes_of


def test_no_token_is_in_what_others_can_read(ecr: Ecr, digests: dict[str, str]) -> None:
    token = ecr.token()
    ecr.inspect(WEB, token=token)
    issued = ecr.control.issued()
    assert token in [one.authorization for one in issued]

    open_files = [ecr.output, ecr.config.access_log, *ecr.config.state.glob("registries/*/*.log")]
    text = "".join(file.read_text() for file in open_files) + json.dumps([vars(call) for call in ecr.control.calls()])

    assert not [one for one in issued if one.password in text or one.authorization in text]
    private = [ecr.config_file, ecr.config.tokens, *ecr.config.state.glob("registries/*/htpasswd")]
    assert {file.stat().st_mode & 0o077 for file in private} == {0}


def test_a_started_again_process_honours_live_tokens(ecr: Ecr) -> None:
    token = ecr.token()
    known = len(ecr.control.issued())

    assert ecr.stop() == 0
    assert processes_of(ecr.folder) == {}
    ecr.start()

    assert ecr.ask("GET", "/v2/", token=token)[0].status == 200
    assert len(ecr.control.issued()) == known


def test_a_killed_process_leaves_no_registry_behind(ecr: Ecr) -> None:
    assert len(processes_of(ecr.folder)) == 1 + len(REGISTRIES)

    ecr.stop(signal.SIGKILL)

    assert wait_until(lambda: processes_of(ecr.folder) == {}, timeout=30)


def test_a_registry_that_dies_ends_the_process_with_the_reason(ecr: Ecr) -> None:
    registry = next(pid for pid, command in processes_of(ecr.folder).items() if "docker-registry serve" in command)

    os.kill(registry, signal.SIGKILL)

    assert ecr.process.wait(timeout=30) == 1
    assert processes_of(ecr.folder) == {}
    assert not ecr.config.ready.exists()
    assert "ended with status -9" in ecr.output.read_text()


def test_a_taken_port_is_told_and_leaves_nothing_running(ecr: Ecr, tmp_path: Path) -> None:
    free = layout.lay_out("registry-test").ports
    config = dataclasses.replace(
        ecr.config,
        state=tmp_path,
        control_port=free.ecr_control,
        registries=tuple(
            dataclasses.replace(one, port=free.registries[one.host], backend_port=free.backends[one.host])
            for one in ecr.config.registries
        ),
    )
    config.write(tmp_path / "ecr.json")

    command = [sys.executable, "-m", "lab.ecr", "--config", str(tmp_path / "ecr.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    assert done.returncode == 1
    assert f"Port {config.api_port} is in use" in done.stderr
    assert processes_of(tmp_path) == {}


def test_a_wrong_configuration_is_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "ecr.json"
    file.write_text(json.dumps({"state": "x", "color": 1, "registries": [{"host": "h"}]}))
    with pytest.raises(LabError, match="others can read it"):
        EcrConfig.read(file)
    file.chmod(0o600)

    with pytest.raises(LabError) as refused:
        EcrConfig.read(file)

    for fault in ("api_port is missing", "color is not a setting", "registries[0].account is missing"):
        assert fault in str(refused.value)
