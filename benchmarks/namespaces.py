"""A pull Secret and the `default` ServiceAccount in each of N namespaces: ours, plain Pulumi, kubectl, and the floor.

    python -m benchmarks.namespaces [--sizes 100 300 1000 10000] [--rounds 3]

Every way does the same work on the same lab in the same run. Prints a table of seconds and ratios, and writes
`results/namespaces.json` and `results/namespaces.png` beside this file.
"""

import argparse
import json
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml

from benchmarks import raw_client
from benchmarks.place import RESULTS, machine, own_lab
from lab.lifecycle import Lab
from lab.progress import say
from tests.pulumi_project import PulumiProject

HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
PLAIN_LIMIT = 300  # namespaces; plain pulumi_kubernetes takes a quarter of an hour for 1,000
KUBECTL_LIMIT = 1000  # namespaces; kubectl takes five minutes for 10,000
ACCESS_NAME = "registries"

EMPTY = "import pulumi\n"

OURS = """
from components import RegistryAccess

RegistryAccess("{secret}", registries=[{{"host": "{host}"}}], namespaces={namespaces})
"""

PLAIN = """
import pulumi
from pulumi_kubernetes.core.v1 import Secret, ServiceAccountPatch

for namespace in {namespaces}:
    secret = Secret(
        namespace,
        metadata={{"name": "{secret}", "namespace": namespace}},
        type="kubernetes.io/dockerconfigjson",
        string_data={{".dockerconfigjson": {config!r}}},
    )
    ServiceAccountPatch(
        namespace,
        metadata={{"name": "default", "namespace": namespace}},
        image_pull_secrets=[{{"name": "{secret}"}}],
        opts=pulumi.ResourceOptions(depends_on=[secret]),
    )
"""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One way to do one thing for one number of namespaces.

    Attributes:
        way: who does it.
        what: what is done.
        size: namespaces.
        seconds: wall time, the median of the rounds.
        rounds: how often it was measured.
    """

    way: str
    what: str
    size: int
    seconds: float
    rounds: int


class Watch:
    """The most memory that the plugin's process had, in MiB, sampled while a command runs."""

    def __init__(self) -> None:
        self.peak = 0.0
        self._over = threading.Event()

    @contextmanager
    def running(self) -> Iterator[None]:
        """Sample while the block runs."""
        self._over.clear()
        thread = threading.Thread(target=self._sample)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join()

    def _sample(self) -> None:
        while not self._over.wait(0.2):
            for folder in Path("/proc").iterdir():
                if folder.name.isdigit():
                    self.peak = max(self.peak, _plugin_memory(folder))


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure everything, print and write it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", nargs="+", type=int, default=[100, 300, 1000, 10000], help="numbers of namespaces")
    parser.add_argument("--rounds", type=int, default=3, help="how often the quick ways are measured")
    options = parser.parse_args(arguments)
    measured: list[Measured] = []
    facts: list[dict[str, object]] = []
    with own_lab() as (lab, folder):
        for size in options.sizes:
            say(f"{size} namespaces")
            measured_here, facts_here = _measure(lab, folder / str(size), size, options.rounds)
            measured += measured_here
            facts.append(facts_here)
    RESULTS.mkdir(exist_ok=True)
    document = {"machine": machine(), "measured": [asdict(one) for one in measured], "facts": facts}
    (RESULTS / "namespaces.json").write_text(json.dumps(document, indent=2) + "\n")
    _print(measured, facts)
    _plot(measured, RESULTS / "namespaces.png")
    return 0


