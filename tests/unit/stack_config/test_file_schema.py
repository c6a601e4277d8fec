"""The schema of a stack's file, for editors."""

import json
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml

from imagepull.stack_config.reader import make_file_schema
from tests.unit.stack_config.config_examples import CHECKOUT, PROJECT, STACKS, config, workload

MODELINE = "# yaml-language-server: $schema=schema.json\n"


@pytest.mark.parametrize("file", STACKS, ids=lambda path: path.stem)
def test_every_stack_file_is_right_in_an_editor(file: Path) -> None:
    jsonschema.validate(yaml.safe_load(file.read_text()), make_file_schema(PROJECT))

    assert file.read_text().startswith(MODELINE)


def test_committed_schema_is_current() -> None:
    committed = json.loads((CHECKOUT / "stacks" / "schema.json").read_text())

    assert committed == make_file_schema(PROJECT), (
        "write it anew: python -m imagepull config schema > stacks/schema.json"
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"private-images:registrys": []},
        {"private-images:registries": [{"host": "ghcr.io", "username": "a", "password": "written by hand"}]},
        {"private-images:renewal": "never"},
        {"private-images:workloads": [workload(port=0)]},
        {"private-images:namespaces": [{"name": "Shop"}]},
    ],
)
def test_schema_refuses_what_the_program_refuses(wrong: dict[str, Any]) -> None:
    file = {"config": {f"private-images:{key}": value for key, value in config().items()} | wrong}

    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(file, make_file_schema("private-images"))


def test_schema_has_a_description_for_every_key() -> None:
    schema = make_file_schema("private-images")

    described = [schema["properties"]["config"], *(each for each in schema["$defs"].values() if "properties" in each)]
    without = [
        f"{each.get('title')}.{name}"
        for each in described
        for name, field in each["properties"].items()
        if "description" not in field and name not in _PLAIN
    ]
    assert without == []


_PLAIN = ("kind", "name", "reason", "namespace", "requests", "limits", "exceptions")
"""Keys that say all by their names."""


def test_command_prints_the_committed_schema(capsys: pytest.CaptureFixture[str]) -> None:
    from imagepull.cli import main

    assert main(["config", "schema"]) == 0

    assert capsys.readouterr().out == (CHECKOUT / "stacks" / "schema.json").read_text()
