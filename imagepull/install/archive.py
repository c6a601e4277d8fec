"""The plugin as an archive that Pulumi downloads, unpacks and installs by itself.

Pulumi looks for one archive for each platform, `pulumi-resource-NAME-vVERSION-OS-ARCH.tar.gz`
(pulumi/pulumi sdk/go/common/workspace/plugins.go, `PluginSpec.Download`). Ours is Python, and the same for all of them.
"""

import gzip
import io
import re
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import imagepull
from imagepull.errors import InvalidInput, Problem
from imagepull.install.templates import find_template

__all__ = ["PLATFORMS", "make_archive", "write_archives"]

PLATFORMS: Final = tuple(
    f"{system}-{machine}" for system in ("linux", "darwin", "windows") for machine in ("amd64", "arm64")
)
"""As Pulumi names them."""
_WHEEL: Final = re.compile(r"imagepull-(?P<version>[^-]+)-py3-none-any\.whl")
_PLUGIN_YAML: Final = """\
runtime:
  name: python
  options:
    toolchain: pip
    virtualenv: .venv
requiredPulumiVersion: ">=3.259.0"
"""


def write_archives(wheel: Path, folder: Path) -> list[Path]:
    """Write an archive for each of PLATFORMS into `folder`, and return their paths.

    Args:
        wheel: The wheel of imagepull, as it was built: its name says the version.
        folder: Where the archives go; made if it is not there.

    Raises:
        InvalidInput: `wheel` is no wheel of imagepull.
    """
    found = _WHEEL.fullmatch(wheel.name)
    if found is None:
        raise InvalidInput(
            [Problem(path=str(wheel), reason="is no wheel of imagepull; give dist/imagepull-VERSION-py3-none-any.whl")]
        )
    content = make_archive(wheel.name, wheel.read_bytes())
    folder.mkdir(parents=True, exist_ok=True)
    written = [folder / f"pulumi-resource-imagepull-v{found['version']}-{platform}.tar.gz" for platform in PLATFORMS]
    for file in written:
        file.write_bytes(content)
    return written


def make_archive(wheel_name: str, wheel: bytes) -> bytes:
    """A gzipped tar archive of the plugin, the same bytes for the same wheel."""
    package = Path(imagepull.__file__).resolve().parent
    beside = package / "constraints.txt"
    constraints = beside if beside.exists() else package.parent / "constraints.txt"
    files: Mapping[str, bytes] = {
        "PulumiPlugin.yaml": _PLUGIN_YAML.encode(),
        "__main__.py": (find_template("python") / "plugins" / "imagepull" / "__main__.py").read_bytes(),
        "requirements.txt": f"./{wheel_name}\n-c constraints.txt\n".encode(),
        "constraints.txt": constraints.read_bytes(),
        wheel_name: wheel,
    }
    packed = io.BytesIO()
    # Pulumi takes no pax headers; ustar has none.
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o644
            archive.addfile(entry, io.BytesIO(content))
    return gzip.compress(packed.getvalue(), mtime=0)
