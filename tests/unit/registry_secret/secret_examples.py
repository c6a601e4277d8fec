"""Secrets as we and others write them, for the tests of this room."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from imagepull.kubernetes.ownership import Owner
from imagepull.registries import docker_config
from imagepull.registries.docker_config import Credential
from imagepull.registries.lifetimes import Lifetime
from imagepull.registry_secret import secret_object
from imagepull.registry_secret import spec as registry_secret
from imagepull.registry_secret.drift import find_drift
from imagepull.registry_secret.existing import Existing
from imagepull.registry_secret.secret_object import SecretDecision, SecretGoal, SecretRequest
from imagepull.registry_secret.state import Previous
from imagepull.registry_secret.trust import TrustedEntry

ECR, OTHER_ECR, GHCR = (
    "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
    "123456789012.dkr.ecr.us-east-1.amazonaws.com",
    "ghcr.io",
)
OURS = Owner(title="p/dev/pull", identity="aaaaaaaaaaaaaaaa", digest_key="key of a")
NEXT = Owner(title="p/dev/pull", identity="bbbbbbbbbbbbbbbb", digest_key="key of b")
THEIRS = Owner(title="q/dev/pull", identity="cccccccccccccccc", digest_key="key of c")
KNOWN = Previous(namespaces=["a"], uids={"a": "uid-1"})
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
INPUTS: dict[str, Any] = {"name": "pull", "namespaces": ["a"], "registries": [{"host": ECR}, {"host": OTHER_ECR}]}


def token(password: str, hours_left: float = 12) -> TrustedEntry:
    expires = NOW + timedelta(hours=hours_left)
    lifetime = Lifetime(issued=expires - timedelta(hours=12), expires=expires)
    return TrustedEntry(credential=Credential(username="AWS", password=password), lifetime=lifetime)


FRESH = {ECR: token("t1"), OTHER_ECR: token("t2", hours_left=11)}


def spec(**inputs: object) -> registry_secret.SecretSpec:
    return registry_secret.parse({**INPUTS, **inputs})


def decide(
    existing: Existing | None,
    entries: Mapping[str, TrustedEntry] = FRESH,
    owner: Owner = OURS,
    previous: Previous = KNOWN,
    last_good: Mapping[str, TrustedEntry] | None = None,
    **inputs: object,
) -> SecretDecision:
    wanted = SecretGoal(
        spec=spec(**inputs), owner=owner, fresh=entries, last_good=last_good or {}, previous=previous, now=NOW
    )
    return secret_object.write(existing, wanted)


def change(*arguments: Any, **inputs: Any) -> SecretRequest:
    """The same, where there is something to change."""
    found = decide(*arguments, **inputs).change
    assert found is not None
    return found


def drift(existing: Existing, owner: Owner = OURS, **inputs: object) -> str | None:
    return find_drift(existing, spec(**inputs), owner, NOW)


def written(entries: Mapping[str, TrustedEntry] = FRESH, owner: Owner = OURS, **inputs: object) -> Existing:
    """A Secret as the cluster holds it after we created it."""
    creation = change(None, entries, owner, **inputs)
    assert creation.create
    return Existing(
        namespace="a",
        name="pull",
        uid="uid-1",
        resource_version="7",
        type=creation.body["type"],
        immutable=False,
        labels=creation.body["metadata"]["labels"],
        annotations=creation.body["metadata"]["annotations"],
        config=base64.b64decode(creation.body["data"][".dockerconfigjson"]),
    )


def with_foreign(existing: Existing) -> Existing:
    """The same, after somebody else put an entry, a label and an annotation into it."""
    config = docker_config.merge(existing.config, {GHCR: Credential(username="u", password="p")})
    return replace(
        existing,
        config=config,
        labels={**existing.labels, "team": "x"},
        annotations={**existing.annotations, "note": "y"},
    )


def patched(existing: Existing, body: Any) -> Existing:
    """The Secret after the API server has applied a merge patch."""

    def merged(current: Any, patch: Any) -> dict[str, str]:
        return {key: value for key, value in {**current, **patch}.items() if value is not None}

    metadata = body["metadata"]
    assert (metadata["uid"], metadata["resourceVersion"]) == (existing.uid, existing.resource_version)
    return replace(
        existing,
        labels=merged(existing.labels, metadata["labels"]),
        annotations=merged(existing.annotations, metadata["annotations"]),
        config=base64.b64decode(body["data"][".dockerconfigjson"]),
    )


def without_identity(existing: Existing) -> Existing:
    """As versions without identities wrote it."""
    tokens = {host: found for host in FRESH if (found := existing.find_credential(host)) is not None}
    digest = hashlib.sha256(docker_config.encode(dict(sorted(tokens.items())))).hexdigest()
    notes = {host: {key: note[key] for key in ("issued", "expires")} for host, note in existing.notes.items()}
    labels = {key: value for key, value in existing.labels.items() if key != "imagepull/identity"}
    annotations = {"imagepull/hosts": json.dumps(notes), "imagepull/tokens-digest": digest}
    return replace(existing, labels=labels, annotations={**existing.annotations, **annotations})


def foreign(**changes: Any) -> Existing:
    secret = with_foreign(written())
    return replace(secret, **{"uid": "uid-9", "labels": {}, "annotations": {}, **changes})


def tampered(**changes: object) -> Existing:
    """The Secret after a tenant gave our entry another lifetime."""
    secret = written()
    notes = {host: dict(note) for host, note in secret.notes.items()}
    notes[ECR].update(changes)
    return replace(secret, annotations={**secret.annotations, "imagepull/hosts": json.dumps(notes)})
