"""The ways to renew that benchmarks/renewal.py compares: each writes a new token into every Secret of its own name."""

import json
import os
import secrets
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import yaml

from benchmarks import raw_client
from imagepull.kubernetes.ownership import Owner
from imagepull.registries.docker_config import Credential, encode
from imagepull.registry_secret import secret_object, spec
from imagepull.registry_secret.existing import DATA_KEY, SECRET_TYPE
from imagepull.registry_secret.secret_object import SecretGoal
from imagepull.registry_secret.trust import TrustedEntry
from imagepull.renewal import document
from lab.lifecycle import Lab
from lab.pki import write_private

__all__ = ["HOST", "OWNER", "Prepared", "Used", "prepare_floor", "prepare_login_renew", "prepare_ours"]

HOST: Final = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
OWNER: Final = Owner(title="benchmark/benchmark/access", identity="0123456789abcdef", digest_key="0" * 32)
_NOBODY: Final = 65532


@dataclass(frozen=True, kw_only=True)
class Used:
    """What one renewal took.

    Attributes:
        peak_mib: The most memory that the program had; None for the floor, which is part of the benchmark's process.
        own_requests: By verb, requests of the benchmark itself, which the API server has counted too.
    """

    cpu_seconds: float
    peak_mib: float | None = None
    own_requests: Mapping[str, int] = field(default_factory=dict)


Prepared = Callable[[], Used]
"""Renews once."""


@contextmanager
def prepare_floor(lab: Lab, folder: Path, name: str, namespaces: Sequence[str]) -> Iterator[Prepared]:
    """One patch for each Secret, by hand-written HTTP. It looks at nothing, and keeps nothing of others."""
    _create(lab, name, namespaces)

    def renew() -> Used:
        patch = {"data": {DATA_KEY: _content(HOST)}}
        requests = [raw_client.merge(_path(name, namespace), patch) for namespace in namespaces]
        start = time.process_time()
        raw_client.send(lab.kubeconfig, requests)
        return Used(cpu_seconds=time.process_time() - start)

    yield renew


@contextmanager
def prepare_ours(lab: Lab, folder: Path, name: str, namespaces: Sequence[str]) -> Iterator[Prepared]:
    """`imagepull renew` as the CronJob's Pod runs it, but with --now: nothing is due yet."""
    inputs = {"name": name, "namespaces": [*namespaces], "registries": [{"host": HOST}]}
    wanted_spec = spec.parse(inputs)
    entry = TrustedEntry(credential=Credential(username="AWS", password="x" * 1_600))
    wanted = SecretGoal(spec=wanted_spec, owner=OWNER, fresh={HOST: entry}, now=datetime.now(UTC))
    change = secret_object.write(None, wanted).change
    assert change is not None
    _create(lab, name, namespaces, change.body)
    file = folder / f"{name}.json"
    told = document.describe_secret(inputs, OWNER.title, OWNER.identity or "", OWNER.digest_key)
    file.write_text(document.encode([told]))
    yield partial(_run, [sys.executable, "-m", "imagepull", "renew", file, "--now"], lab.env, folder / "ours.log")


@contextmanager
def prepare_login_renew(
    lab: Lab, folder: Path, name: str, namespaces: Sequence[str], program: Path
) -> Iterator[Prepared]:
    """nabsul/k8s-ecr-login-renew as its own CronJob runs it: in the home folder of a user, for want of a Pod.

    Args:
        program: Its executable.
    """
    _create(lab, name, namespaces)
    home = folder / name
    (home / ".kube").mkdir(parents=True)
    content = yaml.safe_load(lab.kubeconfig.read_text())
    for cluster in content["clusters"]:
        authority = Path(cluster["cluster"].pop("certificate-authority"))
        cluster["cluster"]["certificate-authority-data"] = b64encode(authority.read_bytes()).decode()
    kubeconfig = home / ".kube" / "config"
    write_private(kubeconfig, json.dumps(content))
    copied = home / program.name
    copied.write_bytes(program.read_bytes())
    copied.chmod(0o755)
    # It asks the machine for the home folder of its user: one that the machine does not know has what HOME says.
    for place in (folder, home, kubeconfig.parent, kubeconfig):
        os.chown(place, _NOBODY, _NOBODY)
    env = {**lab.env, "HOME": str(home), "USER": "nobody", "DOCKER_SECRET_NAME": name, "DOCKER_REGISTRIES": HOST}
    # By a pattern: the names of ten thousand are more than one variable may hold.
    env |= {"TARGET_NAMESPACE": f"{namespaces[0].rpartition('-')[0]}-*"}
    yield partial(_run, [copied], env, folder / f"{program.name}.log", user=_NOBODY)


def _run(command: Sequence[str | Path], env: Mapping[str, str], log: Path, *, user: int | None = None) -> Used:
    """Runs a program to its end, and raises RuntimeError where it fails."""
    with log.open("w") as output:
        process = subprocess.Popen(command, env=env, stdout=output, stderr=subprocess.STDOUT, user=user)
        peak = 0.0
        while True:
            # What wait4 reports as the most memory includes that of the process that started it.
            peak = max(peak, peak_memory(process.pid))
            ended, status, usage = os.wait4(process.pid, os.WNOHANG)
            if ended:
                break
            time.sleep(0.01)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"{command[0]} ended with {process.returncode}:\n{log.read_text()[-2000:]}")
    return Used(cpu_seconds=usage.ru_utime + usage.ru_stime, peak_mib=peak)


def peak_memory(pid: int) -> float:
    """The most memory that a process has had so far, in MiB; 0 when it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM")), 0.0)


def _create(lab: Lab, name: str, namespaces: Sequence[str], body: Mapping[str, Any] | None = None) -> None:
    given = {"kind": "Secret", "type": SECRET_TYPE, **(body or {"data": {DATA_KEY: _content(HOST)}})}
    requests = [
        raw_client.apply(_path(name, namespace), {**given, "metadata": {**given.get("metadata", {}), "name": name}})
        for namespace in namespaces
    ]
    raw_client.send(lab.kubeconfig, requests)


def _content(host: str) -> str:
    password = b64encode(secrets.token_bytes(1_200)).decode()
    return b64encode(encode({host: Credential(username="AWS", password=password)})).decode()


def _path(name: str, namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/secrets/{name}"
