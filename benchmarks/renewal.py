"""A renewal of the pull Secrets in N namespaces: ours, External Secrets Operator's, k8s-ecr-login-renew's, the floor.

    python -m benchmarks.renewal [--sizes 100 1000 10000] [--rounds 3]

Every way writes a new token into each of N Secrets that are there already, in the same run on the same lab. Prints a
table with ratios, and writes `results/renewal.json` and `results/renewal.png` beside this file.
"""

import argparse
import json
import statistics
import sys
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

from benchmarks import raw_client, renewal_operator, renewal_ways
from benchmarks.place import RESULTS, machine, own_lab
from benchmarks.renewal_ways import Prepared
from lab.lifecycle import Lab
from lab.progress import say
from lab.toolchain import build

__all__ = ["Measured", "main"]

OURS: Final = "imagepull renew"
FLOOR: Final = "floor"
LOGIN_RENEW: Final = "k8s-ecr-login-renew"
_MUCH: Final = 1_000
"""Namespaces above which the slow ways are measured once."""


@dataclass(frozen=True, kw_only=True)
class Way:
    """One way to renew.

    Attributes:
        most: Namespaces above which it is left out.
        quick: Whether it is measured several times also with many namespaces.
    """

    name: str
    prepare: Any
    most: int | None = None
    quick: bool = False


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One way to renew, for one number of namespaces.

    Attributes:
        seconds: Wall time, the median of the rounds; the start of the program included.
        cpu_seconds: Processor time of the program, likewise; for the operator, which runs all the time, what it used.
        peak_mib: The most memory that it had; None for the floor, which is part of the benchmark's process.
        requests: By verb, what the API server got for Secrets and the operator's objects, watches apart.
        aws_calls: Calls of GetAuthorizationToken.
    """

    way: str
    size: int
    seconds: float
    cpu_seconds: float
    peak_mib: float | None
    requests: Mapping[str, int]
    aws_calls: int
    rounds: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure everything, print and write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", type=int, default=[100, 1_000, 10_000], help="numbers of namespaces")
    parser.add_argument("--rounds", type=int, default=3, help="how often the quick ways are measured")
    options = parser.parse_args(arguments)
    program = build.provide([LOGIN_RENEW])[LOGIN_RENEW]
    ways = (
        Way(name=FLOOR, prepare=renewal_ways.prepare_floor, quick=True),
        Way(name=OURS, prepare=renewal_ways.prepare_ours, quick=True),
        Way(name=LOGIN_RENEW, prepare=partial(renewal_ways.prepare_login_renew, program=program)),
        Way(name="External Secrets, our layout", prepare=renewal_operator.prepare_copies, most=1_000),
        Way(name="External Secrets, a generator each", prepare=renewal_operator.prepare_generators, most=100),
    )
    measured: list[Measured] = []
    with own_lab() as (lab, folder):
        for size in options.sizes:
            say(f"{size} namespaces")
            namespaces = [f"renewal-{size}-{number:05}" for number in range(size)]
            raw_client.send(lab.kubeconfig, [raw_client.namespace(name) for name in namespaces])
            # The cluster's own controller would make 20 of these a second, meanwhile.
            raw_client.send(lab.kubeconfig, [raw_client.default_account(name) for name in namespaces])
            for number, way in enumerate(ways):
                if way.most is None or size <= way.most:
                    with way.prepare(lab, folder, f"way-{number}-{size}", namespaces) as renew:
                        rounds = options.rounds if way.quick or size < _MUCH else 1
                        measured.append(_measure(lab, way.name, size, rounds, renew))
                    say(f"  {way.name}: {measured[-1].seconds:.2f}s")
    RESULTS.mkdir(exist_ok=True)
    content = {"machine": machine(), "measured": [asdict(one) for one in measured]}
    (RESULTS / "renewal.json").write_text(json.dumps(content, indent=2) + "\n")
    _print(measured)
    _plot(measured, RESULTS / "renewal.png")
    return 0


def _measure(lab: Lab, way: str, size: int, rounds: int, renew: Prepared) -> Measured:
    seconds, used = [], []
    requests: Counter[str] = Counter()
    calls = 0
    for _ in range(rounds):
        before, called = _count_requests(lab), len(lab.ecr.calls())
        start = time.perf_counter()
        used.append(renew())
        seconds.append(time.perf_counter() - start)
        calls = len(lab.ecr.calls()) - called
        requests = _count_requests(lab) - before - Counter(used[-1].own_requests)
        written = requests["PATCH"] + requests["PUT"] + requests["POST"]
        if written < size:
            raise RuntimeError(f"{way} wrote {written} times, and there are {size} Secrets")
    return Measured(
        way=way,
        size=size,
        seconds=statistics.median(seconds),
        cpu_seconds=statistics.median(each.cpu_seconds for each in used),
        peak_mib=max((each.peak_mib for each in used if each.peak_mib is not None), default=None),
        requests=dict(requests),
        aws_calls=calls,
        rounds=rounds,
    )


def _count_requests(lab: Lab) -> Counter[str]:
    """Requests for Secrets, the operator's objects and ServiceAccounts' tokens so far, by verb."""
    counted: Counter[str] = Counter()
    for line in lab.kubectl("get", "--raw", "/metrics").splitlines():
        if not line.startswith("apiserver_request_total{"):
            continue
        labels, _, count = line.removeprefix("apiserver_request_total{").rpartition("} ")
        told = dict(pair.split("=", 1) for pair in labels.replace('"', "").split(","))
        concerned = told["resource"] == "secrets" or "external-secrets.io" in told["group"]
        if told["verb"] != "WATCH" and (concerned or told["subresource"] == "token"):
            counted[told["verb"]] += int(float(count))
    return counted


def _print(measured: Sequence[Measured]) -> None:
    seconds = {(one.way, one.size): one.seconds for one in measured}
    titles = f"{'seconds':>9}{'ours is':>9}{'cpu':>8}{'MiB':>7}{'requests':>10}{'AWS calls':>11}"
    print(f"{'namespaces':>10}  {'way':<36}{titles}")
    for one in measured:
        ratio = "" if one.way == OURS else f"{one.seconds / seconds[OURS, one.size]:.2f}x"
        peak = "" if one.peak_mib is None else f"{one.peak_mib:.0f}"
        print(
            f"{one.size:>10}  {one.way:<36}{one.seconds:>9.2f}{ratio:>9}{one.cpu_seconds:>8.2f}{peak:>7}"
            f"{sum(one.requests.values()):>10}{one.aws_calls:>11}"
        )
    for one in (each for each in measured if each.way == OURS):
        goal, other = 2 * seconds[FLOOR, one.size] + 1, seconds[LOGIN_RENEW, one.size]
        print(f"{one.size} namespaces, measured and to reach:")
        print(f"  {one.seconds:.2f}s, within 2 x floor + 1 = {goal:.2f}s")
        print(f"  {one.peak_mib:.0f} MiB, under 200; {one.aws_calls} AWS call, 1; requests {dict(one.requests)}")
        print(f"  {other / one.seconds:.1f} times as fast as {LOGIN_RENEW}, 3")


def _plot(measured: Sequence[Measured], file: Path) -> None:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
    for way in dict.fromkeys(one.way for one in measured):
        points = sorted((one.size, one.seconds) for one in measured if one.way == way)
        axes.plot([size for size, _ in points], [taken for _, taken in points], "-o", label=way)
    axes.set(xscale="log", yscale="log", xlabel="namespaces", ylabel="seconds")
    axes.set_title("A new token in the pull Secret of each of N namespaces")
    axes.grid(visible=True, which="both", alpha=0.3)
    axes.legend(fontsize="small")
    figure.savefig(file, dpi=120)


if __name__ == "__main__":
    sys.exit(main())
