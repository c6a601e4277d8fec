"""Which entries of a Pod's Secrets the kubelet tries for an image, in its order, and how long each opens it.

Rules: `imagepull.diagnosis.keyring_view`. What is added here is how long an entry lives.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from imagepull.diagnosis import keyring_view
from imagepull.diagnosis.objects import Entry, Secret
from imagepull.images.reference import ImageReference
from imagepull.registries.docker_config import make_auths_key
from imagepull.registries.ecr_hosts import parse_host
from imagepull.registries.keyring import parse_key

__all__ = ["Opening", "find_entry_expiry", "find_openings", "list_usable_entries"]

_EARLIEST: Final = ""
"""The host under which `Secret.expiries` has an expiry of which it is not known whose it is."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Opening:
    """An entry that matches an image. `expires`: None when it does not expire."""

    secret: Secret
    entry: Entry
    expires: datetime | None

    def opens(self, at: datetime) -> bool:
        """Whether a registry would take it at this moment, as far as the entry shows."""
        return self.entry.password_length > 0 and (self.expires is None or self.expires > at)


def find_openings(secrets: Iterable[Secret], reference: ImageReference) -> list[Opening]:
    """The entries of a Pod's Secrets that match an image, the first to be tried first."""
    return [
        Opening(secret=found.secret, entry=found.entry, expires=find_entry_expiry(found.secret, found.entry))
        for found in keyring_view.find_opening_entries(secrets, reference)
    ]


def list_usable_entries(secret: Secret) -> Sequence[Entry]:
    """The entries that the kubelet reads; none of a Secret whose type it ignores or whose content it refuses."""
    return secret.entries if keyring_view.is_usable(secret) else ()


def find_entry_expiry(secret: Secret, entry: Entry) -> datetime | None:
    """When an entry expires: as the Secret's annotations say, else as the token itself does; None for never."""
    for host, expires in secret.expiries.items():
        if host != _EARLIEST and make_auths_key(host) == entry.key:
            return expires
    if entry.token_expires is not None:
        return entry.token_expires
    if _EARLIEST in secret.expiries and parse_host((parse_key(entry.key) or "").partition("/")[0]) is not None:
        return secret.expiries[_EARLIEST]
    return None
