"""Labels and annotations of a pull Secret: ours, those that the program asks for, those of others below them. Pure."""

import hmac
import json
from collections.abc import Callable, Collection, Mapping
from functools import lru_cache
from typing import Final

from imagepull.inputs import LABEL_VALUE, METADATA_KEY
from imagepull.kubernetes import ownership
from imagepull.kubernetes.ownership import Owner, Standing
from imagepull.registries import docker_config
from imagepull.registries import lifetimes as renewal
from imagepull.registry_secret.existing import (
    BEFORE_ANNOTATION,
    EXPIRES_AT_ANNOTATION,
    HOSTS_ANNOTATION,
    LEGACY_DIGEST_ANNOTATION,
    Existing,
)
from imagepull.registry_secret.spec import SecretSpec
from imagepull.registry_secret.state import Previous
from imagepull.registry_secret.trust import TrustedEntry, annotate, compute_digest

__all__ = ["PULUMI", "Before", "make_metadata", "patch_metadata", "release_metadata"]

PULUMI: Final = "pulumi"
"""What pulumi-kubernetes writes into the managed-by label."""
_OUR_LABELS: Final = (ownership.MANAGED_BY_LABEL, ownership.OWNER_LABEL, ownership.IDENTITY_LABEL)
_OUR_ANNOTATIONS: Final = (
    ownership.OWNED_BY_ANNOTATION,
    EXPIRES_AT_ANNOTATION,
    HOSTS_ANNOTATION,
    LEGACY_DIGEST_ANNOTATION,
    BEFORE_ANNOTATION,
)

_OUR_PREFIX: Final = "imagepull/"
_LONGEST_KEPT: Final = 16_384
"""Characters of an annotation of others that is kept. All annotations of an object may have 256 KiB together
(kubernetes/apimachinery pkg/api/validation/objectmeta.go, TotalAnnotationSizeLimitB), and the copy comes on top."""

Patch = dict[str, dict[str, str | None]]
"""JSON merge patch of `labels` and `annotations`; both empty when there is nothing to change."""


class Before:
    """Values of others that ours have taken the place of, kept in an annotation: they come back at the end.

    Whoever may write the Secret may write that annotation. So it is believed only with a digest made with the state's
    key, and in any case only what Kubernetes would take, and no key of ours.

    Args:
        existing: None for a Secret whose annotation says nothing.
        digest_key: None where it cannot be proven who wrote it: an earlier run, or one whose state is lost.
    """

    def __init__(self, existing: Existing | None, digest_key: str | None) -> None:
        noted = {} if existing is None else existing.read_annotation(BEFORE_ANNOTATION)
        self.labels = _select(noted.get("labels"), LABEL_VALUE.admits)
        self.annotations = _select(noted.get("annotations"), _may_be_kept)
        if self.labels.get(ownership.MANAGED_BY_LABEL) == ownership.MANAGED_BY:
            del self.labels[ownership.MANAGED_BY_LABEL]
        if existing is None or digest_key is None or not (self.labels or self.annotations):
            return
        told = str(noted.get("digest")).encode(errors="replace")
        if not hmac.compare_digest(_sign(existing.uid, digest_key, self.labels, self.annotations).encode(), told):
            self.labels, self.annotations = {}, {}

    def limit_to(self, labels: Collection[str], annotations: Collection[str]) -> None:
        """Drops what is about other keys."""
        self.labels = {key: value for key, value in self.labels.items() if key in labels}
        self.annotations = {key: value for key, value in self.annotations.items() if key in annotations}

    @property
    def is_managed_by_another(self) -> bool:
        """Whether another tool than Pulumi manages the Secret, and would miss it."""
        return self.labels.get(ownership.MANAGED_BY_LABEL) not in (None, ownership.MANAGED_BY, PULUMI)


def make_metadata(spec: SecretSpec, owner: Owner, entries: Mapping[str, TrustedEntry]) -> dict[str, dict[str, str]]:
    """Labels and annotations of a new Secret with these entries."""
    annotations = {**spec.annotations, **_make_annotations(owner, entries, ())}
    return {"labels": _make_labels(spec, owner), "annotations": annotations}


def patch_metadata(
    existing: Existing,
    standing: Standing,
    spec: SecretSpec,
    owner: Owner,
    previous: Previous,
    entries: Mapping[str, TrustedEntry],
    unproven: Collection[str],
) -> Patch:
    """What makes a Secret's labels and annotations those of one with these entries.

    Args:
        unproven: Hosts that are ours and whose entries stay without a digest.
    """
    # What a foreign Secret says it was before, others wrote.
    known = existing if standing.may_be_written else None
    before = Before(known, previous.digest_key if standing is Standing.OURS else None)
    labels = _make_labels(spec, owner)
    if standing is not Standing.OURS:
        before.limit_to(labels, spec.annotations)
    keeps = {
        "labels": _note(
            existing.labels,
            labels,
            _keep(before.labels, labels, previous.labels),
            _list_our_keys(standing, previous.labels, labels),
        ),
        "annotations": _note(
            existing.annotations,
            spec.annotations,
            _keep(before.annotations, spec.annotations, previous.annotations),
            _list_our_keys(standing, previous.annotations, spec.annotations),
        ),
    }
    annotations = {**spec.annotations, **_make_annotations(owner, entries, unproven)}
    if any(keeps.values()):
        assert owner.digest_key is not None
        digest = _sign(existing.uid, owner.digest_key, keeps["labels"], keeps["annotations"])
        annotations[BEFORE_ANNOTATION] = _encode_json({**keeps, "digest": digest})
    return {
        "labels": _patch(existing.labels, labels, previous.labels, before.labels),
        "annotations": _patch(
            existing.annotations, annotations, (*previous.annotations, *_OUR_ANNOTATIONS), before.annotations
        ),
    }


