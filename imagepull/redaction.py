"""Taking credentials out of a text that others will read: the last guard, behind Pulumi's own `[secret]`.

What is looked for is what a registry's credential looks like, in the clear or encoded. Too much taken out is a
nuisance, too little is a leak: so a long text that only looks like a token goes, too.
"""

import base64
import binascii
import re
from typing import Final

__all__ = ["REDACTED", "clean", "redact"]

REDACTED: Final = "[redacted]"

_NAMED: Final = r"auth|password|passwd|secret|token|identitytoken|registrytoken|authorizationtoken|\.dockerconfigjson"
_QUOTE: Final = r"\\{0,4}[\"']"
# Repetitions have an upper limit where they could cost quadratic time.
_PATTERNS: Final = (
    # {"auths": ...}, whole, with quotes escaped or not; it may be cut short.
    (re.compile(r"\{\s{0,99}\\{0,4}\"auths\\{0,4}\"\s{0,99}:.*?(?:\}\s*\}\s*\}|\Z)", re.S | re.I), REDACTED),
    (
        re.compile(
            rf"((?:{_NAMED})(?:{_QUOTE})?\s{{0,9}}[:=]\s{{0,9}}){_QUOTE}(?!\[secret\]).{{0,8192}}?{_QUOTE}", re.S | re.I
        ),
        rf"\1{REDACTED}",
    ),
    (re.compile(r"\b(password|passwd|secret|token)=(?![\[\"'\\])\S+", re.I), rf"\1={REDACTED}"),
    (re.compile(r"\b((?i:Basic|Bearer))\s+(?=\S*[0-9A-Z=])[A-Za-z0-9+/=_.~-]{8,}"), rf"\1 {REDACTED}"),
    (re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z ]{0,40}-----|\Z)", re.S), REDACTED),
    (re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b"), REDACTED),
    (re.compile(r"\b(?:ghp|gho|ghs|ghu|github_pat|glpat|dckr_pat|npm|pul)[_-][A-Za-z0-9_-]{16,}"), REDACTED),
)
# Always matches as far as it can: a pattern that ends in `@` would start anew at each `://` of a text without one.
_up_to_at = re.compile(r"[^@\s]+(?:@(?!sha256:))?")
_LONGEST_FOREIGN: Final = 1000
_word = re.compile(r"[A-Za-z0-9+/_-]{12,}={0,2}")
_hex = re.compile(r"[0-9a-f]+")
_LONG: Final = 40
_credential = re.compile(r"[!-9;-~]{1,256}:[ -~]+")


def redact(text: str) -> str:
    """The text, with `[redacted]` in the place of each thing that looks like a credential."""
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return _word.sub(_redact_word, _up_to_at.sub(_drop_user, text))


def clean(text: str) -> str:
    """What others wrote (an API server, a registry, an annotation), fit for a message of ours.

    In one line, at most 1,000 characters long, without control characters that could steer a terminal or forge a line
    of a log, and without anything that looks like a credential.
    """
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    safe = redact(line)
    return safe if len(safe) <= _LONGEST_FOREIGN else f"{safe[: _LONGEST_FOREIGN - 3]}..."


def _drop_user(found: re.Match[str]) -> str:
    """`https://user:password@` without user and password."""
    part = found.group()
    before, scheme_end, after = part.partition("://")
    user, colon, password = after.partition(":")
    if not part.endswith("@") or not colon or not user or "/" in user or len(password) < 2:
        return part
    return f"{before}{scheme_end}{REDACTED}@"


def _redact_word(found: re.Match[str]) -> str:
    word = found.group()
    return REDACTED if _looks_random(word) or _holds_credential(word) else word


def _looks_random(word: str) -> bool:
    """Long, with upper case, lower case and digits: no image name, digest or path of ours is."""
    kinds = (str.isupper, str.islower, str.isdigit)
    return len(word) >= _LONG and not _hex.fullmatch(word) and all(any(map(kind, word)) for kind in kinds)


def _holds_credential(word: str) -> bool:
    """Base64 of `user:password` or of a docker config."""
    try:
        padded = word.rstrip("=") + "=" * (-len(word.rstrip("=")) % 4)
        decoded = (
            base64.b64decode(padded, altchars=b"-_", validate=True)
            if "-" in word or "_" in word
            else (base64.b64decode(padded, validate=True))
        )
        text = decoded.decode("ascii")
    except (binascii.Error, UnicodeDecodeError):
        return False
    return '"auth' in text or _credential.fullmatch(text) is not None
