"""Processes that outlive the command which started them, known by process id and start time.

A process id alone may be another program's by the time it is to be stopped; together with the start time that the
kernel keeps it is unique.
"""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from lab.errors import LabError

__all__ = ["Process", "ProcessTable", "list_children", "read_start_mark", "wait_until"]


@dataclass(frozen=True, kw_only=True)
class Process:
    """A process that was started.

    Attributes:
        name: what the lab calls it.
        pid: its process id.
        started: the kernel's own mark of when (opaque text).
        ends_by: the signal that asks it to end.
        command: what it was started with.
    """

    name: str
    pid: int
    started: str
    ends_by: int = signal.SIGTERM
    command: tuple[str, ...] = ()

    @property
    def alive(self) -> bool:
        """Whether this very process still runs (a zombie does not)."""
        _reap(self.pid)
        return read_start_mark(self.pid) == self.started

    def stop(self, grace: float = 10.0) -> None:
        """End it, with SIGKILL after `grace` seconds. Nothing happens when it is gone already."""
        for sign in (self.ends_by, signal.SIGKILL):
            if not self.alive:
                return
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, sign)
            wait_until(lambda: not self.alive, timeout=grace)


class ProcessTable:
    """The processes of one lab: a file per process in `folder`, a log per process in `logs`."""

    def __init__(self, folder: Path, logs: Path) -> None:
        self._folder = folder
        self._logs = logs

    def log(self, name: str) -> Path:
        """The file that holds the output of process `name`."""
        return self._logs / f"{name}.log"

    def start(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        ends_by: int = signal.SIGTERM,
    ) -> Process:
        """Start `command` in a session of its own, its output going to `log(name)`."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._logs.mkdir(parents=True, exist_ok=True)
        arguments = tuple(str(part) for part in command)
        with self.log(name).open("ab") as log:
            child = subprocess.Popen(
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=dict(env) if env is not None else None,
            )
        process = Process(
            name=name,
            pid=child.pid,
            started=read_start_mark(child.pid) or "",
            ends_by=ends_by,
            command=arguments,
        )
        # Popen warns when it is collected while its child runs on: these are meant to.
        child.returncode = 0
        (self._folder / f"{name}.json").write_text(json.dumps(asdict(process)))
        return process

    def kill(self, name: str) -> None:
        """End one process without warning, and leave it to be started again by `restart`."""
        process = self._named(name)
        os.kill(process.pid, signal.SIGKILL)
        wait_until(lambda: not process.alive, timeout=10)

    def restart(self, name: str) -> Process:
        """Start a process that ended with the same command again (only those that have no environment of their own)."""
        return self.start(name, self._named(name).command)

    def _named(self, name: str) -> Process:
        return next(process for process in self.all() if process.name == name)

    def all(self) -> list[Process]:
        """The processes that were started and not stopped since, oldest first."""
        files = sorted(self._folder.glob("*.json"), key=lambda file: file.stat().st_mtime_ns)
        told = [json.loads(file.read_text()) for file in files]
        return [Process(**one | {"command": tuple(one.get("command", ()))}) for one in told]

    def stop(self, name: str) -> None:
        """Stop one process by name; nothing happens when there is none."""
        for process in self.all():
            if process.name == name:
                process.stop()
                (self._folder / f"{name}.json").unlink(missing_ok=True)

    def stop_all(self) -> None:
        """Stop all of them, the newest first."""
        for process in reversed(self.all()):
            self.stop(process.name)

    def wait_for(self, name: str, ready: Callable[[], bool], *, timeout: float = 60.0) -> None:
        """Wait until `ready()`.

        Raises:
            LabError: the process ended, or `timeout` seconds went by.
        """
        process = self._named(name)
        if not wait_until(lambda: ready() or not process.alive, timeout=timeout):
            raise LabError(f"{name} was not ready after {timeout:.0f} seconds", log=self.log(name))
        if not process.alive:
            raise LabError(f"{name} ended while it was starting", log=self.log(name))


def read_start_mark(pid: int) -> str | None:
    """When process `pid` was started, as its kernel tells it; None when there is no such living process."""
    if Path("/proc/self/stat").exists():
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return None
        return None if fields[0] in "ZX" else fields[19]
    found = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return found.stdout.strip() or None


def list_children(pid: int) -> list[int]:
    """The processes that `pid` started and that still run (Linux)."""
    found = []
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if folder.name.isdigit() and (folder / "stat").read_text().rpartition(")")[2].split()[1] == str(pid):
                found.append(int(folder.name))
    return found


def wait_until(condition: Callable[[], bool], *, timeout: float, pause: float = 0.05) -> bool:
    """Ask `condition` every `pause` seconds; False when it did not come true within `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True


def _reap(pid: int) -> None:
    with contextlib.suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
