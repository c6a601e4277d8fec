"""What several tests of stacks need: namespaces in numbers, and programs with our resources."""

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lab.lifecycle import Lab

_numbers = itertools.count(1)


@pytest.fixture
def namespaces(lab: Lab, tmp_path: Path) -> Callable[[int], list[str]]:
    """Makes so many namespaces. They go with the lab: to delete hundreds takes longer than most tests."""

    def make(count: int) -> list[str]:
        batch = next(_numbers)
        names = [f"many-{batch}-{number}" for number in range(count)]
        items = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}} for name in names]
        manifest = tmp_path / f"namespaces-{batch}.json"
        manifest.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
        lab.kubectl("create", "-f", str(manifest))
        return names

    return make


@pytest.fixture
def secret(lab: Lab) -> Callable[[str, str], dict[str, Any] | None]:
    """Reads a Secret by name and namespace; None where there is none."""

    def read(name: str, namespace: str) -> dict[str, Any] | None:
        text = lab.kubectl("get", "secret", name, f"--namespace={namespace}", "--ignore-not-found", "--output=json")
        found: dict[str, Any] | None = json.loads(text) if text else None
        return found

    return read
