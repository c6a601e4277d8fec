"""A pull Secret as the API server shows it."""

import base64
import json
from typing import Any

import pytest

from imagepull.kubernetes.objects import KubernetesObject
from imagepull.registries.docker_config import Credential
from imagepull.registry_secret.existing import Existing

CONFIG = b'{"auths":{"ghcr.io":{"auth":"dTpw"}}}'


def shown(*, data: dict[str, bytes] | None = None, metadata: dict[str, object] | None = None, **body: Any) -> Existing:
    encoded = {key: base64.b64encode(value).decode() for key, value in (data or {}).items()}
    ids = {"namespace": "a", "name": "pull", "uid": "uid-1", "resourceVersion": "7"}
    return Existing.of(KubernetesObject.parse({"metadata": {**ids, **(metadata or {})}, "data": encoded, **body}))


def annotated(**annotations: str) -> Existing:
    return shown(
        metadata={"annotations": {f"imagepull/{key.replace('_', '-')}": each for key, each in annotations.items()}}
    )


def test_every_field_is_read() -> None:
    metadata: dict[str, object] = {
        "labels": {"l": "1"},
        "annotations": {"n": "2"},
        "managedFields": [{"manager": "helm"}, {"manager": "pulumi-kubernetes-1"}],
        "deletionTimestamp": "2026-01-01T00:00:00Z",
        "finalizers": ["example.com/hold"],
    }
    secret = shown(
        data={".dockerconfigjson": CONFIG, "ca.crt": b"x"},
        metadata=metadata,
        type="kubernetes.io/dockerconfigjson",
        immutable=True,
    )
    assert secret == Existing(
        namespace="a",
        name="pull",
        uid="uid-1",
        resource_version="7",
        type="kubernetes.io/dockerconfigjson",
        immutable=True,
        labels={"l": "1"},
        annotations={"n": "2"},
        config=CONFIG,
        other_data=frozenset({"ca.crt"}),
        managers=frozenset({"helm", "pulumi-kubernetes-1"}),
        is_being_deleted=True,
        finalizers=("example.com/hold",),
    )


def test_what_is_absent_has_its_default() -> None:
    secret = shown()
    assert (secret.type, secret.immutable, secret.config) == ("Opaque", False, None)
    assert (secret.other_data, secret.managers, secret.finalizers) == (frozenset(), frozenset(), ())
    assert not secret.is_being_deleted
    assert (secret.credentials, secret.malformed, secret.notes, secret.holder) == ({}, None, {}, "")


def test_credentials_are_those_of_the_content() -> None:
    secret = shown(data={".dockerconfigjson": CONFIG})
    assert secret.find_credential("ghcr.io") == Credential(username="u", password="p")
    assert secret.find_credential("quay.io") is None
    assert secret.malformed is None


def test_malformed_content_has_a_reason_and_no_credentials() -> None:
    secret = shown(data={".dockerconfigjson": b"["})
    assert secret.credentials == {}
    assert "JSON" in (secret.malformed or "")


@pytest.mark.parametrize(
    ("text", "notes"),
    [
        (json.dumps({"ghcr.io": {}, "quay.io": {"expires": "x"}}), {"ghcr.io": {}, "quay.io": {"expires": "x"}}),
        (json.dumps({"ghcr.io": 5}), {"ghcr.io": {}}),
        ("[]", {}),
        ("no JSON", {}),
        ("[" * 100_000, {}),
    ],
    ids=["good", "no object", "list", "no JSON", "nested"],
)
def test_notes_are_read_as_far_as_they_go(text: str, notes: dict[str, object]) -> None:
    assert annotated(hosts=text).notes == notes


def test_a_holder_is_one_short_line() -> None:
    assert annotated(owned_by="shop/dev/pull").holder == "shop/dev/pull"
    assert annotated(owned_by="a\x1b[2J\nb\u202e").holder == "a?[2J?b?"
    assert annotated(owned_by="a" * 500).holder == "a" * 200


def test_secrets_of_the_same_content_are_held_and_read_once() -> None:
    other = CONFIG.replace(b"ghcr.io", b"quay.io")
    a, b, c = (shown(data={".dockerconfigjson": bytes(bytearray(each))}) for each in (CONFIG, CONFIG, other))
    assert a.config is b.config
    assert a.credentials is b.credentials
    assert set(c.credentials) == {"quay.io"}
