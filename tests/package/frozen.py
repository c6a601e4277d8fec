"""Freezes the plugin once for each set of imports, as that takes a minute of processor time.

PyInstaller looks for what our modules import; the modules themselves it leaves as source files in the executable's
folder (`module_collection_mode` of frozen.spec). So as long as our modules, what they import, and the versions of that
are the same, a folder that was frozen before differs in nothing but our own files, which are put in from the wheel.
"""

import ast
import hashlib
import shutil
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from lab.layout import CHECKOUT
from lab.lock import machine_lock
from lab.toolchain.cache import find_cache_folder
from tests.languages import run

__all__ = ["freeze"]

_NAME: Final = "pulumi-resource-imagepull"
_OURS: Final = Path("_internal", "imagepull")
"""Where PyInstaller puts our modules, below the folder of the executable."""


def freeze(wheel: Path, folder: Path) -> Path:
    """The archive of the executable with the wheel's modules, made in `folder`."""
    site = folder / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    packed = folder / "executable.tar.gz"
    with machine_lock("frozen"), tarfile.open(packed, "w:gz", compresslevel=1) as archive:
        frozen = _provide(site, folder)
        archive.add(frozen, arcname=".", filter=lambda member: None if _is_ours(Path(member.name)) else member)
        archive.add(site / "imagepull", arcname=_OURS)
    return packed


def _is_ours(path: Path) -> bool:
    return path.parts[:2] == _OURS.parts


def _provide(site: Path, folder: Path) -> Path:
    """The folder of the executable, from the cache or newly frozen."""
    parent = find_cache_folder() / "frozen"
    cached = parent / _make_key(site)
    if cached.exists():
        return cached
    shutil.copytree(CHECKOUT / ".ci", folder / ".ci", ignore=shutil.ignore_patterns("dist", "build"))
    command = (sys.executable, "-m", "PyInstaller", "--noconfirm", "--log-level", "ERROR", "frozen.spec")
    run(*command, folder=folder / ".ci", env={"PYTHONPATH": str(site)})
    shutil.rmtree(parent, ignore_errors=True)  # one of 150 MB is enough
    parent.mkdir(parents=True)
    new = Path(shutil.move(folder / ".ci" / "dist" / _NAME, parent / "new"))
    return new.rename(cached)


def _make_key(site: Path) -> str:
    """Differs when PyInstaller could find something else."""
    key = hashlib.sha256(sys.version.encode())
    for file in (CHECKOUT / ".ci" / "frozen.spec", CHECKOUT / ".ci" / "frozen.py", CHECKOUT / "constraints.txt"):
        key.update(file.read_bytes())
    for file in sorted(site.rglob("*")):
        key.update(str(file.relative_to(site)).encode())
        if file.suffix == ".py":
            key.update("\n".join(_list_imports(file)).encode())
    return key.hexdigest()[:16]


def _list_imports(module: Path) -> Iterator[str]:
    nodes = ast.walk(ast.parse(module.read_text()))
    yield from sorted(ast.unparse(node) for node in nodes if isinstance(node, ast.Import | ast.ImportFrom))
