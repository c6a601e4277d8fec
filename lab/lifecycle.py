"""A lab from `up` to `down`: control plane, node, ECR and registries, and what a Pulumi command needs."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from lab import debian, environment, images
from lab.control_plane import ControlPlane
from lab.ecr.client import EcrControl
from lab.ecr.config import EcrConfig, RegistryConfig
from lab.errors import LabError
from lab.layout import CHECKOUT, DEFAULT_NAME, LABS, Layout, lay_out, list_names, load
from lab.lock import machine_lock
from lab.network import PodNetwork
from lab.node import Node, find_missing_for_node
from lab.processes import Process, ProcessTable, read_start_mark
from lab.progress import say, step
from lab.publish import publish, publish_images
from lab.toolchain import build
from lab.toolchain.table import KUBERNETES_PLUGIN_VERSION

__all__ = ["PROGRAMS", "Lab", "down", "identify_this_process", "prepare", "up"]

# What `up` and the tests start; the other programs of the table are built when something asks for them.
PROGRAMS = (
    "pulumi",
    "pulumi-language-python",
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kubectl",
    "pulumi-resource-kubernetes",
)


class Lab:
    """One lab that is up.

    Attributes:
        layout: its folder, ports and registries.
        without: what this machine cannot run, in one sentence; None when nothing is left out.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.without = find_missing_for_node()
        self.processes = ProcessTable(layout.folder / "processes", layout.folder / "logs")

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.layout.kubeconfig

    @property
    def env(self) -> dict[str, str]:
        """The environment for programs that are to use this lab."""
        return environment.make_process_environment(self.layout)

    @property
    def pod_network(self) -> PodNetwork | None:
        """The addresses of bridge, Pods and Services; None when the lab has no node."""
        return Node(self.layout, self.processes).network

    @property
    def pod_env(self) -> dict[str, str]:
        """The variables with which a Pod asks the lab's ECR and STS; credentials are not among them.

        Raises:
            LabError: the lab has no node.
        """
        network = self.pod_network
        if network is None:
            raise LabError(f"the lab {self.layout.name} has no node, so no Pod runs", hint=self.without)
        return environment.make_pod_variables(self.layout, network)

    @property
    def ecr(self) -> EcrControl:
        """Calls made, tokens issued, faults to inject."""
        return EcrControl.of(self._ecr_config)

    @property
    def access_log(self) -> Path:
        """Every request that the registries got: see `lab.ecr.access_log`."""
        return EcrConfig.read(self._ecr_config).access_log

    def run(
        self, *command: str | Path, cwd: Path | None = None, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run a program against the lab and collect what it prints.

        Raises:
            LabError: it failed, unless `check` is False.
        """
        done = subprocess.run(
            [str(part) for part in command], cwd=cwd, env=self.env, capture_output=True, text=True, check=False
        )
        if check and done.returncode != 0:
            shown = " ".join(str(part) for part in command)
            raise LabError(f"{shown} failed ({done.returncode}):\n{done.stdout}{done.stderr}".rstrip())
        return done

    def kubectl(self, *arguments: str) -> str:
        """Run kubectl as administrator.

        Raises:
            LabError: it failed.
        """
        return self.run("kubectl", *arguments).stdout

    @property
    def _ecr_config(self) -> Path:
        return self.layout.folder / "ecr.json"

    @property
    def control_plane(self) -> ControlPlane:
        """The API server, to ask it directly."""
        return ControlPlane(self.layout, self.processes, {})

    def start(self, programs: Mapping[str, Path]) -> None:
        """Start everything, in the order of who needs whom."""
        environment.link_programs(self.layout, dict(programs))
        self._prepare_pulumi(programs["pulumi-resource-kubernetes"])
        control_plane = ControlPlane(self.layout, self.processes, programs)
        node = None if self.without else Node(self.layout, self.processes)
        network = node.prepare() if node else None
        control_plane.start(network)
        if not debian.list_missing():
            self._start_registries()
        if node and network:
            node.start(network, control_plane, programs)
        elif self.without:
            say(f"  node: left out, {self.without}; pods stay Pending")

    def restart_kubelet(self, *flags: str, env: Mapping[str, str] | None = None) -> None:
        """Start the node's kubelet again with more flags and variables, or without those of an earlier call.

        Raises:
            LabError: it did not come up again.
        """
        Node(self.layout, self.processes).restart_kubelet(self.control_plane, flags=flags, env=env)

    def hold_kubelet(self) -> AbstractContextManager[None]:
        """The node's kubelet stands still while a block runs: it pulls, starts and reports nothing. Pods run on."""
        return Node(self.layout, self.processes).hold_kubelet()

    def publish(self, image: images.Image, repository: str, tag: str = "1") -> str:
        """Bring an image into the first of the lab's registries.

        Args:
            image: such as `lab.python_image.make_python_image()`, which runs this checkout's imagepull.
            repository: such as `tools/imagepull`.
            tag: a tag that is there already is moved.

        Returns:
            The reference with which Pods name it: `HOST/NAME:TAG`.

        Raises:
            LabError: the push failed.
        """
        config = EcrConfig.read(self._ecr_config)
        (reference,) = publish_images(config.registries[0], repository, {tag: image}, config=config)
        return reference

    def add_programs(self, names: Sequence[str]) -> None:
        """Build or find more programs of the toolchain's table, and put them on PATH beside the others.

        Raises:
            LabError: a build failed.
        """
        here = self.layout.folder / "bin"
        environment.link_programs(
            self.layout, {name: file for name, file in build.provide(names).items() if not (here / name).exists()}
        )

    def broken(self) -> list[str]:
        """The processes that ended by themselves."""
        return [process.name for process in self.processes.all() if not process.alive]

    def stop(self) -> None:
        """Stop every process and take away all that the lab made on this machine."""
        self.processes.stop_all()
        Node(self.layout, self.processes).remove()
        shutil.rmtree(self.layout.folder)

    def _prepare_pulumi(self, kubernetes_plugin: Path) -> None:
        folder = self.layout.folder
        for made in ("pulumi-home", "pulumi-state", "aws"):
            (folder / made).mkdir(parents=True, exist_ok=True)
        # As `pulumi plugin install --file` would put it, but without a copy of its 150 MB for each lab.
        plugin = folder / "pulumi-home" / "plugins" / f"resource-kubernetes-v{KUBERNETES_PLUGIN_VERSION}"
        plugin.mkdir(parents=True)
        environment.hard_link(kubernetes_plugin, plugin / kubernetes_plugin.name)

    def _start_registries(self) -> None:
        layout, state = self.layout, self.layout.folder / "ecr"
        config = EcrConfig(
            state=state,
            api_port=layout.ports.ecr,
            control_port=layout.ports.ecr_control,
            web_identity_key=self.control_plane.service_account_key,
            registries=tuple(
                RegistryConfig(
                    host=registry.host,
                    account=registry.account,
                    region=registry.region,
                    port=layout.ports.registries[registry.host],
                    backend_port=layout.ports.backends[registry.host],
                    storage=state / registry.host,
                )
                for registry in images.REGISTRIES
            ),
        )
        state.mkdir(exist_ok=True)
        config.write(self._ecr_config)
        config.ready.unlink(missing_ok=True)
        with step("ECR and registries"):
            self.processes.start(
                "ecr",
                [sys.executable, "-m", "lab.ecr", "--config", self._ecr_config],
                env={**self.env, "PYTHONPATH": str(CHECKOUT)},
            )
            self.processes.wait_for("ecr", config.ready.exists)
        with step("images"):
            publish(config)


def up(name: str = DEFAULT_NAME, *, owner: Process | None = None) -> Lab:
    """Bring a lab up, or find it up already; what a killed one left behind is cleaned away first.

    Args:
        name: the lab's.
        owner: the process that the lab must not outlive: when it is gone, the next `up` of any lab takes it down.

    Raises:
        LabError: a step failed.
    """
    _sweep()
    layout = load(name)
    if layout is not None:
        lab = Lab(layout)
        broken = lab.broken()
        if not broken and lab.processes.all():
            return lab
        say(f"lab {name}: cleaning up what an earlier one left ({', '.join(broken) or 'it never came up'})")
        down(name)
    programs = prepare(PROGRAMS)
    layout = lay_out(name, owner=(owner.pid, owner.started) if owner else None)
    layout.save()
    lab = Lab(layout)
    try:
        lab.start(programs)
    except BaseException:
        _keep_logs(lab)
        down(name)
        raise
    return lab


def prepare(programs: Sequence[str] | None = None) -> dict[str, Path]:
    """Install the Debian packages and find or build the programs that a lab needs; all of the table by default.

    Returns:
        Name of each program to its file.

    Raises:
        LabError: something cannot be had; the message says what to do.
    """
    if find_missing_for_node() is None:
        with machine_lock("debian", waiting="Debian packages: another command installs them; waiting for it"):
            debian.provide()
    return build.provide(programs)


def down(name: str = DEFAULT_NAME) -> bool:
    """Take a lab down; False when there is none of that name."""
    # Under the lock of `_sweep`: otherwise two commands take one lab down, or one reads files that the other removes.
    with machine_lock("sweep", waiting="another command takes labs down; waiting for it"):
        layout = load(name)
        if layout is None:
            return False
        Lab(layout).stop()
    return True


def identify_this_process() -> Process:
    """This very process, as the owner of a lab."""
    return Process(name="owner", pid=os.getpid(), started=read_start_mark(os.getpid()) or "")


def _sweep() -> None:
    """Take down labs whose owner is gone: tests that were killed."""
    with machine_lock("sweep"):
        for name in list_names():
            layout = load(name)
            if layout and layout.owner and read_start_mark(layout.owner[0]) != layout.owner[1]:
                say(f"lab {name}: its owner is gone; taking it down")
                Lab(layout).stop()


def _keep_logs(lab: Lab) -> None:
    """Keep the logs of a lab that did not come up, for the message that names them."""
    logs = lab.layout.folder / "logs"
    if logs.exists():
        kept = LABS / "failed-logs"
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(logs, kept)
        say(f"logs of the lab that did not come up: {kept}")
