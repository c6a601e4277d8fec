"""An image with Python and imagepull, made without any image registry: for Pods of the lab that run imagepull.

The first layer has Python and its libraries out of Debian packages and the wheels that imagepull needs; it is kept in
the cache and made again when its ingredients change. The second has this checkout's `imagepull/`, made each time.
"""

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from lab.errors import LabError
from lab.images import ARCHITECTURES, LAYER, USER_ID, Blob, Image, assemble, make_layer
from lab.layout import CHECKOUT
from lab.lock import machine_lock
from lab.progress import step
from lab.toolchain.cache import find_cache_folder

__all__ = ["AWS_SERVICES", "LEFT_OUT", "make_python_image", "measure_unpacked_size", "provide_base_layer"]

# Packages of the closure of Python's own that hold what imagepull needs; not curses, sqlite, databases, perl.
_PACKAGES = re.compile(
    r"libc6|libgcc-s1|zlib1g(t64)?|libexpat1|libffi\d+|libssl3(t64)?|libbz2-1\.0|liblzma5|libuuid1"
    r"|libpython3\.\d+-(minimal|stdlib)|python3\.\d+-minimal"
)
# AWS services whose API descriptions stay; botocore has four hundred, and they are most of its 25 MB.
AWS_SERVICES = ("ecr", "ecr-public", "sso", "sso-oidc", "sts")
# Parts of packages that no program reads while it runs.
_UNREAD = (
    "usr/share",
    "usr/lib/*/gconv",
    "usr/lib/python3*/test",
    "usr/lib/python3*/idlelib",
    "usr/lib/python3*/lib2to3",
    "usr/lib/python3*/pydoc_data",
    "usr/lib/python3*/distutils",
    "usr/lib/python3*/config-*",
    "lib/*/gconv",
    "sbin",
    "usr/sbin",
    "var",
    "etc",
)
_SITE = "opt/imagepull"
LEFT_OUT = ("pulumi", "pulumi_kubernetes", "pydantic", "Jinja2")
"""Requirements that a renewer does without: Pulumi's, and what only a stack file or the report needs."""
_RECIPE = 1  # of this module: raise it when the same ingredients are to give another layer


def make_python_image(entrypoint: Sequence[str] = ("-m", "imagepull")) -> Image:
    """The image, for this machine's kind of processor: runs Python with `entrypoint` as a user without rights.

    Raises:
        LabError: this is not a Debian or Ubuntu machine, or a package or wheel cannot be had.
    """
    base = provide_base_layer()
    python = _find_python_version()
    environment = {
        "PATH": "/usr/bin",
        "PYTHONPATH": f"/{_SITE}",
        "PYTHONUNBUFFERED": "1",
        "HOME": "/tmp",  # noqa: S108 # in the image; it is not written to
    }
    return assemble(
        architecture=ARCHITECTURES[platform.machine()],
        layers=(base, _make_checkout_layer()),
        config={
            "User": f"{USER_ID}:{USER_ID}",
            "Env": [f"{name}={value}" for name, value in environment.items()],
            "Entrypoint": [f"/usr/bin/python{python}", *entrypoint],
            "WorkingDir": "/",
        },
    )


def provide_base_layer() -> Blob:
    """Python, its libraries and the wheels, out of the cache or made now."""
    if shutil.which("apt-get") is None or platform.machine() not in ARCHITECTURES:
        raise LabError("the image with Python is made from Debian packages, and this machine has none")
    requirements = _read_requirements()
    digest = hashlib.sha256(json.dumps([_RECIPE, _find_python_version(), platform.machine(), requirements]).encode())
    file = find_cache_folder() / "images" / f"python-{digest.hexdigest()[:16]}.tar.gz"
    with machine_lock(file.name, waiting="image with Python: another command makes it; waiting for it"):
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            with step("image with Python"), tempfile.TemporaryDirectory(prefix="imagepull-python-") as folder:
                partial = file.with_suffix(".partial")
                partial.write_bytes(_make_base(Path(folder), requirements).data)
                partial.replace(file)
    return Blob(media_type=LAYER, data=file.read_bytes())


def _make_base(folder: Path, requirements: Sequence[str]) -> Blob:
    root = folder / "root"
    packages = folder / "packages"
    packages.mkdir()
    _run(["apt-get", "download", *_list_packages()], cwd=packages)
    for package in sorted(packages.glob("*.deb")):
        _run(["dpkg", "-x", str(package), str(root)])
    for pattern in _UNREAD:
        for unread in root.glob(pattern):
            shutil.rmtree(unread) if unread.is_dir() and not unread.is_symlink() else unread.unlink()
    site = root / _SITE
    _install_wheels(requirements, site)
    for described in (site / "botocore" / "data").iterdir():
        if described.is_dir() and described.name not in AWS_SERVICES:
            shutil.rmtree(described)
    _compile(root)
    (root / "etc").mkdir(exist_ok=True)
    (root / "etc" / "passwd").write_text(f"nonroot:x:{USER_ID}:{USER_ID}:nonroot:/:/sbin/nologin\n")
    return _make_folder_layer(root)


