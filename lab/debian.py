"""Programs of the lab that come as Debian packages."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from lab.errors import LabError
from lab.lock import machine_lock
from lab.progress import step

__all__ = ["BROWSER", "PACKAGES", "find", "list_missing", "provide", "provide_browser"]

# Program (or file) to the package that brings it.
PACKAGES = {
    "containerd": "containerd",
    "runc": "runc",
    "/usr/lib/cni/bridge": "containernetworking-plugins",
    "docker-registry": "docker-registry",
    "skopeo": "skopeo",
    "busybox": "busybox-static",
    "ip": "iproute2",
    "unshare": "util-linux",
}
# Only the tests of pages need one.
BROWSER = {"chromium": "chromium"}
_POLICY = Path("/usr/sbin/policy-rc.d")


def list_missing(programs: Mapping[str, str] = PACKAGES) -> list[str]:
    """The packages whose programs are not on this machine."""
    return sorted({package for program, package in programs.items() if find(program) is None})


def find(program: str) -> Path | None:
    """Where a program is, also when the folders of root's programs are not on PATH."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    found = shutil.which(program, path=path)
    return Path(found) if found else None


def provide_browser() -> None:
    """Install the browser if it is missing; raises LabError as `provide` does."""
    if list_missing(BROWSER):
        with machine_lock("debian", waiting="Debian packages: another command installs them; waiting for it"):
            provide(BROWSER)


def provide(programs: Mapping[str, str] = PACKAGES) -> None:
    """Install what is missing.

    Raises:
        LabError: something is missing and cannot be installed from here; it names the line to run.
    """
    packages = list_missing(programs)
    if not packages:
        return
    line = f"apt-get install --no-install-recommends {' '.join(packages)}"
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        raise LabError(f"these Debian packages are missing: {' '.join(packages)}", hint=f"as root: {line}")
    with (
        step(f"Debian packages {' '.join(packages)}"),
        _keep_services_down(),
        tempfile.NamedTemporaryFile("w", prefix="imagepull-apt-", suffix=".log", delete=False) as log,
    ):
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for command in (["apt-get", "update"], [*line.split(), "--yes"]):
            done = subprocess.run(command, stdout=log, stderr=subprocess.STDOUT, env=environment, check=False)
            if done.returncode != 0:
                raise LabError(f"{' '.join(command)} failed", log=Path(log.name), hint=f"run it by hand: {line}")
    Path(log.name).unlink()


@contextmanager
def _keep_services_down() -> Iterator[None]:
    """Keep packages from starting their services: the lab starts its own (Debian's policy-rc.d interface)."""
    if _POLICY.exists():
        yield
        return
    _POLICY.write_text("#!/bin/sh\nexit 101\n")
    _POLICY.chmod(0o755)
    try:
        yield
    finally:
        _POLICY.unlink()
