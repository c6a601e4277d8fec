"""`python -m docsite`: build the site into build/site. Any warning fails, such as a link to a missing page."""

import shutil
import subprocess
import sys
from pathlib import Path

from docsite.reference import make_pages

__all__ = ["build"]

CHECKOUT = Path(__file__).resolve().parent.parent


def build(folder: Path) -> int:
    """Build the site of the checkout in `folder`; returns the exit status of the site generator."""
    source = folder / "build" / "docs"
    shutil.rmtree(source, ignore_errors=True)
    shutil.copytree(folder / "docs", source)
    for name, text in make_pages().items():
        page = source / name
        page.parent.mkdir(parents=True, exist_ok=True)
        page.write_text(text)
    command = [sys.executable, "-m", "zensical", "build", "--strict", "--clean", "--config-file", "mkdocs.yml"]
    return subprocess.run(command, cwd=folder, check=False).returncode


if __name__ == "__main__":
    sys.exit(build(CHECKOUT))
