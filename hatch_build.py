"""How the checkout becomes a wheel: `components/` and `provider/` move under `imagepull`, and requirements.txt is what
the wheel depends on. The rest is in pyproject.toml."""

import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface
from hatchling.metadata.plugin.interface import MetadataHookInterface

__all__ = ["Dependencies", "Rename"]

DECLARED = "provider/declared.py"
"""The one module that names the folder `components/` from outside of it."""


class Rename(BuildHookInterface[Any]):
    """Writes the wheel's name of `components` into the one module that names it."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Put a copy of `provider/declared.py` in its place in the wheel; an sdist holds the original."""
        if self.target_name != "wheel":
            return
        text = Path(self.root, DECLARED).read_text(encoding="utf-8")
        renamed = text.replace("\nfrom components import", "\nfrom imagepull.components import")
        if renamed == text:
            raise ValueError(f"{DECLARED} imports nothing from components: adjust hatch_build.py")
        self._folder = tempfile.TemporaryDirectory()
        copy = Path(self._folder.name, "declared.py")
        copy.write_text(renamed, encoding="utf-8")
        build_data["force_include"][str(copy)] = f"imagepull/{DECLARED}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        if self.target_name == "wheel":
            self._folder.cleanup()


class Dependencies(MetadataHookInterface):
    """Takes the wheel's dependencies from requirements.txt, which `pulumi install` reads in a checkout."""

    PLUGIN_NAME = "custom"

    def update(self, metadata: dict[str, Any]) -> None:
        lines = Path(self.root, "requirements.txt").read_text(encoding="utf-8").splitlines()
        metadata["dependencies"] = [line for line in lines if line and not line.startswith("#")]
