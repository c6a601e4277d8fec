"""The lab's container images, made without any container tool: busybox in an OCI image layout.

The same program and name give the same digests on every run. Format: opencontainers/image-spec, `image-layout.md`,
`manifest.md`, `config.md`.
"""

import gzip
import hashlib
import io
import json
import platform
import struct
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from lab.debian import find
from lab.errors import LabError

__all__ = [
    "ARCHITECTURES",
    "LAYER",
    "PAUSE_REFERENCE",
    "REGISTRIES",
    "REPOSITORIES",
    "SHOP",
    "SLEEP",
    "TOOLS",
    "USER_ID",
    "WEB",
    "WEB_PORT",
    "Base",
    "Blob",
    "Image",
    "Registry",
    "Repository",
    "assemble",
    "make_layer",
    "make_layout",
    "write_layout",
    "write_pause",
]

USER_ID = 65532
WEB_PORT = 8080
PAUSE_REFERENCE = "localhost/lab/pause:1"

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
_APPLETS = ("cat", "date", "env", "false", "httpd", "id", "kill", "ls", "sh", "sleep", "true", "wget")
# Process 1 gets no signal that it does not handle, so the shell handles SIGTERM and the work is its child.
_SCRIPT = "trap 'exit 0' TERM INT; {work} & wait"
WEB = _SCRIPT.format(work=f"httpd -f -p {WEB_PORT} -h /www")
SLEEP = _SCRIPT.format(work="while :; do sleep 3600; done")


@dataclass(frozen=True, kw_only=True)
class Registry:
    """An ECR registry of the lab: an account's, in a region."""

    account: str
    region: str

    @property
    def host(self) -> str:
        """The host that image references carry."""
        return f"{self.account}.dkr.ecr.{self.region}.amazonaws.com"


@dataclass(frozen=True, kw_only=True)
class Repository:
    """A repository that the lab fills: each tag is an image of its own that runs `script`."""

    registry: Registry
    name: str
    script: str
    tags: tuple[str, ...]

    def reference(self, tag: str) -> str:
        """What a pod names."""
        return f"{self.registry.host}/{self.name}:{tag}"


SHOP = Registry(account="123456789012", region="us-east-1")
TOOLS = Registry(account="210987654321", region="eu-west-1")
REGISTRIES = (SHOP, TOOLS)
REPOSITORIES = (
    Repository(registry=SHOP, name="shop/web", script=WEB, tags=("1.0", "1.1", "latest")),
    Repository(registry=SHOP, name="shop/api", script=WEB, tags=("2.0", "2.1", "latest")),
    Repository(registry=TOOLS, name="tools/worker", script=SLEEP, tags=("0.9", "latest")),
)


@dataclass(frozen=True, kw_only=True)
class Blob:
    """Content that is addressed by its digest."""

    media_type: str
    data: bytes

    @cached_property
    def digest(self) -> str:
        """`sha256:` and 64 hex digits."""
        return f"sha256:{hashlib.sha256(self.data).hexdigest()}"

    @property
    def descriptor(self) -> dict[str, object]:
        """How another document points to it."""
        return {"mediaType": self.media_type, "digest": self.digest, "size": len(self.data)}


@dataclass(frozen=True, kw_only=True)
class Image:
    """An image: the manifest, and everything it points to."""

    manifest: Blob
    parts: tuple[Blob, ...]


@dataclass(frozen=True, kw_only=True)
class Base:
    """What all images of the lab share: busybox under its names, a user without rights, for one architecture."""

    architecture: str
    layer: Blob

    @classmethod
    def of_this_machine(cls) -> "Base":
        """With this machine's busybox.

        Raises:
            LabError: there is no busybox that runs without shared libraries, or the machine is of another kind.
        """
        machine = platform.machine()
        if machine not in ARCHITECTURES:
            raise LabError(f"the lab has no images for {machine}, only for {', '.join(ARCHITECTURES)}")
        program = find("busybox")
        content = program.read_bytes() if program else b""
        if not content or _needs_loader(content):
            raise LabError(
                f"a statically linked busybox is needed, found: {program}", hint="apt-get install busybox-static"
            )
        return cls.of(content, architecture=ARCHITECTURES[machine])

    @classmethod
    def of(cls, busybox: bytes, *, architecture: str) -> "Base":
        """With this content of `/bin/busybox`."""
        files = {
            "bin/busybox": busybox,
            "etc/passwd": f"root:x:0:0:root:/:/bin/sh\nnonroot:x:{USER_ID}:{USER_ID}:nonroot:/:/bin/sh\n".encode(),
            "etc/group": f"root:x:0:\nnonroot:x:{USER_ID}:\n".encode(),
        }
        return cls(architecture=architecture, layer=make_layer(files, {f"bin/{name}": "busybox" for name in _APPLETS}))

    def image(self, name: str, script: str) -> Image:
        """An image that runs a shell script as a user without rights; its web page is its own name."""
        page = make_layer({"www/index.html": f"{name}\n".encode()}, {})
        config = {
            "User": f"{USER_ID}:{USER_ID}",
            "Env": ["PATH=/bin"],
            "Entrypoint": ["/bin/sh", "-c", script],
            "WorkingDir": "/",
        }
        return assemble(architecture=self.architecture, layers=(self.layer, page), config=config)


