"""Configurations for the tests of this room."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from imagepull.errors import InvalidInput
from imagepull.stack_config.reader import read

CHECKOUT = Path(__file__).parents[3]
STACKS = sorted((CHECKOUT / "stacks").glob("Pulumi.*.yaml"))
PROJECT = yaml.safe_load((CHECKOUT / "Pulumi.yaml").read_text())["name"]
HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"


def config(**values: Any) -> dict[str, Any]:
    return {"registries": [{"host": HOST}], "namespaces": [{"name": "shop"}], **values}


def workload(**fields: Any) -> dict[str, Any]:
    return {"name": "web", "namespace": "shop", "image": "nginx", **fields}


RIGHT = {"shop:registries": json.dumps([{"host": HOST}]), "shop:namespaces": '[{"name": "shop"}]'}
STATIC = [{"host": HOST}, {"host": "ghcr.io", "username": "a", "password": "geheim"}]


def reported(config: dict[str, str], **more: Any) -> list[str]:
    with pytest.raises(InvalidInput) as raised:
        read(config, "shop", **more)
    return [str(problem) for problem in raised.value.problems]
