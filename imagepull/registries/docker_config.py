"""dockerconfigjson: the document in a pull Secret, built, read and merged; which of its entries open an image.

Format as written by kubernetes/kubectl v0.36 `pkg/cmd/create/create_secret_docker.go` and read by
kubernetes/kubernetes v1.36 `pkg/credentialprovider/config.go`. One malformed entry makes every image pull of a Pod
fail, and the API server accepts it: so nothing here writes a document that the kubelet would refuse.
"""

import base64
import binascii
import json
import math
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from imagepull.errors import InvalidDockerConfig
from imagepull.images.reference import HUB, find_unexpanded_variable, is_domain
from imagepull.registries.keyring import HUB_ALIAS, match, parse_key
from imagepull.registries.nesting import is_nested_too_deeply

__all__ = [
    "HUB_KEY",
    "MAX_BYTES",
    "SAME_CONTENTS",
    "Credential",
    "DockerConfig",
    "check_credential",
    "check_host",
    "encode",
    "make_auths_key",
    "match",
    "merge",
    "parse",
    "read_document",
    "read_entry",
]

MAX_BYTES = 1_048_576
"""Limit of a Secret's data (kubernetes/kubernetes `pkg/apis/core/validation/validation.go`)."""

SAME_CONTENTS = 64
"""Size of caches by content: ten thousand Secrets that we wrote hold the same bytes, and each is read and merged."""

HUB_KEY = "https://index.docker.io/v1/"
"""The key that stands for Docker Hub, in every docker client and in the kubelet."""

