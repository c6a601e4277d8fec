"""Templates, and the plugin's folder in a project; `tests/package` runs what they make."""

from pathlib import Path

import pytest
import yaml

from imagepull import __version__
from imagepull.errors import InvalidInput
from imagepull.install.templates import TEMPLATES, find_template, write_plugin_folder


def requirement(template: str) -> str:
    """The line by which a template asks for the wheel."""
    (file,) = find_template(template).rglob("requirements.txt")
    return file.read_text().strip()


@pytest.mark.parametrize("template", TEMPLATES)
def test_template_asks_for_the_versions_that_are_compatible_with_this_one(template: str) -> None:
    major, minor, _ = __version__.split(".")

    assert requirement(template) == f"imagepull>={major}.{minor},<{major}.{int(minor) + 1}"


@pytest.mark.parametrize("template", TEMPLATES)
def test_template_asks_for_a_cli_that_can_run_it(template: str) -> None:
    project = yaml.safe_load((find_template(template) / "Pulumi.yaml").read_text())

    assert project["requiredPulumiVersion"] == ">=3.259.0"


def test_plugin_folder_is_written_twice_without_a_word(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: own\n")

    first, second = write_plugin_folder(tmp_path), write_plugin_folder(tmp_path)

    assert first == second == tmp_path / "plugins" / "imagepull"
    assert sorted(file.name for file in first.iterdir()) == ["PulumiPlugin.yaml", "__main__.py"]


def test_a_folder_that_is_no_project_is_left_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"has no Pulumi\.yaml; give the folder of a Pulumi project"):
        write_plugin_folder(tmp_path)

    assert list(tmp_path.iterdir()) == []


def test_a_file_of_somebody_elses_is_not_overwritten(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: own\n")
    own = write_plugin_folder(tmp_path) / "__main__.py"
    own.write_text("print('mine')\n")

    with pytest.raises(InvalidInput, match=r"__main__\.py: is there already, and differs; move it away first"):
        write_plugin_folder(tmp_path)

    assert own.read_text() == "print('mine')\n"
