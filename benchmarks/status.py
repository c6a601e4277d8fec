"""`imagepull status -A` and `imagepull report -A` on a cluster of many Pods: time, memory and requests.

    python -m benchmarks.status [--namespaces 1000] [--pods-each 10] [--rounds 3]

The Pods are real objects of the lab's API server, with the state that a kubelet would have reported: one in a hundred
waits for its image. Prints a table and writes `results/status.json` beside this file.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from benchmarks import raw_client
from benchmarks.place import RESULTS, own_lab
from imagepull.registries.lifetimes import format_time
from lab.lifecycle import Lab
from lab.progress import say

__all__ = ["Measured", "main"]

HOST: Final = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
IMAGE: Final = f"{HOST}/team/app:1.0"
SECRET: Final = "registry-access"  # noqa: S105 - a name
_FAILING_ONE_IN: Final = 100
_TARGETS: Final = {"status": (10.0, 250.0)}
"""Seconds and MiB that the issue asks for, at 10,000 Pods in 1,000 namespaces."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One command, measured.

    Attributes:
        seconds: wall time, the median of the rounds; the start of Python included.
        cpu_seconds: processor time of the command, likewise.
        peak_mib: the most memory that it had, of all rounds.
        output_bytes: size of what it printed or wrote.
    """

    command: str
    namespaces: int
    pods: int
    seconds: float
    cpu_seconds: float
    peak_mib: float
    output_bytes: int
    rounds: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--namespaces", type=int, default=1_000)
    parser.add_argument("--pods-each", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(arguments)
    with own_lab() as (lab, folder):
        say(f"{options.namespaces} namespaces of {options.pods_each} Pods each ...")
        _fill(lab, options.namespaces, options.pods_each)
        page = folder / "report.html"
        commands = {
            "status": ["status", "-A"],
            "status --json": ["status", "-A", "--json"],
            "report": ["report", "-A", "--html", str(page)],
        }
        measured = [
            _measure(lab, name, command, options.namespaces, options.pods_each, options.rounds, page)
            for name, command in commands.items()
        ]
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "status.json").write_text(json.dumps([asdict(one) for one in measured], indent=2) + "\n")
    print(f"{'command':<16}{'namespaces':>11}{'pods':>8}{'seconds':>9}{'cpu':>7}{'MiB':>8}{'output MB':>11}")
    for one in measured:
        print(
            f"{one.command:<16}{one.namespaces:>11,}{one.pods:>8,}{one.seconds:>9.2f}{one.cpu_seconds:>7.2f}"
            f"{one.peak_mib:>8.0f}{one.output_bytes / 1e6:>11.2f}"
        )
    for name, (seconds, mib) in _TARGETS.items():
        print(f"to reach: {name} within {seconds:.0f} s and {mib:.0f} MiB")
    return 0


def _measure(
    lab: Lab, name: str, command: Sequence[str], namespaces: int, pods_each: int, rounds: int, page: Path
) -> Measured:
    seconds, cpu, peak, size = [], [], 0.0, 0
    for _ in range(rounds):
        start = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "imagepull", *command], env=lab.env, stdout=subprocess.PIPE, cwd=Path.cwd()
        )
        assert process.stdout is not None
        output = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        seconds.append(time.perf_counter() - start)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 1:
            raise RuntimeError(f"imagepull {name} ended with {process.returncode}, and some Pods fail: 1 is expected")
        cpu.append(usage.ru_utime + usage.ru_stime)
        peak = max(peak, usage.ru_maxrss / 1024)
        size = len(output) or page.stat().st_size
    return Measured(
        command=name,
        namespaces=namespaces,
        pods=namespaces * pods_each,
        seconds=statistics.median(seconds),
        cpu_seconds=statistics.median(cpu),
        peak_mib=peak,
        output_bytes=size,
        rounds=rounds,
    )


def _fill(lab: Lab, namespaces: int, pods_each: int) -> None:
    """Makes the objects: namespaces first, then what is in them."""
    names = [f"team-{number:04}" for number in range(namespaces)]
    places = [(name, number) for name in names for number in range(pods_each)]
    for requests in (
        (_apply(f"/api/v1/namespaces/{name}", _object("v1", "Namespace", name)) for name in names),
        (each for name in names for each in _first_objects(name)),
        (_apply(f"{_pod_path(*place)}", _object("v1", "Pod", f"web-{place[1]}", spec=_spec())) for place in places),
        (_state(place, number) for number, place in enumerate(places)),
    ):
        raw_client.send(lab.kubeconfig, requests)


def _first_objects(namespace: str) -> Iterable[raw_client.Request]:
    """The Secret, the ServiceAccount that lists it, and a Deployment (of no replicas: the Pods are made here)."""
    now = datetime.now(UTC)
    hosts = {HOST: {"issued": format_time(now), "expires": format_time(now + timedelta(hours=12))}}
    config = json.dumps({"auths": {HOST: {"username": "AWS", "password": "x" * 2000}}})
    annotations = {"imagepull/hosts": json.dumps(hosts), "imagepull/owned-by": "shop/prod/access"}
    secret = _object("v1", "Secret", SECRET, type="kubernetes.io/dockerconfigjson")
    secret["metadata"]["annotations"] = annotations
    secret["stringData"] = {".dockerconfigjson": config}
    account = _object("v1", "ServiceAccount", "app", imagePullSecrets=[{"name": SECRET}])
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": _spec()}
    spec = {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}
    yield _apply(f"/api/v1/namespaces/{namespace}/secrets/{SECRET}", secret)
    yield _apply(f"/api/v1/namespaces/{namespace}/serviceaccounts/app", account)
    deployment = _object("apps/v1", "Deployment", "web", spec=spec)
    yield _apply(f"/apis/apps/v1/namespaces/{namespace}/deployments/web", deployment)


def _state(place: tuple[str, int], number: int) -> raw_client.Request:
    """What a kubelet would report: running, but for one Pod in a hundred."""
    text = f'Back-off pulling image "{IMAGE}": ErrImagePull: {IMAGE}: not found'
    waiting = {"waiting": {"reason": "ImagePullBackOff", "message": text}}
    state = waiting if number % _FAILING_ONE_IN == 0 else {"running": {}}
    common = {"imageID": "", "ready": True, "restartCount": 0}
    statuses = [
        {**common, "name": "app", "image": IMAGE, "state": state},
        {**common, "name": "log", "image": "fluent-bit:4.0", "state": {"running": {}}},
    ]
    pod = _object("v1", "Pod", f"web-{place[1]}", status={"phase": "Running", "containerStatuses": statuses})
    return _apply(f"{_pod_path(*place)}/status", pod)


def _spec() -> dict[str, Any]:
    """Of a Pod that no scheduler looks at, so that nothing starts it or takes it away."""
    return {
        "serviceAccountName": "app",
        "schedulerName": "nobody",
        "containers": [{"name": "app", "image": IMAGE}, {"name": "log", "image": "fluent-bit:4.0"}],
    }


def _pod_path(namespace: str, number: int) -> str:
    return f"/api/v1/namespaces/{namespace}/pods/web-{number}"


def _object(version: str, kind: str, name: str, **more: Any) -> dict[str, Any]:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": name}, **more}


def _apply(path: str, document: dict[str, Any]) -> raw_client.Request:
    query = "?fieldManager=benchmark&force=true"
    return raw_client.Request(
        path=path + query, content_type="application/apply-patch+yaml", body=json.dumps(document).encode()
    )


if __name__ == "__main__":
    sys.exit(main())