def _measure(lab: Lab, folder: Path, size: int, rounds: int) -> tuple[list[Measured], dict[str, object]]:
    namespaces = [f"bench-{size}-{number:04}" for number in range(size)]
    _create(lab, namespaces)
    config = json.dumps({"auths": {HOST: {"username": "AWS", "password": "x" * 2000}}})
    measured: list[Measured] = []

    def measure(way: str, what: str, command: Callable[[], object], count: int, after: Callable[[], object]) -> None:
        seconds = []
        for _ in range(count):
            start = time.perf_counter()
            command()
            seconds.append(time.perf_counter() - start)
            after()
        measured.append(
            Measured(way=way, what=what, size=size, seconds=statistics.median(seconds), rounds=len(seconds))
        )
        say(f"  {way} {what}: {measured[-1].seconds:.2f}s")

    def nothing() -> None:
        return

    empty = PulumiProject(lab, folder / "empty", EMPTY)
    empty.up()
    measure("empty program", "up", empty.up, rounds, nothing)
    measure("empty program", "preview", empty.preview, rounds, nothing)

    requests = [raw_client.secret(namespace, ACCESS_NAME, config) for namespace in namespaces]
    requests += [raw_client.service_account(namespace, ACCESS_NAME) for namespace in namespaces]
    measure("floor", "up", lambda: raw_client.send(lab.kubeconfig, requests), rounds, lambda: _clear(lab, namespaces))

    ours = PulumiProject(lab, folder / "ours", OURS.format(secret=ACCESS_NAME, host=HOST, namespaces=namespaces))
    watch = Watch()
    calls = len(lab.ecr.calls())
    with watch.running():
        measure("imagepull", "up", ours.up, 1, nothing)
        calls = len(lab.ecr.calls()) - calls
        state = _state_size(ours)
        measure("imagepull", "preview", lambda: ours.preview("--expect-no-changes"), rounds, nothing)
        measure("imagepull", "refresh", ours.refresh, rounds, nothing)
        measure("imagepull", "destroy", ours.destroy, 1, nothing)
    for _ in range(rounds - 1):
        measure("imagepull", "up", ours.up, 1, nothing)
        measure("imagepull", "destroy", ours.destroy, 1, nothing)
    measured = _medians(measured)
    empty_state = _state_size(empty)

    if size <= PLAIN_LIMIT:
        plain = PulumiProject(
            lab, folder / "plain", PLAIN.format(secret=ACCESS_NAME, config=config, namespaces=namespaces)
        )
        measure("plain pulumi_kubernetes", "up", plain.up, 1, nothing)
        measure("plain pulumi_kubernetes", "preview", plain.preview, 1, nothing)
        measure("plain pulumi_kubernetes", "destroy", plain.destroy, 1, nothing)
    _clear(lab, namespaces)

    if size <= KUBECTL_LIMIT:
        manifest = folder / "secrets.yaml"
        documents = [json.loads(raw_client.secret(n, ACCESS_NAME, config).body) for n in namespaces]
        manifest.write_text(yaml.safe_dump_all(documents))
        measure("kubectl", "up", lambda: _kubectl(lab, manifest, namespaces), 1, lambda: _clear(lab, namespaces))
    facts: dict[str, object] = {
        "size": size,
        "token_calls": calls,
        "state_bytes_per_namespace": round((state - empty_state) / size, 1),
        "plugin_peak_mib": round(watch.peak, 1),
    }
    return measured, facts


def _medians(measured: Sequence[Measured]) -> list[Measured]:
    """One row for each way and thing: the median of all its rows."""
    rows: dict[tuple[str, str, int], list[Measured]] = {}
    for one in measured:
        rows.setdefault((one.way, one.what, one.size), []).append(one)
    return [
        Measured(
            way=way,
            what=what,
            size=size,
            seconds=statistics.median(one.seconds for one in found),
            rounds=sum(one.rounds for one in found),
        )
        for (way, what, size), found in rows.items()
    ]


def _create(lab: Lab, namespaces: Sequence[str]) -> None:
    """Make the namespaces and their `default` ServiceAccounts: not part of what is measured.

    The cluster's own controller makes 20 of these a second; 10,000 would take it eight minutes.
    """
    raw_client.send(lab.kubeconfig, [raw_client.namespace(name) for name in namespaces])
    raw_client.send(lab.kubeconfig, [raw_client.default_account(name) for name in namespaces])


