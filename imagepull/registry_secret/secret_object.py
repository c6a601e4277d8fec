"""What to do with the pull Secret of one namespace, given what is there. Pure: the requests are made elsewhere.

A Secret is created once and then only patched: the kubelet (1.35+) knows the credentials of cached images by the
Secret's UID (kubernetes/kubernetes pkg/kubelet/images/pullmanager/image_pull_manager.go).
"""

import base64
import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any, Final

from imagepull.errors import ImagePullError, InvalidDockerConfig
from imagepull.kubernetes import ownership
from imagepull.kubernetes.ownership import Owner
from imagepull.registries import docker_config
from imagepull.registries import lifetimes as renewal
from imagepull.registries.docker_config import Credential, DockerConfig
from imagepull.registries.lifetimes import Lifetime
from imagepull.registry_secret.spec import Spec

SECRET_TYPE: Final = "kubernetes.io/dockerconfigjson"  # noqa: S105 (a type's name)
DATA_KEY: Final = ".dockerconfigjson"
EXPIRES_AT_ANNOTATION: Final = "imagepull/expires-at"
"""The earliest expiry of the tokens in the Secret, RFC 3339; absent when nothing expires."""
HOSTS_ANNOTATION: Final = "imagepull/hosts"
"""JSON: each host that is ours, with its token's lifetime (as of `renewal.lifetimes_to_texts`), or `{}`."""
DIGEST_ANNOTATION: Final = "imagepull/tokens-digest"
"""SHA-256 of our tokens' entries, which tells that somebody edited them. Fixed passwords are not in it: a digest of a
short password can be guessed."""


class Refusal(ImagePullError):
    """The Secret that is there must not be touched, and why."""


