"""Where a lab keeps what, which ports it has, and how to find it again: `.lab/<name>/lab.json`."""

import json
import re
import secrets
import socket
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from lab.errors import LabError
from lab.images import REGISTRIES
from lab.pki import write_private

__all__ = [
    "CHECKOUT",
    "DEFAULT_NAME",
    "LABS",
    "Layout",
    "Ports",
    "find_free_ports",
    "format_command",
    "lay_out",
    "list_names",
    "load",
    "load_existing",
]

CHECKOUT = Path(__file__).resolve().parent.parent
LABS = CHECKOUT / ".lab"
DEFAULT_NAME = "default"

# A Unix socket's path has 108 bytes; containerd appends to the folder that it is given.
_LONGEST_FOLDER = 80


@dataclass(frozen=True, kw_only=True)
class Ports:
    """Loopback ports, chosen free when the lab is made.

    Attributes:
        registries: registry host to the port where pulls and pushes for it go.
        backends: registry host to the port of the docker-registry behind that.
    """

    etcd: int
    etcd_peer: int
    apiserver: int
    kubelet: int
    ecr: int
    ecr_control: int
    registries: Mapping[str, int]
    backends: Mapping[str, int]


@dataclass(frozen=True, kw_only=True)
class Layout:
    """All that is fixed for the life of one lab.

    Attributes:
        name: the lab's name, one folder each.
        id: eight random hex characters: names what the lab makes outside its folder (bridge, cgroups).
        owner: the process that the lab must not outlive, as (process id, start mark); None = stays until `down`.
    """

    name: str
    id: str
    ports: Ports
    owner: tuple[int, str] | None = field(default=None)

    @property
    def folder(self) -> Path:
        """The one folder of this lab."""
        return LABS / self.name

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig, readable by this user only."""
        return self.folder / "kubeconfig"

    @property
    def bridge(self) -> str:
        """The network bridge that pods hang on."""
        return f"ip-{self.id}"

    @property
    def cgroup(self) -> str:
        """The cgroup, below the root of each hierarchy, that pods live in."""
        return f"imagepull-lab-{self.id}"

    def save(self) -> None:
        """Write `lab.json`."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        write_private(self.folder / "lab.json", json.dumps(asdict(self), indent=2))


def lay_out(name: str, *, owner: tuple[int, str] | None = None) -> Layout:
    """Lay out a lab: an id and free ports. Nothing is written."""
    if not re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,30}[a-z0-9])?", name):
        raise LabError(f"not a lab's name: {name!r}", hint="lower-case letters, digits and inner dashes, 32 at most")
    folder = LABS / name
    if len(str(folder)) > _LONGEST_FOLDER:
        raise LabError(
            f"the lab's folder has too long a path for the sockets in it: {folder}",
            hint=f"move the checkout to where .lab/{name} has at most {_LONGEST_FOLDER} characters",
        )
    hosts = [registry.host for registry in REGISTRIES]
    free = iter(find_free_ports(6 + 2 * len(hosts)))
    return Layout(
        name=name,
        id=secrets.token_hex(4),
        owner=owner,
        ports=Ports(
            etcd=next(free),
            etcd_peer=next(free),
            apiserver=next(free),
            kubelet=next(free),
            ecr=next(free),
            ecr_control=next(free),
            registries={host: next(free) for host in hosts},
            backends={host: next(free) for host in hosts},
        ),
    )


def load(name: str) -> Layout | None:
    """The layout of a lab that was made earlier; None when there is none of that name."""
    try:
        told = json.loads((LABS / name / "lab.json").read_text())
    except FileNotFoundError:
        return None
    owner = told.pop("owner")
    return Layout(
        name=told["name"],
        id=told["id"],
        owner=(owner[0], owner[1]) if owner else None,
        ports=Ports(**told["ports"]),
    )


def format_command(subcommand: str, name: str) -> str:
    """The command line that a person types for the lab `name`: `python -m lab down --name test`."""
    return f"python -m lab {subcommand}" + ("" if name == DEFAULT_NAME else f" --name {name}")


def load_existing(name: str) -> Layout:
    """The layout of a lab that was made earlier.

    Raises:
        LabError: there is none of that name.
    """
    layout = load(name)
    if layout is None:
        raise LabError(f"there is no lab {name}", hint=format_command("up", name))
    return layout


def list_names() -> list[str]:
    """The labs that were made in this checkout and not taken down."""
    return sorted(file.parent.name for file in LABS.glob("*/lab.json"))


def find_free_ports(count: int) -> list[int]:
    """Ports that nobody listens on: held open together, so that they differ."""
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_STREAM) for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()
