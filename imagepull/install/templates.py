"""Projects to begin with (`pulumi new FOLDER`), and the plugin's folder in them, which any project can take over."""

import shutil
from pathlib import Path
from typing import Final

import imagepull
from imagepull.errors import InvalidInput, Problem

__all__ = ["TEMPLATES", "find_template", "write_plugin_folder"]

TEMPLATES: Final = ("python", "yaml")
_PLUGIN: Final = Path("plugins", "imagepull")
_FILES: Final = ("PulumiPlugin.yaml", "__main__.py")


def find_template(name: str) -> Path:
    """The folder of one of TEMPLATES: within the package in an installation, beside it in a checkout."""
    package = Path(imagepull.__file__).resolve().parent
    within = package / "templates"
    return (within if within.is_dir() else package.parent / "templates") / name


def write_plugin_folder(project: Path) -> Path:
    """Write the folder that starts the plugin from a Python program's own `.venv`, and return it.

    Args:
        project: The program's folder, the one with `Pulumi.yaml`.

    Raises:
        InvalidInput: a file of the folder is there already, with something else in it, or there is no `Pulumi.yaml`.
    """
    if not (project / "Pulumi.yaml").is_file():
        raise InvalidInput(
            [Problem(path=str(project), reason="has no Pulumi.yaml; give the folder of a Pulumi project")]
        )
    source, target = find_template("python") / _PLUGIN, project / _PLUGIN
    changed = [
        Problem(path=str(target / name), reason="is there already, and differs; move it away first")
        for name in _FILES
        if (target / name).exists() and (target / name).read_bytes() != (source / name).read_bytes()
    ]
    if changed:
        raise InvalidInput(changed)
    target.mkdir(parents=True, exist_ok=True)
    for name in _FILES:
        shutil.copyfile(source / name, target / name)
    return target
