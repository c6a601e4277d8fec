"""`imagepull diagnose -A` on a cluster of many Pods, some of which fail: time, memory and requests.

    python -m benchmarks.diagnose [--pods 1000] [--failing 50] [--rounds 3]

The Pods are real objects of the lab's API server, with the state that a kubelet would have reported. Prints a table and
writes `results/diagnose.json` beside this file.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from benchmarks import raw_client
from benchmarks.place import RESULTS, own_lab
from lab.lifecycle import Lab
from lab.progress import say

__all__ = ["Measured", "main"]

_NAMESPACES: Final = 20
_HOST: Final = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
_IMAGE: Final = f"{_HOST}/team/app:1.0"
# Of a Pod that no scheduler looks at, so that nothing starts it or takes it away.
_SPEC: Final[dict[str, Any]] = {
    "schedulerName": "nobody",
    "imagePullSecrets": [{"name": "pull"}],
    "containers": [{"name": "app", "image": _IMAGE}],
}
_TARGET_SECONDS: Final = 3.0
_TARGET_MIB: Final = 150.0
_TEXT: Final = 'Back-off pulling image "{image}": ErrImagePull: rpc error: code = NotFound desc = {image}: not found'
# Counts what leaves the process, from inside: the client has no other place where all requests pass.
_COUNTED: Final = """
import sys
from imagepull.cli import main
from imagepull.kubernetes.transport import Transport
sent, send = [], Transport.send
async def counted(self, request):
    sent.append(request.path)
    return await send(self, request)
Transport.send = counted
status = main(sys.argv[1:])
import resource
used = resource.getrusage(resource.RUSAGE_SELF)
print(used.ru_utime + used.ru_stime, len(sent), used.ru_maxrss, file=sys.stderr)
sys.exit(status)
"""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """`seconds`: wall time, the start of Python included, and `processor_seconds`: medians of the rounds; `peak_mib`:
    the most of all."""

    pods: int
    failing: int
    answers: int
    seconds: float
    processor_seconds: float
    peak_mib: float
    requests: int
    rounds: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pods", type=int, default=1_000)
    parser.add_argument("--failing", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args(arguments)
    with own_lab() as (lab, _):
        say(f"{options.pods} Pods, of which {options.failing} fail ...")
        _fill(lab, options.pods, options.failing)
        found = _measure(lab, options.pods, options.failing, options.rounds)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "diagnose.json").write_text(json.dumps(asdict(found), indent=2) + "\n")
    print("| pods | failing | answers | seconds | processor | MiB | requests |\n|---|---|---|---|---|---|---|")
    print(
        f"| {found.pods} | {found.failing} | {found.answers} | {found.seconds:.2f} | {found.processor_seconds:.2f} |"
        f" {found.peak_mib:.0f} | {found.requests} |"
    )
    return 0 if found.seconds <= _TARGET_SECONDS and found.peak_mib <= _TARGET_MIB else 1


def _measure(lab: Lab, pods: int, failing: int, rounds: int) -> Measured:
    seconds, processor, peaks, requests, answers = [], [], [], 0, 0
    command = [sys.executable, "-c", _COUNTED, "diagnose", "-A", "--json", "--kubeconfig", str(lab.kubeconfig)]
    for _ in range(rounds):
        begun = time.monotonic()
        run = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parent.parent)
        seconds.append(time.monotonic() - begun)
        if run.returncode != 1:
            raise RuntimeError(run.stderr)
        used, *counts = run.stderr.split()[-3:]
        requests, kilobytes = map(int, counts)
        processor.append(float(used))
        peaks.append(kilobytes / 1024)
        answers = len(run.stdout.splitlines())
    return Measured(
        pods=pods,
        failing=failing,
        answers=answers,
        seconds=statistics.median(seconds),
        processor_seconds=statistics.median(processor),
        peak_mib=max(peaks),
        requests=requests,
        rounds=rounds,
    )


def _fill(lab: Lab, pods: int, failing: int) -> None:
    """Pods in twenty namespaces, each with a Secret; those that fail are spread over all of them."""
    spaces = [f"team-{number:02}" for number in range(_NAMESPACES)]
    config = json.dumps({"auths": {_HOST: {"username": "AWS", "password": "x" * 2000}}})
    places = [(spaces[number % _NAMESPACES], number) for number in range(pods)]
    every = max(pods // failing, 1)
    for requests in (
        (raw_client.namespace(space) for space in spaces),
        (raw_client.secret(space, "pull", config) for space in spaces),
        (raw_client.default_account(space) for space in spaces),
        (_apply(f"{_path(*place)}", spec=_SPEC) for place in places),
        (_apply(f"{_path(*place)}/status", status=_status(place[1] % every == 0)) for place in places),
    ):
        raw_client.send(lab.kubeconfig, requests)


def _status(fails: bool) -> dict[str, Any]:
    waiting = {"reason": "ImagePullBackOff", "message": _TEXT.format(image=_IMAGE)}
    state = {"waiting": waiting} if fails else {"running": {}}
    common = {"imageID": "", "ready": not fails, "restartCount": 0}
    return {"phase": "Pending", "containerStatuses": [{**common, "name": "app", "image": _IMAGE, "state": state}]}


def _path(space: str, number: int) -> str:
    return f"/api/v1/namespaces/{space}/pods/web-{number:04}"


def _apply(path: str, **part: Any) -> raw_client.Request:
    name = path.removesuffix("/status").rpartition("/")[2]
    document = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, **part}
    return raw_client.Request(
        path=f"{path}?fieldManager=benchmark&force=true",
        content_type="application/apply-patch+yaml",
        body=json.dumps(document).encode(),
    )


if __name__ == "__main__":
    sys.exit(main())