def release_metadata(existing: Existing, previous: Previous) -> Patch:
    """What takes our labels and annotations away, and brings back those of others."""
    before = Before(existing, previous.digest_key)
    return {
        "labels": _patch(existing.labels, {}, (*previous.labels, *_OUR_LABELS), before.labels),
        "annotations": _patch(existing.annotations, {}, (*previous.annotations, *_OUR_ANNOTATIONS), before.annotations),
    }


def _make_labels(spec: SecretSpec, owner: Owner) -> dict[str, str]:
    assert owner.identity is not None
    return {
        **spec.labels,
        ownership.MANAGED_BY_LABEL: ownership.MANAGED_BY,
        ownership.OWNER_LABEL: owner.key,
        ownership.IDENTITY_LABEL: owner.identity,
    }


def _make_annotations(
    owner: Owner,
    entries: Mapping[str, TrustedEntry],
    unproven: Collection[str],
) -> dict[str, str]:
    assert owner.digest_key is not None
    ours = {ownership.OWNED_BY_ANNOTATION: owner.title}
    ours |= _describe_entries(frozenset(entries.items()), frozenset(unproven), owner.digest_key)
    return ours


@lru_cache(maxsize=docker_config.SAME_CONTENTS)
def _describe_entries(
    entries: frozenset[tuple[str, TrustedEntry]], unproven: frozenset[str], digest_key: str
) -> Mapping[str, str]:
    # Thousands of namespaces have the same entries.
    hosts = {**{host: {} for host in unproven}, **annotate(dict(entries), digest_key)}
    lifetimes = {host: entry.lifetime for host, entry in entries if entry.lifetime is not None}
    expires = renewal.find_earliest_expiry(lifetimes)
    return {
        HOSTS_ANNOTATION: _encode_json(hosts),
        **({} if expires is None else {EXPIRES_AT_ANNOTATION: renewal.format_time(expires)}),
    }


def _list_our_keys(standing: Standing, known: Collection[str], wanted: Collection[str]) -> Collection[str]:
    """Keys whose values an incarnation of ours wrote."""
    if not standing.may_be_written:
        return ()
    # What an earlier run asked for is not known. Its program was this one, more or less.
    return known if standing is Standing.OURS else wanted


def _keep(before: Mapping[str, str], wanted: Collection[str], known: Collection[str]) -> dict[str, str]:
    """What was before, without what has come back by now: a key that was asked for and is no more."""
    return {key: value for key, value in before.items() if key in wanted or key not in known}


def _note(
    current: Mapping[str, str], wanted: Mapping[str, str], before: Mapping[str, str], ours: Collection[str]
) -> dict[str, str]:
    """The values of others below `wanted`."""
    found = dict(before)
    for key, value in wanted.items():
        is_anothers = key not in ours or key == ownership.MANAGED_BY_LABEL
        if is_anothers and key in current and current[key] != value and not key.startswith(_OUR_PREFIX):
            found.pop(key, None)
            if _may_be_kept(current[key]):
                found[key] = current[key]
    return found


def _patch(
    current: Mapping[str, str], wanted: Mapping[str, str], removed: Collection[str], before: Mapping[str, str]
) -> dict[str, str | None]:
    """From `current` to `wanted`: the keys `removed` go, or back to what was before; all others stay."""
    goal: dict[str, str | None] = {key: before.get(key) for key in removed if key in current}
    return {key: value for key, value in {**goal, **wanted}.items() if current.get(key) != value}


def _select(noted: object, may_be: Callable[[str], bool]) -> dict[str, str]:
    """What of a note could be a label or an annotation of others."""
    return {
        key: value
        for key, value in (noted.items() if isinstance(noted, Mapping) else ())
        if isinstance(value, str) and may_be(value) and METADATA_KEY.admits(key) and not key.startswith(_OUR_PREFIX)
    }


def _may_be_kept(value: str) -> bool:
    return len(value) <= _LONGEST_KEPT


def _sign(uid: str, digest_key: str, labels: Mapping[str, str], annotations: Mapping[str, str]) -> str:
    """The UID is in it: a note copied from another Secret proves nothing."""
    return compute_digest(digest_key, (BEFORE_ANNOTATION, uid, _encode_json([labels, annotations])))


def _encode_json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"), sort_keys=True)
