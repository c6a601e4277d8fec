"""Runs the shell steps of a GitHub workflow as they stand, as GitHub would, on this machine."""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

_expression = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")
# https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax (shell: bash).
_SHELL = ("bash", "--noprofile", "--norc", "-eo", "pipefail")


class WorkflowJob:
    """One job of a workflow file.

    Args:
        file: the workflow.
        job: the job's key.
        values: what each expression in it stands for (`matrix.stack`); one that is missing is an error. An `if` that
            stands for nothing, "" or "false", skips its step.
    """

    def __init__(self, file: Path, job: str, values: Mapping[str, str]) -> None:
        self._job: dict[str, Any] = yaml.safe_load(file.read_text())["jobs"][job]
        self._values = dict(values)

    def run(self, cwd: Path, env: Mapping[str, str]) -> list[subprocess.CompletedProcess[str]]:
        """Run the steps up to the first that fails, and then those that run nevertheless; in a clean set of files."""
        files = {name: cwd / f".{name.lower()}" for name in ("GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY")}
        done: list[subprocess.CompletedProcess[str]] = []
        for step in self._job["steps"]:
            failed = any(each.returncode for each in done)
            if "run" not in step or not self._wanted(step.get("if"), failed):
                continue
            files["GITHUB_OUTPUT"].write_text("")
            own = {**self._strings(self._job.get("env")), **self._strings(step.get("env"))}
            script = cwd / ".step.sh"
            script.write_text(self._filled(step["run"]))
            told = {name: str(file) for name, file in files.items()}
            done.append(
                subprocess.run(
                    [*_SHELL, str(script)],
                    cwd=cwd,
                    env={**env, **told, **own},
                    stdin=subprocess.DEVNULL,
                    capture_output=True,
                    text=True,
                    check=False,
                )
            )
            for line in files["GITHUB_OUTPUT"].read_text().splitlines():
                name, _, value = line.partition("=")
                self._values[f"steps.{step['id']}.outputs.{name}"] = value
        return done

    def _wanted(self, condition: str | None, failed: bool) -> bool:
        if condition is None:
            return not failed
        inner = _expression.fullmatch(condition)
        assert inner is not None, f"an if without ${{{{ }}}}: {condition}"
        return inner[1] == "!cancelled()" or (not failed and self._values[inner[1]] not in ("", "false"))

    def _strings(self, env: Mapping[str, Any] | None) -> dict[str, str]:
        return {name: self._filled(str(value)) for name, value in (env or {}).items()}

    def _filled(self, text: str) -> str:
        return _expression.sub(lambda found: self._values[found[1]], text)
