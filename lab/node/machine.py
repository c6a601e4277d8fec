"""What the node needs of the machine around it: a bridge, cgroups, and its first process."""

import ipaddress
import json
import os
import platform
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from lab import cgroups, debian
from lab.control_plane import NODE_NAME, ControlPlane
from lab.errors import LabError
from lab.images import write_pause
from lab.layout import CHECKOUT, Layout
from lab.lock import machine_lock
from lab.network import PodNetwork
from lab.node.config import Settings
from lab.node.limits import find_inotify_limit
from lab.pki import write_private
from lab.processes import ProcessTable, list_children, wait_until
from lab.progress import step
from lab.relay import Route

__all__ = ["Node", "find_missing_for_node"]

_POD_NETWORKS = ipaddress.IPv4Network("10.231.0.0/16")  # a free /24 of it for each lab


def find_missing_for_node() -> str | None:
    """Why this machine cannot run a kubelet; None when it can."""
    if platform.system() != "Linux":
        return f"a kubelet needs Linux, and this is {platform.system()}"
    if os.geteuid() != 0:
        return "a kubelet needs root"
    return None


class Node:
    """The node of one lab; its files are in `<lab>/node`."""

    def __init__(self, layout: Layout, processes: ProcessTable) -> None:
        self._layout = layout
        self._processes = processes
        self.folder = layout.folder / "node"

    @property
    def network(self) -> PodNetwork | None:
        """The Pod network of the node that was started; None when none was."""
        return Settings.read(self._settings_file).network if self._settings_file.exists() else None

    def prepare(self) -> PodNetwork:
        """Make the bridge and the cgroups.

        Returns:
            The Pod network that the bridge is part of.
        """
        bridge = self._layout.bridge
        with machine_lock("network"):
            network = _find_free_network()
            address = next(network.hosts())
            _run_ip("link", "add", bridge, "type", "bridge")
            _run_ip("address", "add", f"{address}/{network.prefixlen}", "dev", bridge)
        pods = PodNetwork(bridge_address=str(address))
        _run_ip("address", "add", f"{pods.api_server}/32", "dev", bridge)
        _run_ip("link", "set", bridge, "up")
        cgroups.create(self._layout.cgroup)
        return pods

    def start(self, network: PodNetwork, control_plane: ControlPlane, programs: Mapping[str, Path]) -> None:
        """Start containerd, the kubelet and the Pods' way to API server and ECR; wait until the node is ready for pods.

        Args:
            network: the Pod network, of `prepare`.
            control_plane: the one to join.
            programs: where the kubelet is.
        """
        with step("node"):
            self.folder.mkdir(parents=True, exist_ok=True)
            self._start_relay(network)
            pause_image = self.folder / "pause.tar"
            write_pause(pause_image)
            settings = Settings(
                name=NODE_NAME,
                folder=str(self.folder),
                address=network.bridge_address,
                bridge=self._layout.bridge,
                cgroup=self._layout.cgroup,
                port=self._layout.ports.kubelet,
                kubelet=str(programs["kubelet"]),
                kubeconfig=str(control_plane.find_kubeconfig(f"system:node:{NODE_NAME}")),
                pki=str(control_plane.folder / "pki"),
                pause_image=str(pause_image),
                registries=self._layout.ports.registries,
                containerd_log=str(self._processes.log("containerd")),
                kubelet_log=str(self._processes.log("kubelet")),
            )
            self._write(settings)
            unshare = ["unshare", "--fork", "--pid", "--mount", "--mount-proc", "--kill-child=SIGKILL"]
            self._processes.start(
                "node",
                [*unshare, "--propagation=private", sys.executable, "-m", "lab.node.init", self._settings_file],
                env={**os.environ, "PYTHONPATH": str(CHECKOUT), "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"},
                ends_by=signal.SIGKILL,  # unshare shuts SIGTERM out
            )
            self._wait_for(control_plane.is_node_ready)

    def restart_kubelet(
        self, control_plane: ControlPlane, *, flags: Sequence[str] = (), env: Mapping[str, str] | None = None
    ) -> None:
        """Start the kubelet again with other flags and variables, and wait until it answers; Pods run on.

        Args:
            control_plane: the one that the node has joined.
            flags: more flags than the lab's own; none takes back those of an earlier call.
            env: more variables for the kubelet and the plugins that it runs.
        """
        settings = Settings.read(self._settings_file)
        told = replace(settings, kubelet_flags=list(flags), kubelet_env=dict(env or {}))
        if told == settings:
            return
        kubelet = self._find_kubelet()
        self._write(told)
        os.kill(kubelet, signal.SIGKILL)
        wait_until(lambda: not Path(f"/proc/{kubelet}").exists(), timeout=10)
        self._wait_for(control_plane.does_kubelet_answer)

    @contextmanager
    def hold_kubelet(self) -> Iterator[None]:
        """The kubelet stands still while a block runs: it pulls, starts and reports nothing. Pods run on."""
        kubelet = self._find_kubelet()
        os.kill(kubelet, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(kubelet, signal.SIGCONT)

    def _find_kubelet(self) -> int:
        (first,) = list_children(next(one.pid for one in self._processes.all() if one.name == "node"))
        (kubelet,) = [pid for pid in list_children(first) if Path(f"/proc/{pid}/comm").read_text() == "kubelet\n"]
        return kubelet

    def _wait_for(self, ready: Callable[[], bool]) -> None:
        try:
            self._processes.wait_for("node", ready, timeout=120)
        except LabError as error:
            limits = (find_inotify_limit(self._processes.log(daemon)) for daemon in ("kubelet", "containerd"))
            raise next(filter(None, limits), error) from None

    @property
    def _settings_file(self) -> Path:
        return self.folder / "settings.json"

    def _write(self, settings: Settings) -> None:
        # In one step: the node's first process may read it at any time.
        partial = self.folder / "settings.partial"
        write_private(partial, json.dumps(vars(settings), indent=2))
        partial.replace(self._settings_file)

    def _start_relay(self, network: PodNetwork) -> None:
        ports = self._layout.ports
        routes = (
            Route(address=network.api_server, port=443, target=ports.apiserver),
            Route(address=network.bridge_address, port=ports.ecr, target=ports.ecr),
        )
        self._processes.start(
            "relay",
            [sys.executable, "-m", "lab.relay", self._layout.bridge, *map(str, routes)],
            env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        )

    def remove(self) -> None:
        """Take away the bridge and the cgroups; its processes are stopped already."""
        bridge = self._layout.bridge
        if Path("/sys/class/net", bridge).exists():
            _run_ip("link", "delete", bridge)
        if find_missing_for_node() is None:
            cgroups.remove(self._layout.cgroup)


def _find_free_network() -> ipaddress.IPv4Network:
    told = json.loads(_run_ip("-json", "address"))
    taken = [
        ipaddress.ip_interface(f"{address['local']}/{address['prefixlen']}").network
        for link in told
        for address in link.get("addr_info", ())
        if address["family"] == "inet"
    ]
    for network in _POD_NETWORKS.subnets(new_prefix=24):
        if not any(network.overlaps(other) for other in taken if isinstance(other, ipaddress.IPv4Network)):
            return network
    raise LabError(f"no free network for pods in {_POD_NETWORKS}", hint="take labs down: python -m lab down --all")


def _run_ip(*arguments: str) -> str:
    command = [str(debian.find("ip") or "ip"), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LabError(f"{' '.join(command)} failed: {done.stderr.strip()}")
    return done.stdout
