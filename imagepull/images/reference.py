"""Image references, read as Kubernetes and containerd read them.

Grammar and normalisation: distribution/reference v0.6.0 (`reference.go`, `regexp.go`, `normalize.go`), the version that
the kubelet pins; digest validity: opencontainers/go-digest v1.0.0. One deviation: a first component that reads as a
registry host and is not one (`a.b_c/app`) is refused, where the Go library returns an image without any domain.
"""

import re
from dataclasses import dataclass

from imagepull.errors import InvalidReference

__all__ = [
    "DEFAULT_TAG",
    "HUB",
    "ImageReference",
    "describe_invalid",
    "find_unexpanded_variable",
    "is_bare_host",
    "is_domain",
    "parse",
]

HUB = "docker.io"
DEFAULT_TAG = "latest"

_HUB_ALIAS = "index.docker.io"
_OFFICIAL = "library/"
_MAX_PATH = 255
_MAX_TAG = 128
_MAX_SHOWN = 160
_DIGEST_HEX = {"sha256": 64, "sha384": 96, "sha512": 128}

# Every repetition is possessive, so hostile input costs linear time.
_LABEL = r"[A-Za-z0-9]++(?:-++[A-Za-z0-9]++)*+"
_COMPONENT = r"[a-z0-9]++(?:(?:\.|__?|-++)[a-z0-9]++)*+"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}+"
_DIGEST = r"([A-Za-z][A-Za-z0-9]*+(?:[-_+.][A-Za-z][A-Za-z0-9]*+)*+):([0-9a-fA-F]{32,}+)"

_domain = re.compile(rf"(?:{_LABEL}(?:\.{_LABEL})*+|\[[0-9a-fA-F:]++\])(?::[0-9]++)?")
_component = re.compile(_COMPONENT)
_tag = re.compile(_TAG)
_digest = re.compile(_DIGEST)
_remainder = re.compile(rf"({_COMPONENT}(?:/{_COMPONENT})*+)(?::({_TAG}))?(?:@{_DIGEST})?")
_identifier = re.compile(r"[0-9a-f]{64}")
_scheme = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*+://")
_userinfo = re.compile(r"(?:(?<=://)[^/@]*+@|^[^/@]*+@(?=[^/@]*+/))(?!sha\d)")
_variable = re.compile(r"\$[A-Za-z_]|\$\{|\$\(|\{\{")
_CLOSING = {"${": "}", "$(": ")", "{{": "}}"}


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageReference:
    """One image, normalised: `nginx` has domain `docker.io` and path `library/nginx`.

    Attributes:
        domain: registry host with its port, if any: `docker.io`, `localhost:5000`; case as written.
        path: repository inside the registry: `library/nginx`.
        tag: as written, or None; see `tag_defaulted`.
        digest: `sha256:<hex>` (or sha384, sha512), or None.
    """

    domain: str
    path: str
    tag: str | None
    digest: str | None

    @property
    def repository(self) -> str:
        """`domain/path`: what the kubelet looks credentials up with."""
        return f"{self.domain}/{self.path}"

    @property
    def tag_defaulted(self) -> bool:
        """Neither tag nor digest was written, so `latest` is pulled."""
        return self.tag is None and self.digest is None

    @property
    def version(self) -> str:
        """What is pulled of the repository, for a sentence: `tag 1.0`, or `digest sha256:...`."""
        return f"digest {self.digest}" if self.digest else f"tag {self.tag or DEFAULT_TAG}"

    @property
    def canonical(self) -> str:
        """What is pulled: by digest when there is one (containerd ignores a tag beside it), else by tag."""
        if self.digest is not None:
            return f"{self.repository}@{self.digest}"
        return f"{self.repository}:{self.tag or DEFAULT_TAG}"

    @property
    def familiar(self) -> str:
        """The short form that people write: without `docker.io/` and `library/`; tag and digest as they were."""
        name = self.repository
        if self.domain == HUB:
            official = self.path.removeprefix(_OFFICIAL)
            name = self.path if "/" in official else official
        return name + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")


