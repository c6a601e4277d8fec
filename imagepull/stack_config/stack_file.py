"""A stack's file (`Pulumi.<stack>.yaml`) as it stands: it has what Pulumi does not pass on to a program.

A program gets every value decrypted, and nothing of what stands outside of `config:`. Which values are in plain text,
and what is in the wrong place, only the file says.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from imagepull.errors import Problem
from imagepull.registries.secret_properties import REGISTRY_SECRETS

__all__ = ["StackFile", "read_stack_file", "report_plain_secret"]

_SUFFIXES: Final = (".yaml", ".yml", ".json")
_namespaced = re.compile(r"[^:\s]+:[^:\s]+")


@dataclass(frozen=True, kw_only=True)
class StackFile:
    """What stands in a stack's file."""

    name: str
    document: Mapping[str, Any]

    def find_problems(self, project: str) -> Iterator[Problem]:
        """Keys outside of `config:`, and passwords in plain text."""
        for key in self.document:
            if key != "config" and isinstance(key, str) and _namespaced.fullmatch(key):
                reason = f"stands outside of config: in {self.name}, where nobody reads it; move it below config:"
                yield Problem(path=key, reason=reason)
        config = self.document.get("config")
        for key in ("registries", f"{project}:registries"):
            registries = config.get(key) if isinstance(config, Mapping) else None
            for place, registry in enumerate(registries if isinstance(registries, list) else []):
                for name in REGISTRY_SECRETS.intersection(registry if isinstance(registry, Mapping) else ()):
                    if isinstance(registry[name], str):  # an encrypted one is {secure: ...}
                        yield report_plain_secret(project, place, name)


def report_plain_secret(project: str, place: int, name: str) -> Problem:
    """The problem of a registry's secret input that is not encrypted."""
    path = f"{project}:registries[{place}].{name}"
    reason = (
        "stands in plain text in the stack's file; replace it at the registry, and write the new one with"
        f" `pulumi config set --secret --path '{path}'`"
    )
    return Problem(path=path, reason=reason)


def read_stack_file(root: Path, stack: str) -> StackFile | None:
    """The file of a stack.

    Args:
        root: The project's folder, with its `Pulumi.yaml`.
        stack: Name of the stack, without organization and project.

    Returns:
        None where there is none, as with `--config-file`, or it is not YAML, which Pulumi itself reports.
    """
    project = _find(root, "Pulumi")
    folder = _load(project).get("stackConfigDir") if project else None
    file = _find(root / folder if isinstance(folder, str) else root, f"Pulumi.{stack}")
    return StackFile(name=file.name, document=_load(file)) if file else None


def _find(folder: Path, stem: str) -> Path | None:
    return next((file for suffix in _SUFFIXES if (file := folder / f"{stem}{suffix}").is_file()), None)


def _load(file: Path) -> Mapping[str, Any]:
    import yaml

    try:
        document = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return {}
    return document if isinstance(document, Mapping) else {}
