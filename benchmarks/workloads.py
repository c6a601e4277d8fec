"""N Deployments: our component, our transform, an empty one, and plain pulumi_kubernetes, in one run on one lab.

    python -m benchmarks.workloads [--size 300] [--rounds 3]

Each round does every way in turn, another one first each time: previews, up, previews without a change, destroy. Prints
a table of the least seconds, processor seconds and peak memory that any round took, of all of Pulumi's processes
together (what is more is the machine's other work), with ratios to plain; writes `results/workloads.json`.
"""

import argparse
import json
import os
import platform
import subprocess
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.place import RESULTS, own_lab
from lab.lifecycle import Lab
from lab.progress import say
from tests.pulumi_project import PulumiProject

PAGE_MIB = os.sysconf("SC_PAGE_SIZE") / 2**20
SAMPLE_SECONDS = 0.05
MEASURES = ("seconds", "cpu_seconds", "peak_mib")

DEPLOYMENTS = """
for number in range({size}):
    name = f"app-{{number:04}}"
    Deployment(
        name,
        metadata={{"name": name, "namespace": "{namespace}", "annotations": {{"pulumi.com/skipAwait": "true"}}}},
        spec={{
            "replicas": 0,
            "selector": {{"matchLabels": {{"app": name}}}},
            "template": {{
                "metadata": {{"labels": {{"app": name}}}},
                "spec": {{
                    "containers": [{{"name": "app", "image": f"registry.example.com/team/app:1.{{number}}"}}],
                    "initContainers": [{{"name": "init", "image": "registry.example.com/team/init:latest"}}],
                }},
            }},
        }},
    )
"""
PLAIN = "from pulumi_kubernetes.apps.v1 import Deployment\n" + DEPLOYMENTS
COMPONENT = "from components import Deployment\n" + DEPLOYMENTS
TRANSFORM = "from components import explicit_image_pulls\nexplicit_image_pulls()\n" + PLAIN
EMPTY = "import pulumi\npulumi.runtime.register_resource_transform(lambda args: None)\n" + PLAIN
WAYS = {"plain": PLAIN, "component": COMPONENT, "transform": TRANSFORM, "empty transform": EMPTY}
STEPS = {
    "preview": ("preview",),
    "up": ("up", "--yes", "--skip-preview"),
    "no-op preview": ("preview", "--expect-no-changes"),
    "destroy": ("destroy", "--yes", "--skip-preview"),
}
TIMES_IN_A_ROUND = {"preview": 2, "up": 1, "no-op preview": 3, "destroy": 1}


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One step of one way.

    Attributes:
        seconds: wall time, the least of the rounds.
        cpu_seconds: processor time, user and system, the least of the rounds; says more on a busy machine.
        peak_mib: most memory of all processes of the command together, the least of the rounds.
    """

    way: str
    step: str
    seconds: float
    cpu_seconds: float
    peak_mib: float


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of one step: as `Measured`, unaggregated."""

    seconds: float
    cpu_seconds: float
    peak_mib: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure everything, print and write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=int, default=300, help="number of Deployments")
    parser.add_argument("--rounds", type=int, default=3, help="how often everything is measured")
    options = parser.parse_args(arguments)
    with own_lab() as (lab, folder):
        measured = measure(lab, folder, options.size, options.rounds)
    RESULTS.mkdir(exist_ok=True)
    document = {
        "machine": {"cores": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()},
        "size": options.size,
        "rounds": options.rounds,
        "measured": [asdict(one) for one in measured],
    }
    (RESULTS / "workloads.json").write_text(json.dumps(document, indent=2) + "\n")
    show(measured)
    return 0


def measure(lab: Lab, folder: Path, size: int, rounds: int) -> list[Measured]:
    """Every step of every way, `rounds` times, the ways in turn."""
    stacks = {}
    for way, program in WAYS.items():
        namespace = f"bench-{way.replace(' ', '-')}"
        lab.kubectl("create", "namespace", namespace)
        stacks[way] = PulumiProject(lab, folder / namespace, program.format(size=size, namespace=namespace))
    runs: dict[tuple[str, str], list[Run]] = {}
    for number in range(rounds):
        ways = list(stacks)
        for way in ways[number % len(ways) :] + ways[: number % len(ways)]:
            for step in (step for step, times in TIMES_IN_A_ROUND.items() for _ in range(times)):
                runs.setdefault((way, step), []).append(timed(stacks[way], STEPS[step]))
                say(f"  round {number + 1}, {way}, {step}: {runs[way, step][-1].seconds:.1f}s")
    return [
        Measured(
            way=way,
            step=step,
            **{measure: min(getattr(run, measure) for run in runs[way, step]) for measure in MEASURES},
        )
        for step in STEPS
        for way in WAYS
    ]


def timed(stack: PulumiProject, command: Sequence[str]) -> Run:
    """A Pulumi command with all that it starts."""
    start = time.perf_counter()
    process = subprocess.Popen(
        ["pulumi", *command, "--non-interactive", "--suppress-outputs"],
        cwd=stack.folder,
        env=stack.env,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    peak = 0.0
    while True:
        ended, status, usage = os.wait4(process.pid, os.WNOHANG)
        if ended:
            break
        peak = max(peak, session_memory(process.pid))
        time.sleep(SAMPLE_SECONDS)
    seconds = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"pulumi {' '.join(command)} failed in {stack.folder}")
    return Run(seconds=seconds, cpu_seconds=usage.ru_utime + usage.ru_stime, peak_mib=peak)


def session_memory(session: int) -> float:
    """MiB in memory of all processes of a session."""
    total = 0.0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:  # the process has ended
            continue
        # proc(5): session is field 6, rss (in pages) field 24; the split starts at field 3.
        if int(fields[3]) == session:
            total += int(fields[21]) * PAGE_MIB
    return total


def show(measured: Sequence[Measured]) -> None:
    """The table."""
    plain = {one.step: one for one in measured if one.way == "plain"}
    print(f"{'step':<14} {'way':<15}" + "".join(f" {measure:>12} {'of plain':>9}" for measure in MEASURES))
    for one in measured:
        cells = [(getattr(one, measure), getattr(plain[one.step], measure)) for measure in MEASURES]
        print(f"{one.step:<14} {one.way:<15}" + "".join(f" {own:>12.2f} {own / base:>8.2f}x" for own, base in cells))


if __name__ == "__main__":
    raise SystemExit(main())
