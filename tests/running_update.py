"""A `pulumi up` that goes on while a test looks at it."""

import json
import subprocess
from collections.abc import Callable
from types import TracebackType
from typing import Any

from imagepull.resource_types import PULL_WATCH
from lab.processes import wait_until
from tests.pulumi_project import PulumiStack

__all__ = ["RunningUpdate", "find_plugin", "list_processes"]


def list_processes(command: int) -> dict[int, str]:
    """The process of a Pulumi command and its descendants: process id to command line."""
    processes = {
        int(fields[0]): (int(fields[1]), fields[2])
        for line in subprocess.check_output(["ps", "-wweo", "pid,ppid,args"], text=True).splitlines()[1:]
        if len(fields := line.split(maxsplit=2)) == 3
    }

    def is_below(pid: int) -> bool:
        return pid == command or (pid in processes and is_below(processes[pid][0]))

    return {pid: args for pid, (_, args) in processes.items() if is_below(pid)}


def find_plugin(command: int) -> int | None:
    """The process of our plugin among the descendants of a Pulumi command's process."""
    return next((pid for pid, args in list_processes(command).items() if "provider 127.0.0.1:" in args), None)


class RunningUpdate:
    """A `pulumi up` of a stack, ended with the block.

    Args:
        stack: the stack; what the command prints goes to its `output`.
    """

    def __init__(self, stack: PulumiStack) -> None:
        self._stack = stack
        self._events = stack.folder / "events.jsonl"
        self._events.unlink(missing_ok=True)
        self._printed = stack.folder / "printed.txt"

    def __enter__(self) -> "RunningUpdate":
        with self._printed.open("wb") as printed:
            self.process = subprocess.Popen(
                ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive", f"--event-log={self._events}"],
                cwd=self._stack.folder,
                env={**self._stack.env, "PULUMI_DEBUG_COMMANDS": "true"},
                stdin=subprocess.DEVNULL,
                stdout=printed,
                stderr=subprocess.STDOUT,
            )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self._stack.output += self.text()

    def wait_for(self, condition: Callable[["RunningUpdate"], bool], *, timeout: float) -> bool:
        """Wait until the condition holds; False when the command ends, or the seconds pass, before it does."""
        wait_until(lambda: condition(self) or self.process.poll() is not None, timeout=timeout, pause=0.2)
        return condition(self) and self.process.poll() is None

    def text(self) -> str:
        """All that it has printed."""
        return self._printed.read_text()

    def warnings(self) -> list[str]:
        """The warnings of the PullWatch so far."""
        return self._messages("warning")

    def errors(self, of: str = PULL_WATCH) -> list[str]:
        """The errors so far of the PullWatch, or of resources with `of` in their URN."""
        return self._messages("error", of)

    def _messages(self, severity: str, of: str = PULL_WATCH) -> list[str]:
        found: list[dict[str, Any]] = []
        lines = self._events.read_text().splitlines() if self._events.exists() else []
        for line in lines:
            try:
                event = json.loads(line).get("diagnosticEvent") or {}
            except ValueError:
                continue  # half written
            found.append(event)
        return [each["message"] for each in found if each.get("severity") == severity and of in each.get("urn", "")]
