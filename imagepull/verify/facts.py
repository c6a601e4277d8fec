"""What a registry says about an image, and how its documents are read: pure.

Formats: opencontainers/image-spec manifest.md, image-index.md, config.md; distribution/distribution
docs/content/spec/manifest-v2-2.md.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from imagepull.causes.table import as_clause, fill, get_cause
from imagepull.images.reference import ImageReference
from imagepull.plain_text import to_one_line

__all__ = [
    "ACCEPT",
    "NO_IMAGE",
    "ImageFacts",
    "Manifest",
    "Unverified",
    "make_absent",
    "make_unreadable",
    "read_document",
    "read_manifest",
    "read_platform",
]

ACCEPT: Final = (
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
)
"""The media types that are understood."""
NO_IMAGE: Final = frozenset({"image-absent", "unsupported-media"})
"""Causes (imagepull/causes) that a look-up proves: there is nothing under the reference, or no image."""
_LONGEST_PART: Final = 32


@dataclass(frozen=True, kw_only=True)
class ImageFacts:
    """What a registry holds under a reference.

    Attributes:
        digest: `sha256:...`, of the index where there is one.
        size: bytes to pull, compressed: of the one platform, or of none where there are several.
        platforms: `linux/amd64`, `linux/arm/v7`; empty if the registry does not say.
    """

    digest: str
    size: int | None
    platforms: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Unverified:
    """No facts: `code` is one of NO_IMAGE, `access-denied` or `registry-unreachable`; `text` is a clause."""

    code: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """A manifest: of one image (`config` is the digest of its configuration), or an index of several (`platforms`)."""

    size: int | None
    platforms: tuple[str, ...]
    config: str | None


def make_absent(reference: ImageReference) -> Unverified:
    """The registry has nothing under the reference, in the words of the table of causes."""
    facts = {"tag": reference.version, "repository": reference.repository, "host": reference.domain}
    return Unverified(code="image-absent", text=as_clause(fill(get_cause("image-absent").cause, facts)))


def make_unreadable(reference: ImageReference) -> Unverified:
    """The registry answers something else than a manifest, in the words of the table of causes."""
    facts = {"host": reference.domain, "media": "a document that is no image", "runtime": "a container runtime"}
    return Unverified(code="unsupported-media", text=as_clause(fill(get_cause("unsupported-media").cause, facts)))


def read_manifest(data: bytes) -> Manifest | None:
    """What a manifest or index says; None for a document of another kind."""
    document = read_document(data)
    if isinstance(document.get("manifests"), list):
        found = [read_platform(entry.get("platform")) for entry in document["manifests"] if isinstance(entry, Mapping)]
        platforms = tuple(dict.fromkeys(each for each in found if each and each != "unknown/unknown"))
        return Manifest(size=None, platforms=platforms, config=None)
    config, layers = document.get("config"), document.get("layers")
    if not isinstance(config, Mapping) or not isinstance(layers, list):
        return None
    sizes = [entry.get("size") for entry in (config, *layers) if isinstance(entry, Mapping)]
    size = sum(each for each in sizes if isinstance(each, int) and each > 0)
    digest = config.get("digest")
    return Manifest(size=size, platforms=(), config=digest if isinstance(digest, str) else None)


def read_platform(document: object) -> str:
    """`os/architecture`, with the variant, of an index's entry or an image's configuration; empty if absent."""
    if isinstance(document, bytes):
        document = read_document(document)
    if not isinstance(document, Mapping):
        return ""
    parts: Sequence[Any] = [document.get(name) for name in ("os", "architecture", "variant")]
    known = [to_one_line(part, _LONGEST_PART) for part in parts if isinstance(part, str) and part]
    return "/".join(known) if len(known) > 1 else ""


def read_document(data: bytes) -> Mapping[str, Any]:
    """The JSON object in an answer; empty where there is none."""
    try:
        document = json.loads(data)
    except (ValueError, RecursionError):  # no JSON, or nested too deeply
        return {}
    return document if isinstance(document, Mapping) else {}