def _clear(lab: Lab, namespaces: Sequence[str]) -> None:
    """Take the Secrets and the ServiceAccounts' entries away again, so that the next way starts from the same."""
    fields = f"--field-selector=metadata.name={ACCESS_NAME}"
    lab.kubectl("delete", "secrets", "--all-namespaces", fields, "--wait=false")
    raw_client.send(
        lab.kubeconfig,
        [
            raw_client.merge(f"/api/v1/namespaces/{namespace}/serviceaccounts/default", {"imagePullSecrets": None})
            for namespace in namespaces
        ],
    )


def _kubectl(lab: Lab, manifest: Path, namespaces: Sequence[str]) -> None:
    """The shell's way: one apply for the Secrets, one patch for each ServiceAccount, four at a time."""
    lab.kubectl("apply", "--server-side", "--force-conflicts", "--filename", str(manifest))
    patch = json.dumps({"imagePullSecrets": [{"name": ACCESS_NAME}]})
    command = ["xargs", "-P", "4", "-I", "{}", "kubectl", "patch", "serviceaccount", "default", "-n", "{}", "-p", patch]
    subprocess.run(command, input="\n".join(namespaces), text=True, env=lab.env, capture_output=True, check=True)


def _plugin_memory(folder: Path) -> float:
    """Peak memory in MiB of the process in this folder of /proc, if it is the plugin."""
    try:
        command = (folder / "cmdline").read_bytes()
        if b"python" not in command or b"/provider" not in command:
            return 0.0
        status = (folder / "status").read_text()
    except OSError:
        return 0.0
    peak = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM")]
    return int(peak[0]) / 1024 if peak else 0.0


def _state_size(project: PulumiProject) -> int:
    """Bytes of the stack's state as the backend keeps it."""
    (file,) = project.state.glob(".pulumi/stacks/**/*.json")
    return file.stat().st_size


def _print(measured: Sequence[Measured], facts: Sequence[dict[str, object]]) -> None:
    seconds = {(one.way, one.what, one.size): one.seconds for one in measured}
    print(f"{'namespaces':>10}  {'way':<24} {'what':<8} {'seconds':>8}  {'ours is':>8}")
    for one in measured:
        ours = seconds.get(("imagepull", one.what, one.size))
        ratio = f"{one.seconds / ours:7.1f}x" if ours and one.way != "imagepull" else ""
        print(f"{one.size:>10}  {one.way:<24} {one.what:<8} {one.seconds:>8.2f}  {ratio:>8}")
    for size in sorted({one.size for one in measured}):
        empty, floor = seconds["empty program", "up", size], seconds["floor", "up", size]
        print(
            f"{size} namespaces: up {seconds['imagepull', 'up', size]:.2f}s against empty + 2 x floor = "
            f"{empty + 2 * floor:.2f}s; preview {seconds['imagepull', 'preview', size]:.2f}s against 1.3 x empty = "
            f"{1.3 * seconds['empty program', 'preview', size]:.2f}s"
        )
    for fact in facts:
        print(", ".join(f"{name} {value}" for name, value in fact.items()))


def _plot(measured: Sequence[Measured], file: Path) -> None:
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(8, 5), layout="constrained")
    ways = sorted({(one.way, one.what) for one in measured if one.what in ("up", "preview")})
    for way, what in ways:
        points = sorted((one.size, one.seconds) for one in measured if (one.way, one.what) == (way, what))
        style = "-o" if what == "up" else "--s"
        axes.plot([size for size, _ in points], [seconds for _, seconds in points], style, label=f"{way}, {what}")
    axes.set(xscale="log", yscale="log", xlabel="namespaces", ylabel="seconds")
    axes.set_title("A pull Secret and the default ServiceAccount in each of N namespaces")
    axes.grid(visible=True, which="both", alpha=0.3)
    axes.legend(fontsize="small")
    figure.savefig(file, dpi=120)


if __name__ == "__main__":
    sys.exit(main())
