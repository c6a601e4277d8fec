"""How a Secret differs from what was written."""

import json
from dataclasses import replace
from typing import Any

import pytest

from imagepull.kubernetes.ownership import Owner
from imagepull.registries.docker_config import Credential
from imagepull.registry_secret.drift import find_lifetimes
from imagepull.registry_secret.trust import TrustedEntry
from tests.unit.registry_secret.secret_examples import (
    ECR,
    FRESH,
    GHCR,
    NOW,
    drift,
    tampered,
    token,
    with_foreign,
    without_identity,
    written,
)


def test_a_refresh_of_a_state_without_identities_finds_no_difference() -> None:
    state = Owner(title="p/dev/pull", former_title="p/dev/pull")
    existing = without_identity(written())
    assert drift(existing, state) is None
    assert find_lifetimes(existing, state, NOW) == {host: entry.lifetime for host, entry in FRESH.items()}
    edited = replace(existing, config=written({**FRESH, ECR: token("no")}).config)
    assert "was changed" in (drift(edited, state) or "")


def test_what_we_wrote_and_what_others_added_is_no_drift() -> None:
    assert drift(with_foreign(written())) is None


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"labels": {}}, "label imagepull/identity"),
        ({"config": b'{"auths":{}}'}, f"entry of {ECR} is gone"),
        ({"config": None}, f"entry of {ECR} is gone"),
        ({"config": written({**FRESH, ECR: token("no")}).config}, f"the token of {ECR} in it was changed"),
        ({"annotations": tampered(expires="9999-01-01T00:00:00Z").annotations}, "was changed"),
        ({"annotations": {}}, f"how long its token of {ECR} lives is not known"),
        ({"type": "Opaque"}, "type is Opaque"),
        ({"is_being_deleted": True}, "is being deleted"),
    ],
)
def test_an_edit_behind_our_back_is_named(changes: dict[str, Any], says: str) -> None:
    assert says in (drift(replace(written(), **changes)) or "")


def test_a_fixed_password_is_compared_with_the_one_asked_for() -> None:
    registries = [{"host": GHCR, "username": "u", "password": "new"}]
    fixed = {GHCR: TrustedEntry(credential=Credential(username="u", password="old"))}
    secret = written(fixed, registries=registries)
    assert drift(secret, registries=registries) == "its entry of ghcr.io was changed"
    assert json.loads(secret.annotations["imagepull/hosts"]) == {GHCR: {}}
