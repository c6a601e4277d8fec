"""What the kubelet had at hand for an image: the Pod's Secrets that open it, that do not, and that are not there.

Rules: `imagepull.registries.keyring`; which Secrets count: kubernetes/kubernetes v1.36
`pkg/credentialprovider/secrets/secrets.go` (types) and `pkg/kubelet/kubelet_pods.go` (the Pod's own list only).
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from imagepull.diagnosis.objects import Case, Entry, Missing, Secret
from imagepull.diagnosis.secrets import DATA_KEYS, DOCKERCFG
from imagepull.diagnosis.texts import parse_absent_secrets
from imagepull.images.reference import ImageReference
from imagepull.registries.keyring import match_repository, parse_key

__all__ = [
    "KeyringView",
    "TriedEntry",
    "find_expiry",
    "find_key_fault",
    "find_opening_entries",
    "is_usable",
    "view_keyring",
]

_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
_TAKEN_OFF: Final = ("http://", "https://")


@dataclass(frozen=True, kw_only=True)
class TriedEntry:
    """An entry of a Secret that the kubelet tries for the image."""

    secret: Secret
    entry: Entry

    @property
    def has_password(self) -> bool:
        return self.entry.password_length > 0


@dataclass(frozen=True, kw_only=True)
class KeyringView:
    """The Secrets that a Pod lists, by what they are worth for one image.

    Attributes:
        opening: in the order in which the kubelet tries them.
        readable: Secrets of the list that were read, in its order.
        absent: names that are not there.
        told_absent: of these, what only an Event says.
        doubtful: of these, what no Event says although the kubelet has tried to pull: it says so before each pull, so
            the Secret was there then.
        withheld: names of Secrets that may not be read and that no Event says are absent.
    """

    opening: tuple[TriedEntry, ...]
    readable: tuple[Secret, ...]
    absent: tuple[str, ...]
    told_absent: frozenset[str]
    doubtful: frozenset[str]
    withheld: tuple[str, ...]


def view_keyring(case: Case, reference: ImageReference) -> KeyringView:
    """The Pod's Secrets, for one image."""
    events = () if isinstance(case.events, Missing) else case.events
    told = {name for event in events for name in parse_absent_secrets(event.message)}
    looked_up = {name: case.secrets.look_up(name) for name in case.pod.pull_secrets}
    readable = tuple(secret for secret in looked_up.values() if isinstance(secret, Secret))
    told_absent = {name for name, found in looked_up.items() if found is Missing.WITHHELD and name in told}
    absent = [name for name, found in looked_up.items() if found is Missing.ABSENT or name in told_absent]
    return KeyringView(
        opening=find_opening_entries(readable, reference),
        readable=readable,
        absent=tuple(absent),
        told_absent=frozenset(told_absent),
        doubtful=frozenset(absent) - told if any(event.reason == "Pulling" for event in events) else frozenset(),
        withheld=tuple(n for n, found in looked_up.items() if found is Missing.WITHHELD and n not in told_absent),
    )


def find_opening_entries(secrets: Iterable[Secret], reference: ImageReference) -> tuple[TriedEntry, ...]:
    """The entries that the kubelet tries for the image, in its order."""
    usable = [secret for secret in secrets if is_usable(secret)]
    held = [TriedEntry(secret=secret, entry=entry) for secret in usable for entry in secret.entries]
    keys = match_repository(dict.fromkeys(each.entry.key for each in held), reference.repository)
    return tuple(each for key in keys for each in held if each.entry.key == key)


def is_usable(secret: Secret) -> bool:
    """Whether the kubelet takes entries from it; those below an `auths` wrapper in a dockercfg it does not see."""
    return secret.type in DATA_KEYS and not secret.malformed and not (secret.type == DOCKERCFG and secret.wrapped)


def find_expiry(found: TriedEntry, host: str) -> datetime | None:
    """When the token of an entry expires: what it says itself, else what our annotation says; None for unknown."""
    by_host = found.secret.expiries
    return found.entry.token_expires or by_host.get(host) or by_host.get("")


def find_key_fault(secrets: Sequence[Secret], reference: ImageReference) -> tuple[str, Secret, str] | None:
    """The code, the Secret and the key that comes nearest to the image's registry; None for no entry at all."""
    keys = [
        (_FAULTS.index(code), code, secret, entry.key)
        for secret in secrets
        if is_usable(secret)
        for entry in secret.entries
        if (code := _judge_key(entry.key, reference))
    ]
    if not keys:
        return None
    _, code, secret, key = min(keys, key=lambda found: found[0])
    return code, secret, key


_FAULTS: Final = ("key-scheme", "key-path-mismatch", "key-port-mismatch", "key-other-host")


def _judge_key(key: str, reference: ImageReference) -> str:
    scheme = _SCHEME.match(key)
    if scheme and scheme.group() not in _TAKEN_OFF:
        bare = key[scheme.end() :].partition("/")[0]
        return _FAULTS[0] if bare.lower() == reference.domain.lower() else _FAULTS[3]
    host, _, path = (parse_key(key) or "").partition("/")
    if host == reference.domain and path:
        return _FAULTS[1]
    same_name = host and _drop_port(host) == _drop_port(reference.domain)
    return _FAULTS[2] if same_name and host != reference.domain else _FAULTS[3]


def _drop_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host