def assemble(*, architecture: str, layers: Sequence[Blob], config: Mapping[str, object]) -> Image:
    """An image of these layers, the lowest first.

    Args:
        architecture: of its programs, by Go's name.
        layers: as `layer` makes them.
        config: how it is run: the object `config` of the image configuration.
    """
    document = {
        "architecture": architecture,
        "os": "linux",
        "config": config,
        "rootfs": {"type": "layers", "diff_ids": [_digest_unpacked(blob) for blob in layers]},
    }
    config_blob = Blob(media_type=_CONFIG, data=_encode_json(document))
    manifest = {
        "schemaVersion": 2,
        "mediaType": _MANIFEST,
        "config": config_blob.descriptor,
        "layers": [blob.descriptor for blob in layers],
    }
    return Image(manifest=Blob(media_type=_MANIFEST, data=_encode_json(manifest)), parts=(config_blob, *layers))


def make_layer(files: Mapping[str, bytes], links: Mapping[str, str]) -> Blob:
    """A layer of files (path to content) and symbolic links (path to target)."""
    return Blob(media_type=LAYER, data=gzip.compress(_make_tar(files, links), compresslevel=6, mtime=0))


def make_layout(images: Mapping[str, Image]) -> dict[str, bytes]:
    """An OCI image layout of images by the name each is to have: path in the layout to content."""
    blobs = [blob for image in images.values() for blob in (image.manifest, *image.parts)]
    index = {
        "schemaVersion": 2,
        "manifests": [
            # skopeo finds an image by the first annotation, containerd names it by the second.
            image.manifest.descriptor
            | {"annotations": {"org.opencontainers.image.ref.name": name, "io.containerd.image.name": name}}
            for name, image in images.items()
        ],
    }
    return {
        "oci-layout": _encode_json({"imageLayoutVersion": "1.0.0"}),
        "index.json": _encode_json(index),
        **{f"blobs/{blob.digest.replace(':', '/')}": blob.data for blob in blobs},
    }


def write_layout(folder: Path, images: Mapping[str, Image]) -> None:
    """Write `layout` as files under `folder`: what `skopeo copy oci:FOLDER:NAME` reads."""
    for path, content in make_layout(images).items():
        target = folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def write_pause(file: Path) -> str:
    """Write the image for pod sandboxes as a tar file for `ctr images import`; answers its reference.

    Raises:
        LabError: see `Base.of_this_machine`.
    """
    pause = Base.of_this_machine().image(PAUSE_REFERENCE, SLEEP)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(_make_tar(make_layout({PAUSE_REFERENCE: pause}), {}))
    return PAUSE_REFERENCE


def _make_tar(files: Mapping[str, bytes], links: Mapping[str, str]) -> bytes:
    """A tar archive with no time or owner of this machine in it."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        folders = {str(folder) for path in (*files, *links) for folder in Path(path).parents if folder.name}
        for path in sorted(folders):
            archive.addfile(_make_entry(path, kind=tarfile.DIRTYPE))
        for path, content in sorted(files.items()):
            entry = _make_entry(path, kind=tarfile.REGTYPE)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        for path, target in sorted(links.items()):
            entry = _make_entry(path, kind=tarfile.SYMTYPE)
            entry.linkname = target
            archive.addfile(entry)
    return packed.getvalue()


def _make_entry(path: str, *, kind: bytes) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(path)
    entry.type = kind
    entry.mode = 0o755
    return entry


def _encode_json(document: object) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def _digest_unpacked(blob: Blob) -> str:
    return f"sha256:{hashlib.sha256(gzip.decompress(blob.data)).hexdigest()}"


def _needs_loader(elf: bytes) -> bool:
    """Whether a 64-bit little-endian ELF program has a PT_INTERP header: it asks for shared libraries (elf(5))."""
    interpreter = 3
    (table,) = struct.unpack_from("<Q", elf, 0x20)
    size, count = struct.unpack_from("<HH", elf, 0x36)
    return any(struct.unpack_from("<I", elf, table + at * size)[0] == interpreter for at in range(count))
