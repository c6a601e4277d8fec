"""What the text of a failed pull says by itself, and the addresses, states and names in it.

kubelet, containerd 1.6 to 2.4, CRI-O and cri-dockerd word one cause differently; their texts are in `causes.toml`.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final
from urllib.parse import quote

from imagepull.causes.table import Confidence, list_text_rules
from imagepull.errors import InvalidReference
from imagepull.images.reference import DEFAULT_TAG, HUB, parse

__all__ = [
    "TextVerdict",
    "classify",
    "explain_address",
    "find_facts",
    "find_in",
    "is_error_text",
    "parse_absent_secrets",
    "parse_back_off",
    "parse_failed_event",
]

_LONGEST: Final = 16_384
"""Characters of a text that are looked at: a registry's answer may be a whole page."""
_BACK_OFF: Final = re.compile(r'Back-off pulling image "([^"]*)"(?:: (?:ErrImagePull: )?(.+))?', re.DOTALL)
_FAILED: Final = re.compile(r'Failed to pull image "([^"]*)": (.+)', re.DOTALL)
_COMBINED: Final = "(combined from similar events): "
_GRPC: Final = re.compile(r"^rpc error: code = \w+ desc = ")
_ABSENT_SECRETS: Final = re.compile(r"Unable to retrieve some image pull secrets \(([^)]*)\)")
# Where a further error begins in `[e1, e2]`, of one attempt for each credential.
_NEXT_ERROR: Final = re.compile(
    r", (?=rpc error: |failed to pull|failed to resolve|unable to pull|Error response from daemon|initializing source"
    r"|reading manifest|pulling from host)"
)
_ARTIFACT: Final = "; artifact err: "
_REASON: Final = re.compile(r"[A-Z][A-Za-z0-9]*")
# Texts that only say that there was an answer: the rest of a text may say more.
_WEAK: Final = "unexpected-answer"
_CREDENTIAL: Final = frozenset(
    {"no-credential", "hub-denied", "credential-refused", "forbidden", "wrong-password", "secret-no-password"}
    | {"bad-request"}
)
_FACTS: Final = {
    "status": re.compile(r"(?:status|manifest|: ).{0,300}?\b([1-5]\d\d [A-Z][A-Za-z' ]{1,30}[A-Za-z])\b", re.DOTALL),
    "media": re.compile(r"content descriptor \S+ \(([^)\s]+)\)"),
    "principal": re.compile(r"User: (arn:\S+) is not authorized"),
    "action": re.compile(r"to perform: (ecr:\w+)"),
    "resource": re.compile(r"on resource: (arn:\S+?)[,.]?(?:\s|$)"),
}
_URL_HOST: Final = re.compile(r"https?://([^/\"\s]+)(?:/v2/)?")
_TOKEN_REQUEST: Final = re.compile(r"fetch \w+ token")
_HUB_HOSTS: Final = ("docker.io", "docker.com")
_ADDRESSES: Final = (
    re.compile(r"lookup ([^\s:]+)"),
    re.compile(r'(?:Head|Get|Post) \\?"https?://([^/"\s]+)/?\S*": dial tcp: '),
    re.compile(r"dial tcp (\S+?): "),
    re.compile(r"https?://([^/\"\s]+)"),
    re.compile(r"pulling from host (\S+)"),
)


@dataclass(frozen=True, kw_only=True)
class TextVerdict:
    """What one text says: a code of `causes.toml` (or `no-credential`, `hub-denied`), how surely, and the text."""

    code: str
    confidence: Confidence
    text: str

    @property
    def is_door(self) -> bool:
        """The registry refused: only the Pod's Secrets say why."""
        return self.code in _CREDENTIAL


def classify(text: str, image: str = "") -> TextVerdict | None:
    """What the text of a failed pull says; None for nothing that is known.

    Of several attempts, one for each credential, that one decides which was let in and failed then. The image's own
    name is no part of what a text says: `team/blob: not found` is no blob that is not found.
    """
    names = _make_names_pattern(image)
    text = _GRPC.sub("", text[:_LONGEST])
    parts = _NEXT_ERROR.split(text[1:-1]) if text.startswith("[") and text.endswith("]") else [text]
    readings = [reading for part in parts if (reading := _classify_one(_GRPC.sub("", part), names))]
    further = (reading for reading in readings if not reading.is_door and reading.code != "token-expired")
    return next(further, readings[0] if readings else None)


