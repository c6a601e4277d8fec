"""What a type checker refuses in a program of a user's: the same as `components` does when it runs."""

import subprocess
import sys

import pytest

from lab.layout import CHECKOUT

PROGRAM = """
from components import Deployment, RegistryAccess
access = RegistryAccess("pull", registries=[{"host": "ghcr.io"}], namespaces=["shop"])
Deployment("web", image="nginx", access=access, rules={"forbid_latest": True})
Deployment("web", image="nginx", access="one")
Deployment("web", image="nginx", rules="strict")
RegistryAccess("pull", registries=[{"hosts": "ghcr.io"}], namespaces=["shop"])
"""


@pytest.fixture(scope="module")
def refused() -> list[str]:
    """Lines that mypy prints about the program."""
    options = ("--config-file=", "--strict", "--explicit-package-bases", "--python-version=3.11")
    command = [sys.executable, "-m", "mypy", *options, "--no-error-summary", "--hide-error-context", "-c", PROGRAM]
    return subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False).stdout.splitlines()


def test_right_arguments_pass(refused: list[str]) -> None:
    assert [line for line in refused if line.startswith(("<string>:3:", "<string>:4:"))] == []


@pytest.mark.parametrize(
    ("number", "message"),
    [(5, 'Argument "access"'), (6, 'Argument "rules"'), (7, "Registry[")],
    ids=["access", "rules", "registry"],
)
def test_wrong_arguments_are_refused(refused: list[str], number: int, message: str) -> None:
    assert [line for line in refused if line.startswith(f"<string>:{number}: error:") and message in line]