def _make_checkout_layer() -> Blob:
    with tempfile.TemporaryDirectory(prefix="imagepull-checkout-") as folder:
        site = Path(folder) / _SITE
        shutil.copytree(CHECKOUT / "imagepull", site / "imagepull", ignore=shutil.ignore_patterns("__pycache__"))
        return _make_folder_layer(Path(folder))


def _make_folder_layer(root: Path) -> Blob:
    paths = [Path(place, name) for place, folders, names in os.walk(root) for name in (*folders, *names)]
    links = {str(path.relative_to(root)): str(path.readlink()) for path in paths if path.is_symlink()}
    files = {
        str(path.relative_to(root)): path.read_bytes() for path in paths if path.is_file() and not path.is_symlink()
    }
    return make_layer(files, links)


def _install_wheels(requirements: Sequence[str], site: Path) -> None:
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", "--disable-pip-version-check"]
    command += ["--target", str(site), "--only-binary=:all:", "--python-version", _find_python_version()]
    command += ["--implementation", "cp", "--constraint", str(CHECKOUT / "constraints.txt"), *requirements]
    _run(command)
    for tests in site.glob("*/tests"):
        shutil.rmtree(tests)


def _compile(root: Path) -> None:
    """Compile all modules with the image's own Python; nothing in the image can be written later."""
    libraries = os.pathsep.join(str(root / place / f"{platform.machine()}-linux-gnu") for place in ("lib", "usr/lib"))
    (loader,) = [path for place in ("lib64", "lib", "usr/lib64") for path in (root / place).glob("ld-linux*")][:1]
    python = root / "usr" / "bin" / f"python{_find_python_version()}"
    command = [str(loader), "--library-path", libraries, str(python), "-m", "compileall", "-q", "-j", "1"]
    command += ["--invalidation-mode", "unchecked-hash", "-s", str(root), "-p", "/"]
    command += [str(root / "usr" / "lib" / f"python{_find_python_version()}"), str(root / _SITE)]
    _run(command, env={"PYTHONHOME": str(root / "usr"), "PATH": os.environ.get("PATH", "")})


@cache
def _read_requirements() -> tuple[str, ...]:
    """What a renewer needs, with the exact versions for the key of the cache."""
    lines = (CHECKOUT / "requirements.txt").read_text().splitlines()
    asked = {_parse_project(line): line for line in lines if line and not line.startswith("#")}
    needed = {project: line for project, line in asked.items() if project not in map(_parse_project, LEFT_OUT)}
    exact = (CHECKOUT / "constraints.txt").read_text().splitlines()
    return (*needed.values(), *(line for line in exact if _parse_project(line) in needed))


def _parse_project(requirement: str) -> str:
    return re.split(r"[=<>\[~!]", requirement, maxsplit=1)[0].lower().replace("_", "-")


@cache
def _find_python_version() -> str:
    """The version of Debian's own Python, such as `3.11`."""
    told = _run(["apt-cache", "depends", "python3-minimal"])
    found = re.search(r"python(3\.\d+)-minimal", told)
    if found is None:
        raise LabError("apt knows no python3-minimal", hint="apt-get update")
    return found.group(1)


def _list_packages() -> list[str]:
    version = _find_python_version()
    ignored = [f"--no-{kind}" for kind in ("recommends", "suggests", "conflicts", "breaks", "replaces", "enhances")]
    wanted = [f"libpython{version}-stdlib", f"python{version}-minimal"]
    told = _run(["apt-cache", "depends", "--recurse", *ignored, *wanted])
    return sorted({line for line in told.splitlines() if _PACKAGES.fullmatch(line)})


def _run(command: Sequence[str], *, cwd: Path | None = None, env: dict[str, str] | None = None) -> str:
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LabError(f"{' '.join(command[:4])} ... failed: {(done.stderr or done.stdout).strip()}")
    return done.stdout


def measure_unpacked_size(image: Image) -> int:
    """Bytes of all layers before they were compressed."""
    return sum(_read_unpacked_size(blob.data) for blob in image.parts if blob.media_type == LAYER)


def _read_unpacked_size(data: bytes) -> int:
    # The last four bytes of a gzip member are the content's size (RFC 1952, 2.3.1).
    return int.from_bytes(data[-4:], "little")
