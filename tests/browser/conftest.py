"""Tests of this folder need a browser."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab import debian
from lab.errors import LabError
from tests.browser.chromium import Browser, browser

AXE = "axe-core@4.14.1"


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One browser for the whole run. Where Chromium is missing and cannot be installed, CI fails and others skip."""
    try:
        debian.provide_browser()
    except LabError as error:
        if os.environ.get("CI"):
            pytest.fail(f"CI must run the browser's tests, and cannot: {error}")
        pytest.skip(str(error))
    with browser() as one:
        yield one


@pytest.fixture(scope="session")
def axe(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The script of axe-core, which finds faults that keep people from using a page."""
    folder = tmp_path_factory.mktemp("axe")
    command = ["npm", "install", "--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts", AXE]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return (Path(folder) / "node_modules" / "axe-core" / "axe.min.js").read_text()
