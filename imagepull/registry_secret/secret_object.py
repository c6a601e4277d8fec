"""What to do with the pull Secret of one namespace, given what is there. Pure: the requests are made elsewhere.

A Secret is created once and then only patched: the kubelet (1.35+) knows the credentials of cached images by the
Secret's UID (kubernetes/kubernetes pkg/kubelet/images/pullmanager/image_pull_manager.go).
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

from imagepull.errors import ImagePullError, InvalidDockerConfig
from imagepull.kubernetes import ownership
from imagepull.kubernetes.ownership import Owner, Standing
from imagepull.redaction import clean
from imagepull.registries import docker_config
from imagepull.registries.docker_config import Credential
from imagepull.registries.docker_repair import Repaired, repair
from imagepull.registries.lifetimes import Lifetime
from imagepull.registry_secret.existing import DATA_KEY, SECRET_TYPE, Existing
from imagepull.registry_secret.secret_metadata import PULUMI, Before, make_metadata, patch_metadata, release_metadata
from imagepull.registry_secret.spec import SecretSpec
from imagepull.registry_secret.state import Previous
from imagepull.registry_secret.trust import TrustedEntry, find_believed

__all__ = ["Refusal", "SecretDecision", "SecretGoal", "SecretRequest", "change_owner", "release", "write"]

_PULUMI_KUBERNETES: Final = "pulumi-kubernetes"


class Refusal(ImagePullError):
    """The Secret that is there must not be touched, and why."""


@dataclass(frozen=True, kw_only=True)
class SecretGoal:
    """What the Secrets are to be.

    Attributes:
        owner: With its identity and its key.
        fresh: Entries to write, by host.
        last_good: For hosts of which no token could be had: the last good one, for Secrets without one of their own.
        now: Timezone-aware.
    """

    spec: SecretSpec
    owner: Owner
    fresh: Mapping[str, TrustedEntry]
    last_good: Mapping[str, TrustedEntry] = field(default_factory=dict)
    previous: Previous = field(default_factory=Previous)
    now: datetime


@dataclass(frozen=True, kw_only=True)
class SecretRequest:
    """One request: `create` a Secret with this body, or `patch` it (JSON merge patch)."""

    create: bool
    body: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class SecretDecision:
    """What to do with one Secret.

    Attributes:
        change: None when the Secret is as it should be.
        lifetimes: Of the tokens that are in it then, by host.
        remarks: What a person should know of it, a clause each.
    """

    change: SecretRequest | None
    lifetimes: Mapping[str, Lifetime]
    remarks: tuple[str, ...] = ()


def write(existing: Existing | None, wanted: SecretGoal) -> SecretDecision:
    """What brings the Secret that is there (None: none) to what is wanted.

    Raises:
        Refusal: It is somebody else's, or one that cannot be written.
        InvalidDockerConfig: The content would be larger than a Secret may be.
    """
    if existing is None:
        return _create(wanted)
    standing = existing.find_standing(wanted.owner, wanted.previous.known_uids)
    _refuse(existing, standing, wanted.spec)
    repaired = _repair(existing, standing)
    spec, hosts = wanted.spec, {registry.host for registry in wanted.spec.registries}
    ours = _find_our_hosts(existing, standing, wanted.previous)
    entries: dict[str, TrustedEntry] = dict(wanted.fresh)
    for host in hosts - entries.keys():
        own = find_believed(existing, host, wanted.owner.digest_key, wanted.now)
        if own is not None and own.lifetime is not None and own.lifetime.expires > wanted.now:
            entries[host] = own
        elif host in wanted.last_good:
            entries[host] = wanted.last_good[host]
    # What has no believed token keeps its entry, unproven: nobody is worse off for it, and it stays due.
    unproven = {host for host in (ours & hosts) - entries.keys() if existing.find_credential(host) is not None}
    merged = _merge(repaired.config, frozenset(_pick_credentials(entries).items()), frozenset(ours - hosts))
    metadata = patch_metadata(existing, standing, spec, wanted.owner, wanted.previous, entries, unproven)
    change = None
    if merged != existing.config or any(metadata.values()):
        change = SecretRequest(
            create=False, body={**_make_data(merged), "metadata": {**metadata, **_make_precondition(existing)}}
        )
    return SecretDecision(
        change=change,
        lifetimes=_pick_lifetimes(entries),
        remarks=(*_make_remarks(existing, standing, wanted.owner), *repaired.problems),
    )


def release(existing: Existing, previous: Previous) -> SecretRequest | None:
    """What takes our part out of a Secret of ours, and gives back the rest; None when all of it is ours, to delete.

    Raises:
        Refusal: It would have to be changed, and cannot be.
    """
    try:
        config = repair(existing.config or b"{}").config
        rest = docker_config.merge(config, {}, _find_our_hosts(existing, Standing.OURS, previous))
    except InvalidDockerConfig:
        rest = b"{}"  # Malformed; or in our spelling of JSON it would be larger than a Secret may be.
    is_managed_by_another = Before(existing, previous.digest_key).is_managed_by_another
    if not existing.other_data and not is_managed_by_another and not _holds_anything(rest):
        return None
    if existing.immutable:
        raise Refusal(f"Secret {existing.name} is immutable, and others have something in it; delete it")
    metadata = {**release_metadata(existing, previous), **_make_precondition(existing)}
    # In a Secret that somebody made anew with another type there is no such key to write.
    data = _make_data(rest) if existing.config is not None or existing.type == SECRET_TYPE else {}
    return SecretRequest(create=False, body={**data, "metadata": metadata})


def change_owner(existing: Existing, heir: Owner) -> SecretRequest:
    """What gives a Secret of ours to another resource of the program, which asks for it and writes nothing in this run.

    Its tokens stay. The heir does not believe how long they live, so the next refresh makes them due.
    """
    labels = {ownership.OWNER_LABEL: heir.key, ownership.IDENTITY_LABEL: heir.identity}
    annotations = {ownership.OWNED_BY_ANNOTATION: heir.title}
    metadata = {"labels": labels, "annotations": annotations, **_make_precondition(existing)}
    return SecretRequest(create=False, body={"metadata": metadata})


def _create(wanted: SecretGoal) -> SecretDecision:
    entries = {**wanted.last_good, **wanted.fresh}
    body = {
        "type": SECRET_TYPE,
        **_make_data(docker_config.encode(_pick_credentials(entries))),
        "metadata": make_metadata(wanted.spec, wanted.owner, entries),
    }
    return SecretDecision(change=SecretRequest(create=True, body=body), lifetimes=_pick_lifetimes(entries))


def _refuse(existing: Existing, standing: Standing, spec: SecretSpec) -> None:
    where = f"Secret {existing.name}"
    if not standing.may_be_written and not spec.adopt:
        whose = "is there already, and not ours"
        advice = "choose another name, or set adopt to take it over"
        if existing.holder:
            whose = f"belongs to {existing.holder}"
            advice = f"{advice}; a resource that was renamed keeps its Secrets by an alias"
        raise Refusal(f"{where} {whose}; {advice}")
    if existing.type != SECRET_TYPE:
        kind = clean(existing.type)  # any text
        raise Refusal(f"{where} is of type {kind}, which cannot change; delete it, or choose another name")
    if existing.immutable:
        raise Refusal(f"{where} is immutable; delete it, or choose another name")


def _repair(existing: Existing, standing: Standing) -> Repaired:
    """The content to start from. What is ours and malformed as a whole is written anew: it fails every image pull."""
    try:
        return repair(existing.config or b"{}")
    except InvalidDockerConfig as error:
        if not standing.may_be_written:
            raise Refusal(f"Secret {existing.name} cannot be adopted: {error}; mend or delete it") from None
        return Repaired(config=b"{}", problems=(str(error),))


def _find_our_hosts(existing: Existing, standing: Standing, previous: Previous) -> set[str]:
    """Hosts whose entries an incarnation of ours wrote: of them, those no longer asked for are taken out."""
    if not standing.may_be_written:
        return set()
    # The annotation alone would let whoever edits it keep our entries in the Secret when we release it.
    return {*existing.notes, *(previous.hosts if standing is Standing.OURS else ())}


def _make_remarks(existing: Existing, standing: Standing, owner: Owner) -> tuple[str, ...]:
    if standing is Standing.EARLIER:
        return (
            f"another run of {owner.title} wrote it, which was replaced or interrupted; it is this run's now. If a "
            "stack of the same name in another backend keeps it too, give one of the two another name",
        )
    managed = existing.labels.get(ownership.MANAGED_BY_LABEL) == PULUMI
    if not standing.may_be_written and (managed or any(m.startswith(_PULUMI_KUBERNETES) for m in existing.managers)):
        return (
            "pulumi-kubernetes manages it, and would delete it when its resource leaves its program. Before you remove "
            "that, give it retain_on_delete=True and run `pulumi up`, or run `pulumi state delete` on its URN. If it "
            "leaves in this same run, the Secret is gone afterwards: run `pulumi up --refresh`",
        )
    return ()


def _holds_anything(config: bytes) -> bool:
    """Whether there is an entry, or any other field: `credHelpers`, for one."""
    document = docker_config.parse(config).document
    return any(value or key.lower() != "auths" for key, value in document.items())


def _pick_credentials(entries: Mapping[str, TrustedEntry]) -> dict[str, Credential]:
    return {host: entry.credential for host, entry in entries.items()}


def _pick_lifetimes(entries: Mapping[str, TrustedEntry]) -> dict[str, Lifetime]:
    return {host: entry.lifetime for host, entry in entries.items() if entry.lifetime is not None}


@lru_cache(maxsize=docker_config.SAME_CONTENTS)
def _merge(existing: bytes, ours: frozenset[tuple[str, Credential]], removed_hosts: frozenset[str]) -> bytes:
    return docker_config.merge(existing, dict(ours), removed_hosts)


@lru_cache(maxsize=docker_config.SAME_CONTENTS)
def _encode(config: bytes) -> str:
    return base64.b64encode(config).decode()


def _make_data(config: bytes) -> dict[str, Any]:
    return {"data": {DATA_KEY: _encode(config)}}


def _make_precondition(existing: Existing) -> dict[str, str]:
    return {"uid": existing.uid, "resourceVersion": existing.resource_version}
