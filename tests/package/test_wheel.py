"""The wheel and the sdist: what is in them, that they are the same at each build, and that they work on their own."""

import hashlib
import os
import shutil
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from imagepull import __version__
from imagepull.renewal.published_image import FILE_NAME
from lab.layout import CHECKOUT
from tests.languages import run

SOURCES = (
    ".ci",
    "imagepull",
    "components",
    "provider",
    "templates",
    "hatch_build.py",
    "pyproject.toml",
    "requirements.txt",
)
TEXTS = (".gitignore", "constraints.txt", "README.md", "CHANGELOG.md", "LICENSE")
IMAGE = f"ghcr.io/acme/imagepull-renewer@sha256:{'0' * 64}"
NAMES = ("components", "provider", "policies", "tests", "lab")


def build(source: Path, target: Path, umask: int = 0o022) -> dict[str, str]:
    """The SHA-256 of what is built, by file name."""
    build = (sys.executable, "-m", "hatchling", "build", "--directory", str(target))
    before = os.umask(umask)
    try:
        run(*build, folder=source, env={"SOURCE_DATE_EPOCH": "1767225600"})
    finally:
        os.umask(before)
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in target.iterdir()}


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The sources in another folder, with other times and permissions."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    for name in (*SOURCES, *TEXTS):
        if (CHECKOUT / name).is_dir():
            shutil.copytree(CHECKOUT / name, folder / name)
        else:
            shutil.copy(CHECKOUT / name, folder / name)
    for file in folder.rglob("*"):
        file.chmod(file.stat().st_mode & 0o700)
        os.utime(file, (1, 1))
    return folder


def test_built_twice_from_two_folders_is_the_same(copy: Path, tmp_path: Path) -> None:
    here = build(CHECKOUT, tmp_path / "first")
    there = build(copy, tmp_path / "second", umask=0o077)

    assert here == there
    assert here.keys() == {f"imagepull-{__version__}-py3-none-any.whl", f"imagepull-{__version__}.tar.gz"}


def test_wheel_of_the_sdist_is_the_wheel_of_the_checkout(copy: Path, tmp_path: Path) -> None:
    """As a release builds it, which names the renewer's image."""
    run(sys.executable, str(copy / ".ci" / "release.py"), "pin", IMAGE, folder=copy)
    here = build(copy, tmp_path / "first")
    with tarfile.open(tmp_path / "first" / f"imagepull-{__version__}.tar.gz") as sdist:
        sdist.extractall(tmp_path, filter="data")

    again = build(tmp_path / f"imagepull-{__version__}", tmp_path / "second")

    assert again == here
    with zipfile.ZipFile(tmp_path / "second" / f"imagepull-{__version__}-py3-none-any.whl") as wheel:
        assert wheel.read(f"imagepull/renewal/{FILE_NAME}").decode() == f"{IMAGE}\n"


def test_wheel_takes_one_name_at_the_top(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()

    assert {name.partition("/")[0] for name in names} == {"imagepull", f"imagepull-{__version__}.dist-info"}
    for name in ("py.typed", "components/__init__.py", "provider/servicer.py", "constraints.txt"):
        assert f"imagepull/{name}" in names
    assert "imagepull/provider/__main__.py" not in names
    assert f"imagepull/renewal/{FILE_NAME}" not in names  # this is no release


def test_wheel_needs_what_requirements_txt_says(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read(f"imagepull-{__version__}.dist-info/METADATA").decode()
    needed = {line.split(": ")[1].split("<")[0].split(">")[0] for line in text.splitlines() if "Requires-Dist" in line}
    listed = [line for line in (CHECKOUT / "requirements.txt").read_text().splitlines() if not line.startswith("#")]

    assert needed == {line.split(">")[0].lower() for line in listed}


def test_installed_wheel_works_without_the_checkout(fresh: Callable[[], Path], tmp_path: Path) -> None:
    programs = fresh() / "bin"
    code = f"""
import importlib.util, json
from imagepull.components import Deployment, RegistryAccess
from imagepull.provider.schema import make_schema
assert json.loads(make_schema("1.0.0"))["resources"]["imagepull:index:RegistryAccess"]["inputProperties"]
assert [name for name in {NAMES!r} if importlib.util.find_spec(name)] == []
"""

    run(str(programs / "python"), "-c", code, folder=tmp_path)

    for name in ("imagepull", "kubectl-imagepull"):
        assert run(str(programs / name), "--version", folder=tmp_path) == f"imagepull {__version__}\n"
    usage = run(str(programs / "kubectl-imagepull"), "--help", folder=tmp_path)
    assert usage.startswith("usage: kubectl imagepull ")
    assert run(str(programs / "python"), "-m", "imagepull", "--version", folder=tmp_path).split()[1] == __version__
