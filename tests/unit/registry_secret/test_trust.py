"""Which token in a Secret is believed."""

from dataclasses import replace
from datetime import timedelta

import pytest

from imagepull.registries.docker_config import Credential
from imagepull.registry_secret.drift import find_lifetimes
from imagepull.registry_secret.existing import Existing
from imagepull.registry_secret.trust import find_believed, find_last_good
from tests.unit.registry_secret.secret_examples import (
    ECR,
    FRESH,
    GHCR,
    NOW,
    OTHER_ECR,
    OURS,
    THEIRS,
    change,
    decide,
    patched,
    tampered,
    token,
    written,
)


@pytest.mark.parametrize(
    "secret",
    [
        tampered(expires="9999-01-01T00:00:00Z"),
        tampered(issued="2026-01-31T11:59:59Z"),
        tampered(digest="0" * 64),
        tampered(digest="\u00e9"),
        tampered(digest=5),
        replace(written(), annotations={}),
        replace(written(), config=written({**FRESH, ECR: token("no")}).config),
        written(owner=THEIRS),
    ],
)
def test_a_token_without_a_right_digest_is_not_believed(secret: Existing) -> None:
    assert find_believed(secret, ECR, OURS.digest_key, NOW) is None
    assert find_last_good([secret], ECR, OURS.digest_key, NOW) is None


def test_nothing_is_believed_without_a_key() -> None:
    assert find_believed(written(), ECR, None, NOW) is None


def test_a_token_is_believed_to_live_12_hours_at_most() -> None:
    secret = written({ECR: token("t", hours_left=1000)}, registries=[{"host": ECR}])
    assert find_lifetimes(secret, OURS, NOW)[ECR].expires == NOW + timedelta(hours=12)


def test_an_entry_that_is_not_believed_stays_but_is_never_signed() -> None:
    edited = replace(written(), config=written({**FRESH, OTHER_ECR: token("theirs")}).config)
    decision = decide(edited, {ECR: token("t9")})
    assert decision.change is not None
    after = patched(edited, decision.change.body)
    assert after.find_credential(OTHER_ECR) == Credential(username="AWS", password="theirs")
    assert find_believed(after, OTHER_ECR, OURS.digest_key, NOW) is None
    assert OTHER_ECR not in decision.lifetimes


def test_the_last_good_token_takes_the_place_of_one_that_is_not_believed() -> None:
    edited = replace(written(), config=written({**FRESH, OTHER_ECR: token("theirs")}).config)
    after = patched(edited, change(edited, {ECR: token("t9")}, last_good={OTHER_ECR: token("good")}).body)
    assert after.find_credential(OTHER_ECR) == Credential(username="AWS", password="good")


def test_the_last_good_token_is_the_one_that_lives_longest() -> None:
    secrets = [written({ECR: token(f"t{hours}", hours_left=hours)}, registries=[{"host": ECR}]) for hours in (1, 5, -3)]
    good = find_last_good(secrets, ECR, OURS.digest_key, NOW)
    assert good is not None
    assert good.credential.password == "t5"


def test_a_dead_token_is_no_good() -> None:
    dead = written({ECR: token("t", hours_left=-0.01)}, registries=[{"host": ECR}])
    assert find_last_good([dead], ECR, OURS.digest_key, NOW) is None
    assert find_last_good([written()], GHCR, OURS.digest_key, NOW) is None
