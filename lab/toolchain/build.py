"""Finds or builds the programs of the table."""

import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.errors import LabError
from lab.lock import machine_lock
from lab.progress import Step, say, step
from lab.toolchain.cache import find_cache_folder
from lab.toolchain.table import KUBERNETES_VERSIONS, USUAL_KUBERNETES, Module, Program, choose_modules

__all__ = ["GO_MINIMUM", "KUBERNETES_VARIABLE", "find_modules", "provide"]

GO_MINIMUM = (1, 26)
KUBERNETES_VARIABLE = "LAB_KUBERNETES"
"""Environment variable that chooses another Kubernetes for the lab: `LAB_KUBERNETES=1.30`."""
_GO_ENVIRONMENT = {"CGO_ENABLED": "0"}  # no C compiler needed; the build cache is keyed by it, so it is the same always


def provide(names: Sequence[str] | None = None) -> dict[str, Path]:
    """Find or build programs.

    Args:
        names: which ones; all of the table when left out.

    Returns:
        Name of each program (and script) to its file.

    Raises:
        LabError: Go is missing or too old, `LAB_KUBERNETES` names no Kubernetes of the table, or a build failed.
    """
    table = find_modules()
    wanted = {program.name for module in table for program in module.programs} if names is None else set(names)
    found: dict[str, Path] = {}
    modules: list[tuple[Module, list[Program]]] = []
    for module in table:
        needed = [program for program in module.programs if program.name in wanted]
        on_path = {program.name: file for program in needed if (file := _find_on_path(program, found))}
        found |= on_path
        missing = [program for program in needed if program.name not in on_path]
        if missing:
            modules.append((module, missing))
    builds = [(module, programs, _make_output_folder(module)) for module, programs in modules] if modules else []
    due = [
        program.name for _, programs, folder in builds for program in programs if not (folder / program.name).exists()
    ]
    if due:
        say(f"toolchain: {len(due)} to build ({', '.join(due)}); about a quarter of an hour in all on two cores, once")
    for module, programs, folder in builds:
        found |= _provide_module(module, programs, folder, due)
    return found


def find_modules() -> tuple[Module, ...]:
    """The table, with the Kubernetes that the environment asks for.

    Raises:
        LabError: it is none of the table.
    """
    minor = os.environ.get(KUBERNETES_VARIABLE) or USUAL_KUBERNETES
    if minor not in KUBERNETES_VERSIONS:
        raise LabError(
            f"{KUBERNETES_VARIABLE} is {minor!r}, and the lab cannot build that Kubernetes",
            hint=f"write one of: {', '.join(KUBERNETES_VERSIONS)}",
        )
    return choose_modules(minor)


def _provide_module(module: Module, programs: Sequence[Program], folder: Path, due: Sequence[str]) -> dict[str, Path]:
    scripts = [Path(path).name for _, path in module.scripts]
    names = [program.name for program in programs] + scripts
    folders = [Path(path).name for _, path in module.folders]
    if any(not (folder / name).exists() for name in [*names, *folders]):
        with machine_lock(
            folder.name, waiting=f"toolchain: another build of {module.name} is under way; waiting for it"
        ):
            for module_path, path in module.scripts:
                _install(_find_module_folder(module, module_path) / path, folder / Path(path).name)
            for module_path, path in module.folders:
                _copy_folder(_find_module_folder(module, module_path) / path, folder / Path(path).name)
            for program in programs:
                if not (folder / program.name).exists():
                    position = f"{due.index(program.name) + 1}/{len(due)}" if program.name in due else "again"
                    with step(f"toolchain {position} {program.name}") as current:
                        _build(module, program, folder, current)
    return {name: folder / name for name in names}


def _build(module: Module, program: Program, folder: Path, current: Step) -> None:
    source = _prepare_source(module, folder)
    partial = folder / f"{program.name}.partial"
    log = folder / f"{program.name}.log"
    command = ["go", "build", "-v", "-mod=readonly", "-trimpath", "-buildvcs=false"]
    command += ["-ldflags", f"-s -w {program.link}".strip(), "-o", str(partial), program.package]
    with log.open("w") as out:
        build = subprocess.Popen(
            command, cwd=source, stdout=out, stderr=subprocess.STDOUT, env={**os.environ, **_GO_ENVIRONMENT}
        )
        try:
            while build.poll() is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    build.wait(timeout=1)
                current.tick(lambda: _describe_progress(log))
        finally:
            if build.returncode is None:
                build.kill()
                build.wait()
    if build.returncode != 0:
        raise LabError(
            f"building {program.name} failed: {' '.join(command)} (in {source})",
            log=log,
            hint="check that Go reaches its module proxy (go env GOPROXY) and that the disk has 10 GB free; then again",
        )
    partial.replace(folder / program.name)
    if module.copied:
        shutil.rmtree(source)


