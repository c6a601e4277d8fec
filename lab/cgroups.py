"""One cgroup of the lab's own below the root of every hierarchy, for cgroup v1 and v2."""

import contextlib
import os
from functools import partial
from pathlib import Path

from lab.errors import LabError
from lab.processes import wait_until

__all__ = ["create", "remove"]

_ROOT = Path("/sys/fs/cgroup")


def create(name: str) -> None:
    """Make the cgroup `name` in every hierarchy of this machine, ready for the kubelet to make others in it."""
    for hierarchy in _list_hierarchies():
        folder = hierarchy / name
        folder.mkdir(exist_ok=True)
        if (hierarchy / "cgroup.controllers").exists():
            controllers = (hierarchy / "cgroup.controllers").read_text().split()
            wanted = " ".join(f"+{controller}" for controller in controllers)
            for place in (hierarchy, folder):
                (place / "cgroup.subtree_control").write_text(wanted)
        for file in ("cpuset.cpus", "cpuset.mems"):
            # In v1 a new cpuset is empty, and nothing can run in it.
            if (folder / file).exists() and not (hierarchy / "cgroup.controllers").exists():
                (folder / file).write_text((hierarchy / file).read_text())


def remove(name: str) -> None:
    """Remove the cgroup `name` and all below it; its processes have ended already.

    Raises:
        LabError: something still runs in it.
    """
    for hierarchy in _list_hierarchies():
        folder = hierarchy / name
        if not wait_until(partial(_remove, folder), timeout=10):
            raise LabError(f"{folder} cannot be removed", hint="end the processes in it, then again")


def _list_hierarchies() -> list[Path]:
    if (_ROOT / "cgroup.controllers").exists():
        return [_ROOT]
    folders = [folder for folder in _ROOT.iterdir() if folder.is_dir() and not folder.is_symlink()]
    return [folder for folder in folders if folder.is_mount() and (folder / "cgroup.procs").exists()]


def _remove(folder: Path) -> bool:
    for below, _, _ in os.walk(folder, topdown=False):
        with contextlib.suppress(OSError):
            Path(below).rmdir()
    return not folder.exists()