def parse(text: str) -> ImageReference:
    """The reference that `text` means to Kubernetes. Nothing is stripped or corrected.

    Raises:
        InvalidReference: with the reason, the offending part and, where people commonly go wrong, a hint.
    """
    domain, remainder = _split(text)
    found = _remainder.fullmatch(remainder)
    if found is None or not is_domain(domain) or _is_identifier(text):
        raise _explain(text)
    path, tag, algorithm, encoded = found.groups()
    if len(path) > _MAX_PATH:
        raise _explain(text)
    if algorithm is None:
        return ImageReference(domain=domain, path=path, tag=tag, digest=None)
    if _DIGEST_HEX.get(algorithm) != len(encoded) or encoded != encoded.lower():
        raise _explain(text)
    return ImageReference(domain=domain, path=path, tag=tag, digest=f"{algorithm}:{encoded}")


def is_domain(text: str) -> bool:
    """Whether `text` can stand before the first slash of a reference: host name or `[IPv6]`, with or without a port."""
    return text == HUB or _domain.fullmatch(text) is not None


def describe_invalid(error: InvalidReference) -> dict[str, str]:
    """The facts of the cause `invalid-image-name` (imagepull/causes): what is wrong, and a sentence what to write."""
    part = f" (at {error.part!r})" if error.part and error.part != error.reference else ""
    hint = error.hint[:1].upper() + error.hint[1:] if error.hint else "Correct the name"
    return {
        "problem": f"The image {error.reference!r} is no valid name: {error.reason}{part}",
        "suggestion": f"{hint}.",
    }


def is_bare_host(reference: ImageReference) -> bool:
    """Whether this reads as a registry host without a repository, which is a valid name of an image on Docker Hub.

    `123456789012.dkr.ecr.us-east-1.amazonaws.com`, `registry.example.com:5000` and `localhost` are the usual
    accidents; no official image has a dot in its name.
    """
    name = reference.path.removeprefix(_OFFICIAL)
    official = reference.domain == HUB and "/" not in name
    return official and ("." in name or name == "localhost")


def find_unexpanded_variable(text: str) -> str | None:
    """The first `${X}`, `$(X)`, `$X` or `{{ x }}` in `text`, or None."""
    found = _variable.search(text)
    if found is None:
        return None
    start, closing = found.start(), _CLOSING.get(found.group())
    if closing is None:
        return text[start:].partition("/")[0]
    end = text.find(closing, start)
    return text[start : end + len(closing)] if end >= 0 else text[start:]


def _split(text: str) -> tuple[str, str]:
    """Domain and remainder, by Docker's rule of thumb for what is a host. Neither is validated."""
    first, slash, rest = text.partition("/")
    if not slash:
        return HUB, _OFFICIAL + text
    if first == _HUB_ALIAS:
        first = HUB
    elif not (first == "localhost" or "." in first or ":" in first or first.lower() != first):
        return HUB, text
    if first == HUB and "/" not in rest:
        return HUB, _OFFICIAL + rest
    return first, rest


def _is_identifier(text: str) -> bool:
    return len(text) == 64 and _identifier.fullmatch(text) is not None


def _explain(text: str) -> InvalidReference:
    # A text with "://", or with a slash after "@", stays invalid when the user and password are masked.
    text = _userinfo.sub("***@", text)
    reason, part, hint = _find_fault(text)
    return InvalidReference(_quote(text), reason, part=_quote(part), hint=_quote(hint))


def _quote(text: str) -> str:
    return text if len(text) <= _MAX_SHOWN else f"{text[:_MAX_SHOWN]}..."


