"""The changelog's page: what is not released yet, from `changelog.d/`, above the releases in CHANGELOG.md."""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

__all__ = ["make_changelog"]

_START: Final = "<!-- towncrier release notes start -->"
"""Where towncrier puts the newest release."""


def make_changelog(checkout: Path) -> str:
    """The page, in Markdown."""
    releases = (checkout / "CHANGELOG.md").read_text().partition(_START)[2].strip()
    lines = ["# Changelog", "", "Versions follow [Semantic Versioning](https://semver.org).", ""]
    unreleased = list(_list_unreleased(checkout))
    if unreleased:
        lines += ["## Not released yet", "", *unreleased]
    return "\n".join([*lines, releases, ""])


def _list_unreleased(checkout: Path) -> Iterator[str]:
    """The changes by kind, in the order of towncrier's configuration."""
    kinds = tomllib.loads((checkout / "pyproject.toml").read_text())["tool"]["towncrier"]["type"]
    for kind in kinds:
        fragments = sorted((checkout / "changelog.d").glob(f"*.{kind['directory']}.md"))
        if fragments:
            yield f"### {kind['name']}"
            yield ""
            for fragment in fragments:
                yield "- " + fragment.read_text().strip().replace("\n", "\n  ")
            yield ""