def _prepare_source(module: Module, folder: Path) -> Path:
    """Where the module is built: its own folder, or one in the cache where files were added or replaced."""
    source = folder / "source"
    if module.copied:
        _copy_folder(_find_module_folder(module, module.copied), source)
        for ours, theirs in module.replaces:
            shutil.copyfile(module.folder / ours, source / theirs)
        return source
    if not module.embeds:
        return module.folder
    source.mkdir(exist_ok=True)
    for file in module.folder.iterdir():
        shutil.copyfile(file, source / file.name)
    for module_path, path in module.embeds:
        shutil.copyfile(_find_module_folder(module, module_path) / path, source / Path(path).name)
    return source


def _describe_progress(log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines()
    downloads = sum(line.startswith("go: downloading") for line in lines)
    return f"{downloads} modules downloaded, {len(lines) - downloads} packages compiled"


def _make_output_folder(module: Module) -> Path:
    """The cache folder of this module's programs: its name tells all that goes into them."""
    digest = hashlib.sha256(json.dumps(_GO_ENVIRONMENT).encode())
    digest.update(_check_go_version().encode())
    for program in module.programs:
        digest.update(f"{program.package} {program.link}\n".encode())
    for file in sorted(module.folder.iterdir()):
        digest.update(file.read_bytes())
    folder = find_cache_folder() / "toolchain" / f"{module.name}-{digest.hexdigest()[:16]}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _find_module_folder(module: Module, module_path: str) -> Path:
    """Where the Go module cache keeps `module_path`, downloaded first if it is not there."""
    told = _run_go(["mod", "download", "-json", module_path], cwd=module.folder)
    return Path(json.loads(told)["Dir"])


def _install(source: Path, target: Path) -> None:
    partial = target.with_suffix(".partial")
    shutil.copyfile(source, partial)
    partial.chmod(0o755)
    partial.replace(target)


def _copy_folder(source: Path, target: Path) -> None:
    """Copy a folder of the Go module cache, where nothing can be written, to one where files can be replaced."""
    partial = target.with_suffix(".partial")
    for one in (partial, target):
        shutil.rmtree(one, ignore_errors=True)
    shutil.copytree(source, partial, copy_function=shutil.copyfile)
    for place, _, _ in os.walk(partial):
        Path(place).chmod(0o755)
    partial.replace(target)


def _run_go(arguments: Sequence[str], *, cwd: Path | None = None) -> str:
    done = subprocess.run(["go", *arguments], cwd=cwd, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LabError(f"go {' '.join(arguments)} failed: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def _check_go_version() -> str:
    hint = "install Go 1.26 or newer (https://go.dev/dl) and put it on PATH"
    if shutil.which("go") is None:
        raise LabError("Go is not on PATH, and programs of the lab have to be built", hint=hint)
    version = _run_go(["env", "GOVERSION", "GOOS", "GOARCH"])
    if _parse_version(version) < GO_MINIMUM:
        raise LabError(f"Go is too old: {version.split()[0]}", hint=hint)
    return version


def _find_on_path(program: Program, found: Mapping[str, Path]) -> Path | None:
    """The program as PATH has it, if it is new enough."""
    file = shutil.which(program.name)
    if program.minimum is None or file is None:
        return None
    if program.beside is not None:
        companion = found.get(program.beside)
        return Path(file) if companion is not None and companion.parent == Path(file).parent else None
    told = subprocess.run([file, *program.version_command], capture_output=True, text=True, check=False)
    return Path(file) if told.returncode == 0 and _parse_version(told.stdout) >= program.minimum else None


def _parse_version(text: str) -> tuple[int, ...]:
    """The first dotted version in a text: `Client Version: v1.36.3` gives (1, 36, 3)."""
    match = re.search(r"(\d+)\.(\d+)(?:\.(\d+))?", text)
    return tuple(int(part) for part in match.groups() if part) if match else ()
