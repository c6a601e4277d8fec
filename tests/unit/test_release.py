"""What a release is checked against, and what the workflows may do."""

import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from imagepull import PLUGIN_DOWNLOAD_URL, __version__
from imagepull.renewal import published_image
from lab.layout import CHECKOUT

OWNER = PLUGIN_DOWNLOAD_URL.removeprefix("github://api.github.com/")
ENTRY = f"## {__version__} (2026-11-24)\n\n### Added\n\n- All of it.\n"


@pytest.fixture(scope="module")
def release() -> ModuleType:
    spec = importlib.util.spec_from_file_location("release", CHECKOUT / ".ci" / "release.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def checkout(tmp_path: Path) -> Callable[[str], Path]:
    """Makes a checkout whose changelog ends with a text."""

    def make(entry: str) -> Path:
        for name in ("imagepull", "changelog.d"):
            (tmp_path / name).mkdir()
        shutil.copy(CHECKOUT / "imagepull" / "__init__.py", tmp_path / "imagepull")
        (tmp_path / "CHANGELOG.md").write_text((CHECKOUT / "CHANGELOG.md").read_text() + entry)
        return tmp_path

    return make


def test_release_whose_tag_version_and_changelog_are_one_passes(
    release: ModuleType, checkout: Callable[[str], Path]
) -> None:
    folder = checkout(ENTRY)

    assert release.check(f"v{__version__}", OWNER, folder) == []
    assert release.read_notes(f"v{__version__}", folder) == "### Added\n\n- All of it."


def test_all_that_is_wrong_with_a_release_is_told_at_once(release: ModuleType, checkout: Callable[[str], Path]) -> None:
    folder = checkout("")
    (folder / "changelog.d" / "7.fixed.md").write_text("A fault.")

    told = " / ".join(release.check("v9.9.9", "acme/imagepull", folder))

    assert f"the tag is v9.9.9, and the version is {__version__}" in told
    assert "CHANGELOG.md has nothing about v9.9.9" in told
    assert "write github://api.github.com/acme/imagepull in imagepull/__init__.py" in told
    assert "changelog.d still holds 7.fixed.md" in told


def test_an_image_is_named_by_its_digest(release: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "imagepull" / "renewal").mkdir(parents=True)
    written = tmp_path / "imagepull" / "renewal" / published_image.FILE_NAME
    image = f"ghcr.io/acme/imagepull-renewer@sha256:{'ab' * 32}"

    for wrong in (
        "",
        "@",
        image.upper(),
        "ghcr.io/acme/imagepull-renewer:1.0",
        f"{image}0",
        "ghcr.io/acme/renewer@null",
    ):
        assert release.pin(wrong, tmp_path) != []
        assert not written.exists()
    assert release.pin(image, tmp_path) == []
    assert written.read_text() == f"{image}\n"


def test_workflows_pass_zizmor() -> None:
    command = [str(Path(sys.executable).with_name("zizmor")), "--offline", "--no-progress", ".github"]

    done = subprocess.run(command, cwd=CHECKOUT, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("workflow", sorted(path.name for path in (CHECKOUT / ".github" / "workflows").iterdir()))
def test_workflow_grants_nothing_by_default_and_pins_its_actions(workflow: str) -> None:
    document = yaml.safe_load((CHECKOUT / ".github" / "workflows" / workflow).read_text())
    steps = [step for job in document["jobs"].values() for step in job.get("steps", [])]
    used = [step["uses"] for step in steps if "uses" in step]

    assert document["permissions"] == {}
    assert [each for each in used if len(each.partition("@")[2]) != 40] == []
    assert [name for name, job in document["jobs"].items() if "timeout-minutes" not in job] == []
