"""The languages that the package is tried in: how an example of each is set up, and how it is type-checked.

`pulumi package add` can be run whole for YAML. Of the other languages' hosts the newest that can be built are older
than the CLI (lab/toolchain/table.py) and cannot be asked to link an SDK to a program, its last step. Their SDKs come
out of the same schema by the same generators, and what that step writes is committed in the examples.
"""

import os
import subprocess
import sysconfig
import venv
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

PROGRAMS = tuple(f"pulumi-language-{language}" for language in ("yaml", "nodejs", "go"))


@dataclass(frozen=True, kw_only=True)
class Language:
    """How one language is set up and checked.

    Attributes:
        sdk: what `pulumi package gen-sdk` calls it; None: it needs no SDK.
        needs: program without which it cannot be run.
        env: variables for its programs.
        prepare: makes the folder of a program ready to run.
        checks: commands that type-check the program and the SDK.
    """

    sdk: str | None = None
    needs: str = "python3"
    env: Mapping[str, str] = field(default_factory=dict)
    prepare: Callable[[Path], None] = lambda folder: None
    checks: tuple[tuple[str, ...], ...] = ()


def run(*command: str, folder: Path, env: Mapping[str, str] | None = None) -> str:
    """What a program prints that is to succeed, started in `folder` with these variables beside this process's."""
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, **(env or {})}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
    return done.stdout


def leave_out(reason: str) -> None:
    """Skip, but not where everything has to be there."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def environment(folder: Path) -> None:
    """A virtual environment that has the packages of this one."""
    venv.create(folder, symlinks=True)
    packages = Path(sysconfig.get_path("purelib", "venv", vars={"base": str(folder)}))
    (packages / "shared.pth").write_text(sysconfig.get_path("purelib") + "\n")


def typescript(folder: Path) -> None:
    # Go 1.26 made `filepath.Rel` tidier than this old generator expects; pulumi's own fix: pkg v3.224
    # codegen/nodejs/gen.go, getRelativePath.
    for file in (*folder.glob("sdks/imagepull/types/*.ts"), *folder.glob("sdks/imagepull/config/*.ts")):
        text = file.read_text().replace('"./utilities"', '"../utilities"').replace('"./types/', '"../types/')
        file.write_text(text)
    run("npm", "install", "--prefer-offline", "--no-audit", "--no-fund", folder=folder)


def python_sdk(folder: Path) -> None:
    environment(folder / ".venv")
    pip = (".venv/bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    run(*pip, "--requirement", "requirements.txt", folder=folder)


LANGUAGES = {
    "yaml": Language(),
    "typescript": Language(
        sdk="nodejs", needs="npm", prepare=typescript, checks=(("node_modules/.bin/tsc", "--noEmit", "-p", "."),)
    ),
    "go": Language(
        sdk="go",
        needs="go",
        # As lab/toolchain builds: what it compiled need not be compiled again.
        env={"CGO_ENABLED": "0", "GOFLAGS": "-trimpath"},
        checks=(("go", "vet", "."), ("go", "vet", "example.com/pulumi-imagepull/sdk/go/...")),
    ),
    "python-sdk": Language(
        sdk="python",
        prepare=python_sdk,
        checks=(
            (".venv/bin/python", "-m", "mypy", "--strict", "__main__.py"),
            (".venv/bin/python", "-m", "mypy", "--package", "pulumi_imagepull"),
        ),
    ),
}
