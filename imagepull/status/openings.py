"""Which entries of a Pod's Secrets the kubelet tries for an image, in its order, and how long each opens it.

Rules: `imagepull.registries.keyring`; a Secret of another type than the kubelet's two is ignored, and one that does not
parse fails every pull of the Pod (kubernetes/kubernetes v1.36 `pkg/credentialprovider/secrets/secrets.go`).
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from imagepull.diagnosis.objects import Entry, Secret
from imagepull.diagnosis.secrets import DATA_KEYS
from imagepull.registries.docker_config import auths_key
from imagepull.registries.ecr_hosts import parse_host
from imagepull.registries.keyring import index, match_repository

__all__ = ["Opening", "entry_expires", "openings", "usable_entries"]

_EARLIEST: Final = ""
"""The host under which `Secret.expiries` has an expiry of which it is not known whose it is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Opening:
    """An entry that matches an image. `expires`: None when it does not expire."""

    secret: Secret
    entry: Entry
    expires: datetime | None

    def opens(self, at: datetime) -> bool:
        """Whether a registry would take it at this moment, as far as the entry tells."""
        return self.entry.password_length > 0 and (self.expires is None or self.expires > at)


def openings(secrets: Iterable[Secret], repository: str) -> list[Opening]:
    """The entries of a Pod's Secrets that match a repository (`ghcr.io/owner/app`), the first to be tried first."""
    keys: list[str] = []
    waiting: dict[str, deque[Opening]] = {}
    for secret in secrets:
        for entry in usable_entries(secret):
            keys.append(entry.key)
            opening = Opening(secret=secret, entry=entry, expires=entry_expires(secret, entry))
            waiting.setdefault(entry.key, deque()).append(opening)
    return [waiting[key].popleft() for key in match_repository(keys, repository)]


def usable_entries(secret: Secret) -> Sequence[Entry]:
    """The entries that the kubelet reads; none of a Secret whose type it ignores or whose content it refuses."""
    return () if secret.type not in DATA_KEYS or secret.malformed else secret.entries


def entry_expires(secret: Secret, entry: Entry) -> datetime | None:
    """When an entry expires: as the Secret's annotations say, else as the token itself does; None for never."""
    for host, expires in secret.expiries.items():
        if host != _EARLIEST and auths_key(host) == entry.key:
            return expires
    if entry.token_expires is not None:
        return entry.token_expires
    if _EARLIEST in secret.expiries and parse_host((index(entry.key) or "").partition("/")[0]) is not None:
        return secret.expiries[_EARLIEST]
    return None
