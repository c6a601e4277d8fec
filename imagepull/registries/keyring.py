"""Which entries of a pull Secret the kubelet tries for an image, and in which order.

Rules: kubernetes/kubernetes v1.36 `pkg/credentialprovider/keyring.go`, with the parts of Go's `net/url` and
`net.SplitHostPort` that decide about a key.
"""

import ipaddress
import re
from collections.abc import Iterable
from urllib.parse import unquote

from imagepull.images.reference import HUB, parse

__all__ = ["HUB_ALIAS", "match", "match_repository", "parse_key"]

HUB_ALIAS = "index.docker.io"

_control = re.compile(r"[\x00-\x1f\x7f]")
_bad_escape = re.compile(r"%(?![0-9A-Fa-f]{2})")
_userinfo = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@%-]*")
_port = re.compile(r"(?::[0-9]*)?")


def match(keys: Iterable[str], image: str) -> list[str]:
    """The keys of `auths` whose credentials the kubelet tries for `image`, in its order; all are tried until one works.

    Args:
        keys: of one Secret, or of all the Pod's Secrets one after the other, in the order of `imagePullSecrets`. Keys
            that mean the same (`HOST`, `https://HOST/v1/`) keep their order; between two of them in one Secret the
            kubelet picks at random.
        image: reference as in the Pod.

    Raises:
        InvalidReference: `image` is no image reference.
    """
    return match_repository(keys, parse(image).repository)


def match_repository(keys: Iterable[str], repository: str) -> list[str]:
    """As `match`, for a repository without tag and digest: `ghcr.io/owner/app`."""
    indexed = [(place, key) for key in keys if (place := parse_key(key)) is not None]
    target = _split_url(repository)
    found = [(place, key) for place, key in indexed if target and _opens(place, target)]
    if not found and _is_hub(repository):
        found = [(place, key) for place, key in indexed if place == HUB_ALIAS]
    return [key for _, key in sorted(found, key=lambda entry: entry[0], reverse=True)]


def parse_key(key: str) -> str | None:
    """What a key means: host, or host and path, without scheme, user, query and API version; None: it is ignored."""
    split = _split_url(key.removeprefix("https://") if key.startswith("https://") else key.removeprefix("http://"))
    if split is None:
        return None
    host, path = split
    if path.startswith(("/v1/", "/v2/")):
        path = path[3:]
    return host if path == "/" else host + path


def _opens(place: str, target: tuple[str, str]) -> bool:
    """Whether the entry at `place` is for `target` (host and path): labels are globs, a path is a plain prefix."""
    split = _split_url(place)
    if split is None or not target[1].startswith(split[1]):
        return False
    (name, port), (target_name, target_port) = _split_port(split[0]), _split_port(target[0])
    globs, labels = name.split("."), target_name.split(".")
    return port == target_port and len(globs) == len(labels) and all(map(_matches_glob, globs, labels))


def _matches_glob(glob: str, label: str) -> bool:
    """`*` stands for any characters; `[` opens a class, which no host can satisfy. Linear in the label."""
    first, *rest = glob.split("*")
    if not rest:
        return glob == label and "[" not in glob
    if not label.startswith(first):
        return False
    at = len(first)
    for piece in rest[:-1]:
        at = label.find(piece, at)
        if at < 0:
            return False
        at += len(piece)
    return label.endswith(rest[-1]) and len(label) - len(rest[-1]) >= at


def _is_hub(repository: str) -> bool:
    first, slash, _ = repository.partition("/")
    if not slash:
        return first != ""
    return first in (HUB, HUB_ALIAS) or (first != "" and "." not in first and ":" not in first)


def _split_url(text: str) -> tuple[str, str] | None:
    """Host and unescaped path of `https://` + text as Go parses it, or None when it does not parse."""
    text, _, fragment = text.partition("#")
    if _control.search(text):
        return None
    authority, slash, path = text.partition("?")[0].partition("/")
    user, _, host = authority.rpartition("@")
    if not _userinfo.fullmatch(user) or _bad_escape.search(user + path + fragment) or not _is_url_host(host):
        return None
    return host, slash + unquote(path, errors="surrogateescape")


def _is_url_host(host: str) -> bool:
    """Go's rules as far as they can matter: what they refuse besides could not equal the host of an image."""
    if host.startswith("["):
        address, _, port = host[1:].rpartition("]")
        return _port.fullmatch(port) is not None and _is_ipv6(address)
    _, colon, port = host.partition(":")
    return "[" not in host and "%" not in host and " " not in host and _port.fullmatch(colon + port) is not None


def _is_ipv6(text: str) -> bool:
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return True


def _split_port(host: str) -> tuple[str, str]:
    """Name and port, brackets taken off; a bracketed name without a port keeps them, and so matches nothing."""
    name, colon, port = host.rpartition(":")
    if name.startswith("[") and name.endswith("]"):
        return name[1:-1], port
    return (name, port) if colon and "]" not in host else (host, "")
