"""Which token in a Secret is believed to be ours, and how long it lives.

Everybody who may write a Secret in one namespace could put a credential of their own into it, with an expiry in the
far future, and wait until AWS fails: what is then taken for the last good token goes to every namespace. So a token is
believed only with a digest made with a key from Pulumi's state. docs/provider.md has the format, for other renewers.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from imagepull.registries import docker_config
from imagepull.registries import lifetimes as renewal
from imagepull.registries.docker_config import Credential
from imagepull.registries.lifetimes import Lifetime
from imagepull.registry_secret.existing import LEGACY_DIGEST_ANNOTATION, Existing

__all__ = [
    "LONGEST_LIFE",
    "TrustedEntry",
    "annotate",
    "compute_digest",
    "find_believed",
    "find_last_good",
    "is_unedited_since_legacy",
    "limit",
]

LONGEST_LIFE: Final = timedelta(hours=12)
"""No ECR token lives longer (AWS API reference, GetAuthorizationToken)."""


@dataclass(frozen=True, kw_only=True)
class TrustedEntry:
    """A credential, and how long it lives (None: a fixed password, which does not expire)."""

    credential: Credential = field(repr=False)
    lifetime: Lifetime | None = None


def annotate(entries: Mapping[str, TrustedEntry], digest_key: str) -> dict[str, dict[str, str]]:
    """What the hosts' annotation says of these entries (by host)."""
    lifetimes = {host: entry.lifetime for host, entry in entries.items() if entry.lifetime is not None}
    notes = renewal.format_lifetimes(lifetimes)
    return {
        host: {**notes[host], "digest": _sign(digest_key, host, notes[host], entry.credential)} if host in notes else {}
        for host, entry in entries.items()
    }


def find_believed(existing: Existing, host: str, digest_key: str | None, now: datetime) -> TrustedEntry | None:
    """The token of a host if its digest is right, with at most 12 hours to live; None otherwise."""
    note, credential = existing.notes.get(host, {}), existing.find_credential(host)
    lifetime = renewal.parse_lifetimes({host: note}).get(host)
    if credential is None or lifetime is None or digest_key is None:
        return None
    texts = {key: str(note[key]) for key in ("issued", "expires")}
    told = str(note.get("digest")).encode(errors="replace")
    if not hmac.compare_digest(_sign(digest_key, host, texts, credential).encode(), told):
        return None
    return TrustedEntry(credential=credential, lifetime=limit(lifetime, now))


def find_last_good(
    secrets: Iterable[Existing], host: str, digest_key: str | None, now: datetime
) -> TrustedEntry | None:
    """The longest-lived token of a host that is believed and still lives; None when there is none."""
    alive = [
        (entry.lifetime.expires, entry)
        for secret in secrets
        if (entry := find_believed(secret, host, digest_key, now)) is not None
        and entry.lifetime is not None
        and entry.lifetime.expires > now
    ]
    return max(alive, key=lambda each: each[0])[1] if alive else None


def limit(lifetime: Lifetime, now: datetime) -> Lifetime:
    """The lifetime, ending at most 12 hours from now."""
    return replace(lifetime, expires=min(lifetime.expires, now + LONGEST_LIFE))


def is_unedited_since_legacy(existing: Existing) -> bool:
    """Whether the tokens are as a version without identities wrote them, going by its own digest."""
    lifetimes = renewal.parse_lifetimes(existing.notes)
    tokens = {host: found for host in lifetimes if (found := existing.find_credential(host)) is not None}
    digest = hashlib.sha256(docker_config.encode(dict(sorted(tokens.items())))).hexdigest()
    return existing.annotations.get(LEGACY_DIGEST_ANNOTATION) == digest


def _sign(digest_key: str, host: str, lifetime: Mapping[str, str], credential: Credential) -> str:
    lines = (host, lifetime["issued"], lifetime["expires"], credential.username, credential.password)
    return compute_digest(digest_key, lines)


@lru_cache(maxsize=docker_config.SAME_CONTENTS)
def compute_digest(digest_key: str, lines: tuple[str, ...]) -> str:
    """HMAC-SHA-256 of the lines, as hex digits. What the first line can be says what the digest is for."""
    # A password may hold line ends and a lone surrogate, so it is last, and encoded as docker_config does.
    message = "\n".join(lines).encode(errors="backslashreplace")
    return hmac.new(digest_key.encode(), message, hashlib.sha256).hexdigest()
