"""Reference pages, made of what the code says of itself, so that page and code cannot differ.

The resources come from the plugin's schema, which is made of the classes in `components/`; the commands from argparse;
the Python API is a list of modules for mkdocstrings.
"""

import argparse
import importlib
import json
import pkgutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from docsite import troubleshooting
from docsite.changelog import make_changelog
from imagepull.cli import make_parser
from imagepull.pull_plan.manifest import WORKLOAD_KINDS
from provider.schema import make_schema

__all__ = ["make_pages"]

_CHECKOUT: Final = Path(__file__).resolve().parent.parent
_VERSION: Final = "0.0.0"  # no page names it
_PREFIX: Final = "#/types/imagepull:index:"
_ROOMS: Final = ("images", "registries", "pull_plan")
"""Rooms of the domain that programs of other people may use; the others serve the provider and the command."""


def make_pages() -> Mapping[str, str]:
    """Text of each generated page by its path below docs/."""
    package = json.loads(make_schema(_VERSION))
    return {
        "reference/resources.md": "\n".join(_describe_package(package)),
        "reference/cli.md": "\n".join(_describe_commands(make_parser())),
        "reference/api.md": "\n".join(_describe_api()),
        "changelog.md": make_changelog(_CHECKOUT),
        **troubleshooting.make_pages(),
    }


def _describe_package(package: Mapping[str, Any]) -> Iterator[str]:
    yield "# Resources, components and types"
    yield "\nNames are those of YAML and TypeScript; in Python they are in snake case (`roleArn` is `role_arn`)."
    yield "\n## Provider configuration\n"
    yield from _describe_fields(package["config"]["variables"], ())
    resources = package["resources"]
    for token in sorted(resources, key=lambda token: (_drop_prefix(token) in WORKLOAD_KINDS, token)):
        resource, name = resources[token], _drop_prefix(token)
        yield f"\n## {name}\n\n{resource.get('description', '')}\n\n### Inputs of {name}\n"
        yield from _describe_fields(resource.get("inputProperties", {}), resource.get("requiredInputs", ()))
        if resource.get("properties"):
            yield f"\n### Outputs of {name}\n"
            yield from _describe_fields(resource["properties"], ())
    for token, definition in package["types"].items():
        name = _drop_prefix(token)
        yield f"\n## {name} (type) {{ #type-{name.lower()} }}\n\n{definition.get('description', '')}\n"
        if "enum" in definition:
            yield "One of " + ", ".join(f"`{member['value']}`" for member in definition["enum"]) + "."
        else:
            yield from _describe_fields(definition.get("properties", {}), definition.get("required", ()))
    yield ""


def _describe_fields(fields: Mapping[str, Any], required: object) -> Iterator[str]:
    yield "| name | type | meaning |\n|---|---|---|"
    names = required if isinstance(required, list | tuple) else ()
    for name, field in fields.items():
        marks = " (required)" * (name in names) + " (secret)" * bool(field.get("secret"))
        meaning = _escape_cell(field.get("description", ""))
        yield f"| `{name}`{marks} | {_describe_type(field)} | {meaning} |"


def _describe_type(field: Mapping[str, Any]) -> str:
    if "$ref" in field:
        reference = str(field["$ref"])
        if reference.startswith(_PREFIX):
            name = reference.removeprefix(_PREFIX)
            return f"[{name}](#type-{name.lower()})"
        return "`" + reference.rsplit("/", 1)[-1].rsplit(":", 1)[-1] + "`"
    if field.get("type") == "array":
        return f"list of {_describe_type(field['items'])}"
    if field.get("type") == "object" and "additionalProperties" in field:
        return f"mapping to {_describe_type(field['additionalProperties'])}"
    return str(field.get("type", "any"))


def _describe_commands(parser: argparse.ArgumentParser) -> Iterator[str]:
    yield "# Commands"
    yield "\nExit status: 0 nothing wrong, 1 something found or failed, 2 a wrong call or input."
    yield f"\n{parser.description}\n"
    for name, command in find_commands(parser):
        yield f"\n## {name}\n"
        yield f"```text\n{command.format_help().rstrip()}\n```"
    yield ""


def find_commands(parser: argparse.ArgumentParser, prefix: str = "") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    """Each command of a parser by name, in the order in which they were declared; commands of commands follow them."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, command in action.choices.items():
                yield f"{prefix}{name}", command
                yield from find_commands(command, f"{prefix}{name} ")


def _describe_api() -> Iterator[str]:
    yield "# Python API\n"
    for package in ("components", *(f"imagepull.{room}" for room in _ROOMS)):
        module = importlib.import_module(package)
        yield f"## {package}\n\n::: {package}\n    options:\n      heading_level: 3\n"
        for found in pkgutil.iter_modules(module.__path__):
            yield f"::: {package}.{found.name}\n    options:\n      heading_level: 3\n"


def _drop_prefix(token: str) -> str:
    return token.rsplit(":", 1)[-1]


def _escape_cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
