"""The texts that stand unencrypted in a Pulumi project's own files: `Pulumi.yaml` and the stack's configuration.

Nothing here quotes a text: an error names only the file.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import yaml

from imagepull.errors import InvalidInput, Problem

__all__ = ["PlainText", "find_file", "list_plain_texts", "read_project_name"]

_SUFFIXES = (".yaml", ".yml", ".json")


@dataclass(frozen=True, kw_only=True)
class PlainText:
    """A text as it stands in a file."""

    text: str = field(repr=False)
    file: str
    """The file's name."""
    line: int
    """Counted from 1."""


@cache
def list_plain_texts(project: Path, stack: str) -> tuple[PlainText, ...]:
    """All texts of a project, save those that `pulumi config set --secret` encrypted.

    Args:
        project: Its `Pulumi.yaml`.
        stack: Name of the stack whose configuration belongs to it.

    Raises:
        InvalidInput: a file is not YAML.
    """
    root = _parse(project)
    configs = project.parent / (_find_scalar(root, "stackConfigDir") or ".")
    stack_file = find_file(configs, f"Pulumi.{stack}")
    return (
        *_list_texts(root, project.name),
        *(_list_texts(_find_child(_parse(stack_file), "config"), stack_file.name) if stack_file else ()),
    )


def read_project_name(project: Path) -> str | None:
    """The name in a `Pulumi.yaml`; None where it has none, or is not YAML."""
    try:
        return _find_scalar(_parse(project), "name")
    except (InvalidInput, OSError):
        return None


def find_file(folder: Path, stem: str) -> Path | None:
    """`stem.yaml` or the like in a folder; None where there is none."""
    return next((file for suffix in _SUFFIXES if (file := folder / f"{stem}{suffix}").is_file()), None)


def _parse(file: Path) -> yaml.Node | None:
    try:
        node: yaml.Node | None = yaml.compose(file.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError):
        raise InvalidInput([Problem(path=file.name, reason="is not YAML, so no text in it was checked")]) from None
    return node


def _find_child(node: yaml.Node | None, key: str) -> yaml.Node | None:
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return next((value for name, value in pairs if name.value == key), None)


def _find_scalar(node: yaml.Node | None, key: str) -> str | None:
    child = _find_child(node, key)
    return str(child.value) if isinstance(child, yaml.ScalarNode) else None


def _list_texts(node: yaml.Node | None, file: str) -> Iterator[PlainText]:
    if isinstance(node, yaml.ScalarNode):
        yield PlainText(text=node.value, file=file, line=node.start_mark.line + 1)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _list_texts(item, file)
    elif isinstance(node, yaml.MappingNode) and [key.value for key, _ in node.value] != ["secure"]:
        for _, value in node.value:
            yield from _list_texts(value, file)
