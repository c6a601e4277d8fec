"""The built wheel, and environments that have it but not the checkout."""

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from lab.layout import CHECKOUT
from tests.languages import environment, run


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder), folder=CHECKOUT)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture
def fresh(wheel: Path, tmp_path: Path) -> Callable[[], Path]:
    """Makes a virtual environment with the wheel, and returns its folder. The dependencies are this process's."""

    def make() -> Path:
        folder = tmp_path / "environment"
        environment(folder)
        pip = (str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
        run(*pip, "--no-deps", str(wheel), folder=tmp_path)
        return folder

    return make
