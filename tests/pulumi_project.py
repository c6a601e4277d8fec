"""A Pulumi program of a test: its own folder, its own state, the real CLI, this checkout's plugin, against the lab."""

import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
import textwrap
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import yaml

from lab.layout import CHECKOUT
from lab.lifecycle import Lab

STACK = "test"


class CommandFailed(AssertionError):
    """A Pulumi command failed that a test expected to work; the message is all that it printed."""


class PulumiStack:
    """One stack of a program that is in a folder.

    Args:
        lab: what it runs against.
        folder: the program's, with its `Pulumi.yaml`.
        state: a folder for its state, made here. Default: `state` in the program's.
        env: variables beside those of the lab.
    """

    def __init__(
        self, lab: Lab, folder: Path, *, state: Path | None = None, env: Mapping[str, str] | None = None
    ) -> None:
        self.folder = folder
        self.state = state or folder / "state"
        self.output = ""
        self.env = {**lab.env, "PULUMI_BACKEND_URL": f"file://{self.state}", **(env or {})}
        self.state.mkdir(parents=True)

    def init(self) -> None:
        """Make the stack."""
        self.pulumi("stack", "init", STACK)

    def pulumi(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a Pulumi command; all that is printed by any is collected in `output`.

        Raises:
            CommandFailed: it failed, unless `check` is False.
        """
        done = subprocess.run(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=self.folder,
            env=self.env,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        self.output += done.stdout + done.stderr
        if check and done.returncode != 0:
            raise CommandFailed(f"pulumi {' '.join(arguments)} failed ({done.returncode})\n{done.stdout}{done.stderr}")
        return done

    def preview_on_terminal(self) -> str:
        """`pulumi preview` as a person at a terminal of 200 columns sees it, without colours and movements."""
        ours, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 60, 200, 0, 0))
        command = ["pulumi", "preview", "--color=never"]
        env = {**self.env, "TERM": "xterm"}
        with subprocess.Popen(
            command, cwd=self.folder, env=env, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True
        ) as process:
            os.close(terminal)
            seen = b""
            with suppress(OSError):  # EIO: the terminal has no writer any more
                while some := os.read(ours, 65536):
                    seen += some
        os.close(ours)
        text = re.sub(r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\\\)|\x1b\[[0-9;?]*[A-Za-z]", "", seen.decode(errors="replace"))
        self.output += text
        if process.returncode != 0:
            raise CommandFailed(f"pulumi preview failed ({process.returncode})\n{text}")
        return text

    def up(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """`pulumi up`, without asking and without a preview first."""
        return self.pulumi("up", "--yes", "--skip-preview", *arguments, check=check)

    def preview(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """`pulumi preview`."""
        return self.pulumi("preview", *arguments, check=check)

    def refresh(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """`pulumi refresh`, without asking."""
        return self.pulumi("refresh", "--yes", "--skip-preview", *arguments, check=check)

    def destroy(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """`pulumi destroy`, without asking."""
        return self.pulumi("destroy", "--yes", "--skip-preview", *arguments, check=check)

    def outputs(self) -> dict[str, Any]:
        """The stack's outputs, secrets too."""
        told: dict[str, Any] = json.loads(self.pulumi("stack", "output", "--json", "--show-secrets").stdout)
        return told

    def resources(self) -> list[dict[str, Any]]:
        """The resources in the state, as `pulumi stack export` tells them."""
        told = json.loads(self.pulumi("stack", "export").stdout)
        resources: list[dict[str, Any]] = told["deployment"].get("resources", [])
        return resources

    def resource(self, type_: str) -> dict[str, Any]:
        """The one resource of a type."""
        (found,) = [resource for resource in self.resources() if resource["type"] == type_]
        return found


class PulumiProject(PulumiStack):
    """A Python program with one stack.

    Args:
        lab: what it runs against.
        folder: an empty folder for the program and its state.
        program: the text of `__main__.py`; it may import `components` and `imagepull`.
        name: name of the project.
        env: variables beside those of the lab.
    """

    def __init__(
        self, lab: Lab, folder: Path, program: str, *, name: str = "test-project", env: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(lab, folder, env={"PYTHONPATH": str(CHECKOUT), **(env or {})})
        document = {
            "name": name,
            "runtime": {"name": "python", "options": {"virtualenv": sys.prefix}},
            "plugins": {"providers": [{"name": "imagepull", "path": str(CHECKOUT / "provider")}]},
        }
        (folder / "Pulumi.yaml").write_text(yaml.safe_dump(document))
        self.write(program)
        self.init()

    def write(self, program: str) -> None:
        """Replace the program."""
        (self.folder / "__main__.py").write_text(textwrap.dedent(program))