_NOT_THE_HUB = ("registry-1.docker.io", "hub.docker.com", "registry.hub.docker.com", "docker.io:443")
_MAX_HOST, _MAX_LABEL, _MAX_PORT = 253, 63, 65535
# What people write where a host belongs: pattern, what it is.
_HOST_MISTAKES = (
    (re.compile(r"^[A-Za-z][A-Za-z0-9+.-]*+://"), "has a scheme"),
    (re.compile(r"@"), "holds a user name or digest"),
    (re.compile(r"/"), "has a path, and the credential is for the whole registry"),
    (re.compile(r"\s"), "holds white space"),
    (re.compile(r"[A-Z]"), "has upper case, and the kubelet compares hosts as they stand"),
)
# Go's encoding/json escapes these in strings, and kubectl writes what it gives.
_GO_ESCAPES = {ord(character): f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"}
_base64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")


@dataclass(frozen=True, kw_only=True)
class Credential:
    """User name and password of one registry. The password is in no repr."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class DockerConfig:
    """A document as the kubelet reads it.

    Attributes:
        auths: key as written (`https://ghcr.io/v1/`) to the credential under it.
        document: all of it, unknown fields included, as it was.
    """

    auths: Mapping[str, Credential]
    document: Mapping[str, object] = field(repr=False)


def encode(ours: Mapping[str, Credential]) -> bytes:
    """The document for registry hosts and their credentials, byte for byte as `kubectl create secret docker-registry`.

    Raises:
        InvalidDockerConfig: a host or credential that `check_host` or `check_credential` refuses; over `MAX_BYTES`.
    """
    return merge(None, ours)


@lru_cache(maxsize=SAME_CONTENTS)
def parse(data: bytes) -> DockerConfig:
    """The document as the kubelet reads it; entries and fields that it ignores are no error.

    Raises:
        InvalidDockerConfig: the kubelet would refuse it. The message names the entry's host, never its content.
    """
    document = read_document(data)
    return DockerConfig(auths=_read_credentials(_read_entries(document)), document=document)


def merge(
    existing: bytes | None, ours: Mapping[str, Credential], removed_hosts: Collection[str] = frozenset()
) -> bytes:
    """`existing` with our hosts' credentials set and the entries of `removed_hosts` taken out.

    Everything else stays as it is: entries of other hosts, unknown fields, other top-level keys. Another spelling of
    one of our hosts (`https://HOST/v1/`) gives way, because the kubelet would try the two in random order. A document
    that already says so comes back unchanged, byte for byte.

    Args:
        existing: the document in the cluster, or None for a new one.
        ours: host (`ghcr.io`, `docker.io`) to credential.
        removed_hosts: hosts that were ours; a host that is in `ours` too is set.

    Raises:
        InvalidDockerConfig: `existing` is malformed outside of our own entries; a host or credential that `check_host`
            or `check_credential` refuses; the outcome is over `MAX_BYTES`.
    """
    document = {} if existing is None else read_document(existing)
    entries = _read_entries(document)
    own = {make_auths_key(host): _make_entry(host, credential) for host, credential in ours.items()}
    places = {_normalize_key(key) for key in own}
    removed = {make_auths_key(host) for host in removed_hosts}
    kept = {key: entry for key, entry in entries.items() if key not in removed and _normalize_key(key) not in places}
    _read_credentials(kept)
    merged = dict(sorted((kept | own).items()))
    if existing is not None and merged == entries:
        return existing
    return _encode_document(document | {_find_auths_field(document): merged})


def make_auths_key(host: str) -> str:
    """The key to write for the registry host of an image: the host itself, and Docker Hub's own for `docker.io`."""
    return HUB_KEY if host in (HUB, HUB_ALIAS) else host


def check_host(host: str) -> str | None:
    """Why `host` cannot be the registry of an image, with what to write instead: "has a scheme; write 'ghcr.io'".

    None when it can: lower-case host, with the port only if images name it.
    """
    if not host:
        return "is empty; write the registry's host as images name it, such as 'ghcr.io'"
    if "@" not in host and (variable := find_unexpanded_variable(host)):
        return f"holds the unexpanded variable {variable!r}; write the host itself"
    for mistake, what in _HOST_MISTAKES:
        if mistake.search(host):
            bare = _HOST_MISTAKES[0][0].sub("", "".join(host.split())).partition("/")[0].rpartition("@")[2].lower()
            return f"{what}; write {bare!r}" if check_host(bare) is None else f"{what}; write the host alone"
    if "*" in host or "?" in host:
        return "is a pattern; list each host that images name"
    if host in _NOT_THE_HUB:
        return f"opens no image of Docker Hub; write {HUB!r}"
    return _explain_grammar(host)


def check_credential(credential: Credential) -> str | None:
    """Why the kubelet could not use `credential`, as "the username is empty"; None when it can."""
    for name, text in (("username", credential.username), ("password", credential.password)):
        if not text:
            return f"the {name} is empty"
        if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
            return f"the {name} is not valid Unicode"
    if ":" in credential.username:
        return "the username holds a colon, where the password would begin"
    return None


def _make_entry(host: str, credential: Credential) -> dict[str, str]:
    if reason := check_host(host):
        raise InvalidDockerConfig(f"a registry's host {reason}")
    if reason := check_credential(credential):
        raise InvalidDockerConfig(f"auths[{host!r}]: {reason}")
    username, password = credential.username, credential.password
    auth = base64.b64encode(f"{username}:{password}".encode()).decode()
    return {"username": username, "password": password, "auth": auth}


def _explain_grammar(host: str) -> str | None:
    if not is_domain(host):
        return "is no host name; write letters, digits, '-' and '.', with :PORT only if images name it"
    name, colon, port = host.rpartition(":")
    if host.endswith("]"):
        return "is an IPv6 address without a port, which the kubelet never matches; write '[ADDRESS]:PORT'"
    if not colon:
        name = host
    elif not 1 <= int(port[:6]) <= _MAX_PORT:
        return f"has port {port[:6]}; write a port from 1 to {_MAX_PORT}"
    if len(name) > _MAX_HOST or any(len(label) > _MAX_LABEL for label in name.split(".")):
        return f"is too long for a host name: at most {_MAX_HOST} characters, {_MAX_LABEL} between two dots"
    if not colon and "." not in host and host != "localhost":
        return f"is not read as a registry in an image ({host}/app is on Docker Hub); write its full name or its port"
    return None


def read_document(data: bytes) -> dict[str, object]:
    """The JSON object in `data`; raises InvalidDockerConfig."""
    # Raised outside of the handlers: their exceptions hold the content.
    problem, document = "is not a JSON object", None
    try:
        document = json.loads(data.decode(), parse_constant=_refuse_infinity, parse_float=_refuse_infinity)
    except UnicodeDecodeError:
        problem = "is not UTF-8"
    except json.JSONDecodeError as error:
        problem = f"is not JSON (line {error.lineno}, column {error.colno})"
    except (ValueError, RecursionError):
        problem = "holds a number out of range, or is nested too deeply"
    if not isinstance(document, dict):
        raise InvalidDockerConfig(f"the docker config {problem}")
    if is_nested_too_deeply(document):
        raise InvalidDockerConfig("the docker config is nested too deeply")
    for key, value in document.items():
        if key.lower() == "httpheaders" and not _is_headers(value):
            raise InvalidDockerConfig("the docker config's HttpHeaders is not an object of strings")
    return document


def _is_headers(value: object) -> bool:
    return value is None or (isinstance(value, dict) and all(isinstance(v, str | None) for v in value.values()))


def _refuse_infinity(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError
    return number


def _find_auths_field(document: Mapping[str, object]) -> str:
    """The key of `auths` in the document; Go matches the names of fields in any case."""
    return next((key for key in document if key.lower() == "auths"), "auths")


def _read_entries(document: Mapping[str, object]) -> dict[str, object]:
    entries = document.get(_find_auths_field(document))
    if entries is None:
        return {}
    if not isinstance(entries, dict):
        raise InvalidDockerConfig("the docker config's auths is not an object")
    return entries


def _read_credentials(entries: Mapping[str, object]) -> dict[str, Credential]:
    credentials = {}
    for number, (key, entry) in enumerate(entries.items(), start=1):
        outcome = read_entry(entry)
        if isinstance(outcome, str):
            host = (parse_key(key) or "").partition("/")[0]
            where = host if is_domain(host) else f"entry {number}"
            raise InvalidDockerConfig(f"auths[{where}]: {outcome}; the kubelet would refuse every image of the Pod")
        credentials[key] = outcome
    return credentials


def read_entry(entry: object) -> Credential | str:
    """The credential in an entry, or what is wrong with it. Go reads null as absent and names of fields in any case."""
    if not isinstance(entry, dict | None):
        return "is not an object"
    values = {"username": "", "password": "", "email": "", "auth": ""}
    for name, value in (entry or {}).items():
        if name.lower() in values and value is not None:
            if not isinstance(value, str):
                return f"{name.lower()} is not a string"
            values[name.lower()] = value
    if not values["auth"]:
        return Credential(username=values["username"], password=values["password"])
    decoded = _decode(values["auth"])
    if decoded is None:
        return "auth is not base64"
    username, colon, password = decoded.partition(":")
    return Credential(username=username, password=password) if colon else "auth holds no colon"


def _decode(auth: str) -> str | None:
    """Base64, padded or not, with line ends anywhere: what Go's decoder takes."""
    text = auth.translate({ord("\r"): None, ord("\n"): None})
    if not text.endswith("="):
        text += "=" * (-len(text) % 4)
    if len(text) % 4 or not _base64.fullmatch(text):
        return None
    try:
        return base64.b64decode(text).decode(errors="replace")
    except binascii.Error:
        return None


def _normalize_key(key: str) -> str | None:
    """Which registry, or path in one, an entry is for: Docker Hub goes by two names."""
    place = parse_key(key)
    return HUB_ALIAS if place == HUB else place


def _encode_document(document: Mapping[str, object]) -> bytes:
    text = json.dumps(document, separators=(",", ":"), ensure_ascii=False).translate(_GO_ESCAPES)
    # A lone surrogate came in as an escape, and goes out as the same escape.
    data = text.encode(errors="backslashreplace")
    if len(data) > MAX_BYTES:
        raise InvalidDockerConfig(f"the docker config has {len(data)} bytes, and a Secret holds at most {MAX_BYTES}")
    return data