@dataclass(frozen=True, kw_only=True)
class Existing:
    """A Secret as the cluster holds it. `config`: its dockerconfigjson, None without that key."""

    namespace: str
    name: str
    uid: str
    resource_version: str
    type: str
    immutable: bool
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    config: bytes | None = field(repr=False)

    @property
    def lifetimes(self) -> dict[str, Lifetime]:
        """Of our tokens, by host."""
        return renewal.lifetimes_from_texts(self._hosts)

    @property
    def our_hosts(self) -> frozenset[str]:
        """The hosts whose entries we wrote."""
        return frozenset(self._hosts)

    def belongs_to(self, owner: Owner, uids: Collection[str]) -> bool:
        """Whether it is the owner's: by its label, or without any owner's label by its UID."""
        label = self.labels.get(ownership.OWNER_LABEL)
        return label == owner.key if label is not None else self.uid in uids

    def credential(self, host: str) -> Credential | None:
        """The credential of a host, None when there is none."""
        return self.credentials.get(docker_config.auths_key(host))

    @property
    def credentials(self) -> Mapping[str, Credential]:
        """Every entry by key of `auths`; empty when the content is malformed."""
        return {} if isinstance(self._content, str) else self._content.auths

    @property
    def malformed(self) -> str | None:
        """What is wrong with the content; None when the kubelet would take it."""
        return self._content if isinstance(self._content, str) else None

    @cached_property
    def _content(self) -> DockerConfig | str:
        try:
            return docker_config.parse(self.config or b"{}")
        except InvalidDockerConfig as error:
            return str(error)

    @property
    def _hosts(self) -> dict[str, object]:
        try:
            value = json.loads(self.annotations.get(HOSTS_ANNOTATION, "{}"))
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A credential to write, and how long it lives (None: it does not expire)."""

    credential: Credential = field(repr=False)
    lifetime: Lifetime | None = None


@dataclass(frozen=True, kw_only=True)
class Change:
    """One request: `create` a Secret with this body, or `patch` it (JSON merge patch)."""

    create: bool
    body: Mapping[str, Any] = field(repr=False)


def write(
    existing: Existing | None,
    spec: Spec,
    owner: Owner,
    entries: Mapping[str, Entry],
    uids: Collection[str],
    dropped: Collection[str] = (),
) -> Change | None:
    """What brings the Secret to `entries` (by host); None when it is so already.

    Args:
        existing: The Secret that is there, None for none.
        uids: UIDs that Pulumi's state knows as the owner's.
        dropped: Keys of labels and annotations that were asked for before and are no more.

    Raises:
        Refusal: somebody else's Secret, or one that cannot be written.
        InvalidDockerConfig: the content would be larger than a Secret may be, or what is there is malformed.
    """
    labels = {**spec.labels, ownership.MANAGED_BY_LABEL: ownership.MANAGED_BY, ownership.OWNER_LABEL: owner.key}
    if existing is None:
        annotations = {**spec.annotations, **_our_annotations(owner, entries)}
        body = _document(docker_config.encode(_credentials(entries)))
        return Change(create=True, body={**body, "metadata": {"labels": labels, "annotations": annotations}})
    _refuse(existing, spec, owner, uids)
    wanted = {registry.host for registry in spec.registries}
    # A registry whose token could not be had keeps what is there, entry and lifetime.
    kept = {
        host: Entry(credential=credential, lifetime=existing.lifetimes.get(host))
        for host in existing.our_hosts & wanted - entries.keys()
        if (credential := existing.credential(host)) is not None
    }
    # What was ours and is malformed is written anew: as it stands it fails every image pull.
    base = None if existing.malformed else existing.config
    merged = docker_config.merge(base, _credentials(entries), existing.our_hosts - wanted)
    annotations = {**spec.annotations, **_our_annotations(owner, {**kept, **entries})}
    metadata: dict[str, Any] = {
        "labels": _patch(existing.labels, labels, dropped),
        "annotations": _patch(existing.annotations, annotations, (*dropped, EXPIRES_AT_ANNOTATION, DIGEST_ANNOTATION)),
    }
    if merged == existing.config and not metadata["labels"] and not metadata["annotations"]:
        return None
    return Change(create=False, body={**_data(merged), "metadata": {**metadata, **_precondition(existing)}})


def release(existing: Existing, spec_labels: Iterable[str]) -> Change | None:
    """What takes our part out of a Secret that also holds entries of others; None when all of it is ours, to delete.

    Args:
        spec_labels: Keys of the labels and annotations that were asked for.
    """
    if not existing.credentials.keys() - {docker_config.auths_key(host) for host in existing.our_hosts}:
        return None
    ours = (
        *spec_labels,
        ownership.MANAGED_BY_LABEL,
        ownership.OWNER_LABEL,
        ownership.OWNED_BY_ANNOTATION,
        EXPIRES_AT_ANNOTATION,
        HOSTS_ANNOTATION,
        DIGEST_ANNOTATION,
    )
    metadata = {
        "labels": _patch(existing.labels, {}, ours),
        "annotations": _patch(existing.annotations, {}, ours),
        **_precondition(existing),
    }
    merged = docker_config.merge(existing.config, {}, existing.our_hosts)
    return Change(create=False, body={**_data(merged), "metadata": metadata})


def drift(existing: Existing, spec: Spec, owner: Owner) -> str | None:
    """How a Secret of ours differs from what was written, in words; None when it does not.

    Entries, labels and annotations of others are no difference, nor is a token that a renewer has renewed.
    """
    if existing.malformed is not None:
        return existing.malformed
    if existing.type != SECRET_TYPE:
        return f"its type is {existing.type}"
    for key, value in {**spec.labels, ownership.OWNER_LABEL: owner.key}.items():
        if existing.labels.get(key) != value:
            return f"its label {key} was changed"
    for key, value in spec.annotations.items():
        if existing.annotations.get(key) != value:
            return f"its annotation {key} was changed"
    credentials = {registry.host: existing.credential(registry.host) for registry in spec.registries}
    for registry in spec.registries:
        if credentials[registry.host] is None:
            return f"its entry of {registry.host} is gone"
        if registry.fixed is not None and credentials[registry.host] != registry.fixed:
            return f"its entry of {registry.host} was changed"
    tokens = {host: credential for host in existing.lifetimes if (credential := existing.credential(host)) is not None}
    if tokens and existing.annotations.get(DIGEST_ANNOTATION) != _digest(tokens):
        return "a token in it was changed"
    return None


def last_good(secrets: Iterable[Existing], host: str, now: datetime) -> Entry | None:
    """The longest-lived entry of a host that still lives, among Secrets of ours; None when there is none."""
    alive = [
        Entry(credential=credential, lifetime=lifetime)
        for secret in secrets
        if (lifetime := secret.lifetimes.get(host)) is not None and lifetime.expires > now
        if (credential := secret.credential(host)) is not None
    ]
    return max(alive, key=lambda entry: entry.lifetime.expires if entry.lifetime else now, default=None)


def _refuse(existing: Existing, spec: Spec, owner: Owner, uids: Collection[str]) -> None:
    where = f"Secret {existing.name}"
    if not existing.belongs_to(owner, uids) and not spec.adopt:
        holder = existing.annotations.get(ownership.OWNED_BY_ANNOTATION)
        whose = f"belongs to {holder}" if holder else "is there already, and not ours"
        raise Refusal(f"{where} {whose}; choose another name, or set adopt to take it over")
    if existing.malformed and not existing.belongs_to(owner, uids):
        raise Refusal(f"{where} cannot be adopted: {existing.malformed}; mend or delete it")
    if existing.type != SECRET_TYPE:
        raise Refusal(f"{where} is of type {existing.type}, which cannot change; delete it, or choose another name")
    if existing.immutable:
        raise Refusal(f"{where} is immutable; delete it, or choose another name")


def _our_annotations(owner: Owner, entries: Mapping[str, Entry]) -> dict[str, str]:
    lifetimes = {host: entry.lifetime for host, entry in entries.items() if entry.lifetime is not None}
    hosts = {**{host: {} for host in entries}, **renewal.lifetimes_to_texts(lifetimes)}
    ours = {
        ownership.OWNED_BY_ANNOTATION: owner.title,
        HOSTS_ANNOTATION: json.dumps(hosts, separators=(",", ":"), sort_keys=True),
    }
    expires = renewal.earliest(lifetimes)
    if expires is not None:
        ours[EXPIRES_AT_ANNOTATION] = renewal.to_text(expires)
        ours[DIGEST_ANNOTATION] = _digest({host: entries[host].credential for host in lifetimes})
    return ours


def _credentials(entries: Mapping[str, Entry]) -> dict[str, Credential]:
    return {host: entry.credential for host, entry in entries.items()}


def _digest(tokens: Mapping[str, Credential]) -> str:
    return hashlib.sha256(docker_config.encode(dict(sorted(tokens.items())))).hexdigest()


def _patch(current: Mapping[str, str], wanted: Mapping[str, str], removed: Iterable[str]) -> dict[str, str | None]:
    """JSON merge patch from `current` to `wanted`, in which the keys `removed` go and all others stay."""
    gone: dict[str, str | None] = {key: None for key in removed if key in current and key not in wanted}
    return {**gone, **{key: value for key, value in wanted.items() if current.get(key) != value}}


def _document(config: bytes) -> dict[str, Any]:
    return {"type": SECRET_TYPE, **_data(config)}


def _data(config: bytes) -> dict[str, Any]:
    return {"data": {DATA_KEY: base64.b64encode(config).decode()}}


def _precondition(existing: Existing) -> dict[str, str]:
    return {"resourceVersion": existing.resource_version}