def _find_fault(text: str) -> tuple[str, str, str]:
    """Reason, offending part and hint for a text that `parse` refuses; the most likely fault first."""
    if not text:
        return "it is empty", "", "write repository:tag"
    if _is_identifier(text):
        return "it is an image ID, not a name", "", f"write repository@sha256:{text}"
    if variable := find_unexpanded_variable(text):
        return "it holds an unexpanded variable", variable, "Kubernetes expands no variables in image names"
    if scheme := _scheme.match(text):
        return "an image reference has no scheme", scheme.group(), f"write {text[scheme.end() :]!r}"
    if (bare := "".join(text.split())) != text:
        return "it holds white space", "", f"write {bare!r}"
    domain, remainder = _split(text)
    written = remainder if text.endswith(remainder) else remainder.removeprefix(_OFFICIAL)
    repository = written.partition(":")[0]
    if repository != repository.lower():
        return "the repository name must be lower case", repository, f"write {repository.lower()!r}"
    if not is_domain(domain):
        return _find_domain_fault(domain)
    name, at, digest = written.partition("@")
    path, colon, tag = name.partition(":")
    for component in path.split("/"):
        if not _component.fullmatch(component):
            return _find_path_fault(domain, path, component)
    if colon and not _tag.fullmatch(tag):
        return _find_tag_fault(tag)
    if len(remainder) - len(written) + len(path) > _MAX_PATH:
        return f"the repository path is longer than {_MAX_PATH} characters", path, "shorten it"
    return _find_digest_fault(digest if at else "")


def _find_domain_fault(domain: str) -> tuple[str, str, str]:
    if not domain.strip("."):
        return "it starts with a path", domain + "/", "write registry/repository:tag or repository:tag"
    if "@" in domain:
        return "an '@' stands in the registry host", domain, "a password belongs in a pull Secret, a digest at the end"
    host, _, port = domain.rpartition(":")
    if host and ":" not in host and not port.isdigit():
        return "the registry's port is not a number", domain, f"write {host}:PORT, or {host} alone"
    hint = "a host name has letters, digits, '-' and '.', and no '_'; an IPv6 address stands in [brackets]"
    return "the registry host is not valid", domain, hint


def _find_path_fault(domain: str, path: str, component: str) -> tuple[str, str, str]:
    if component:
        hint = "use a-z and 0-9, joined by one '.', one or two '_', or any number of '-'"
        return "the repository name is not valid", component, hint
    if not path or path.endswith("/"):
        return "the repository name is missing", path, f"write {domain}/repository:tag"
    return "the repository name has an empty part", path, "write single slashes, and none in front"


def _find_tag_fault(tag: str) -> tuple[str, str, str]:
    if not tag:
        return "the tag is empty", ":", f"write :{DEFAULT_TAG} or another tag, or drop the colon"
    if "/" in tag:
        return "a slash follows the tag", tag, "the tag stands last, and a port only behind the registry host"
    if len(tag) > _MAX_TAG:
        return f"the tag is longer than {_MAX_TAG} characters", tag, "shorten it"
    fixed = re.sub(r"[^A-Za-z0-9_.-]", "_", tag).lstrip(".-")
    hint = "use letters, digits, '_', '.', '-', and start with none of '.-'" + (f": {fixed!r}" if fixed else "")
    return "the tag is not valid", tag, hint


def _find_digest_fault(digest: str) -> tuple[str, str, str]:
    found = _digest.fullmatch(digest)
    if found is None:
        return "the digest is not of the form algorithm:hex", digest, "write @sha256: and 64 hex digits at the very end"
    algorithm, encoded = found.groups()
    size = _DIGEST_HEX.get(algorithm)
    if size is None:
        return "unsupported digest algorithm", algorithm, f"use one of {', '.join(_DIGEST_HEX)}"
    if len(encoded) != size:
        return "the digest has the wrong length", encoded, f"{algorithm} has {size} hex digits, this has {len(encoded)}"
    return "the digest must be lower case", encoded, f"write {algorithm}:{encoded.lower()}"
