"""The built wheel, and environments that have it but not the checkout."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from lab.layout import CHECKOUT
from lab.lifecycle import Lab
from lab.toolchain.table import KUBERNETES_PLUGIN_VERSION
from tests.languages import environment, run
from tests.pulumi_project import PulumiStack


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


@pytest.fixture
def outside(lab: Lab, wheel: Path, tmp_path: Path) -> dict[str, str]:
    """The variables of somebody outside the checkout: an empty PULUMI_HOME, and an index that has the wheel.

    The Kubernetes plugin is there already, as it is on a machine that has used it before.
    """
    home = tmp_path / "pulumi-home"
    name = f"resource-kubernetes-v{KUBERNETES_PLUGIN_VERSION}"
    # Pulumi takes no symbolic link for an installed plugin.
    shutil.copytree(Path(lab.env["PULUMI_HOME"], "plugins", name), home / "plugins" / name, copy_function=_link)
    return {
        "PULUMI_HOME": str(home),
        "PULUMI_PYTHON_CMD": sys.executable,
        "PIP_FIND_LINKS": str(wheel.parent),
        "PIP_CONSTRAINT": str(CHECKOUT / "constraints.txt"),
        "PIP_QUIET": "1",
        "PYTHONPATH": "",
    }


def _link(source: str, target: str) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)


@pytest.fixture
def stack(lab: Lab, outside: Mapping[str, str], tmp_path: Path) -> Iterator[Callable[[Path], PulumiStack]]:
    """The stack of a project, which has it or is to have it; destroyed afterwards."""
    made: list[PulumiStack] = []

    def make(folder: Path) -> PulumiStack:
        made.append(PulumiStack(lab, folder, state=tmp_path / f"state-{len(made)}", env=outside))
        return made[-1]

    yield make
    for one in made:
        one.destroy(check=False)