def find_in(text: str, codes: frozenset[str]) -> TextVerdict | None:
    """What a text says of these codes alone, whatever else it says: a program's log may say anything."""
    text = text[:_LONGEST]
    rule = next((rule for rule in list_text_rules() if rule.code in codes and rule.pattern.search(text)), None)
    return TextVerdict(code=rule.code, confidence=rule.confidence, text=text) if rule else None


def parse_back_off(message: str) -> tuple[str, str] | None:
    """Image and text of `Back-off pulling image "I": ErrName: TEXT`; the text is missing up to Kubernetes 1.31."""
    found = _BACK_OFF.match(message)
    return (found[1], found[2] or "") if found else None


def parse_failed_event(message: str) -> tuple[str, str] | None:
    """Image and text of an Event `Failed to pull image "I": TEXT`."""
    found = _FAILED.match(message.removeprefix(_COMBINED))
    return (found[1], found[2]) if found else None


def parse_absent_secrets(message: str) -> tuple[str, ...]:
    """The Secrets that an Event FailedToRetrieveImagePullSecret names."""
    found = _ABSENT_SECRETS.search(message)
    return tuple(name for each in found[1].split(",") if (name := each.strip())) if found else ()


def is_error_text(reason: str) -> bool:
    """Whether a waiting reason is no reason's word but the error itself, as for a malformed Secret."""
    return bool(reason) and _REASON.fullmatch(reason) is None


def find_facts(text: str) -> dict[str, str]:
    """Address, status, media type and AWS names in a text, as far as they are there."""
    text = text[:_LONGEST]
    found = {name: match[1] for name, pattern in _FACTS.items() if (match := pattern.search(text))}
    address = next((match[1] for pattern in _ADDRESSES if (match := pattern.search(text))), None)
    return {**found, **({"address": address} if address else {})}


def explain_address(text: str, host: str) -> str:
    """What the address in a text is, as the end of a sentence; empty for the image's registry itself.

    Args:
        host: the image's registry, as `ImageReference.domain`.
    """
    if "proxyconnect" in text:
        return "; it is the proxy of the node's container runtime"
    found = _URL_HOST.search(text[:_LONGEST])
    if found is None or found[1] == host or (host == HUB and found[1].endswith(_HUB_HOSTS)):
        return ""
    if _TOKEN_REQUEST.search(text):
        return f"; {host} has its tokens issued there"
    if "httpReadSeeker" in text and "/v2/" not in found[0]:
        return f"; {host} keeps its layers there"
    return f"; it is a mirror of {host} in the configuration of the node (hosts.toml, registries.conf)"


def _classify_one(text: str, names: re.Pattern[str] | None) -> TextVerdict | None:
    """CRI-O tries a text of its own for an image and one for an artifact: the image's decides where it says enough."""
    image, artifact, _ = text.partition(_ARTIFACT)
    reading = _find_first_rule(image, names)
    if artifact and (reading is None or reading.code == _WEAK):
        return _find_first_rule(text, names) or reading
    return reading


@lru_cache(maxsize=1)
def _make_names_pattern(image: str) -> re.Pattern[str] | None:
    """How texts write an image, its repository and its tag; None for what is no image's name."""
    try:
        reference = parse(image)
    except InvalidReference:
        return None
    path = reference.path
    written = {image, reference.canonical, reference.repository, reference.domain, quote(path, safe="")}
    written |= {path} if "/" in path else set()
    names = "|".join(map(re.escape, sorted(written, key=len, reverse=True)))
    tag = re.escape(reference.tag or DEFAULT_TAG)
    in_url = rf"(?<=/v2/){re.escape(path)}(?=/)"
    in_manifest = rf"(?:(?<=manifests[ /])|(?<=manifest )){tag}(?![\w.-])"
    return re.compile(rf"(?<![\w.-])(?:{names})(?![\w-])|{in_url}|{in_manifest}")


def _find_first_rule(text: str, names: re.Pattern[str] | None) -> TextVerdict | None:
    said = names.sub("IMAGE", text) if names else text
    rule = next((rule for rule in list_text_rules() if rule.pattern.search(said)), None)
    return TextVerdict(code=rule.code, confidence=rule.confidence, text=text) if rule else None
