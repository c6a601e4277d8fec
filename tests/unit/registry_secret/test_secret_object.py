"""What to do with the Secret of one namespace, given what is there."""

import base64
import json
from dataclasses import replace
from typing import Any

import pytest

from imagepull.errors import ImagePullError
from imagepull.registries import docker_config
from imagepull.registries.docker_config import Credential
from imagepull.registry_secret import secret_object
from imagepull.registry_secret.drift import find_lifetimes
from imagepull.registry_secret.existing import SECRET_TYPE
from imagepull.registry_secret.secret_object import Refusal
from tests.unit.registry_secret.secret_examples import (
    ECR,
    FRESH,
    GHCR,
    KNOWN,
    NOW,
    OTHER_ECR,
    OURS,
    change,
    decide,
    drift,
    foreign,
    patched,
    token,
    with_foreign,
    written,
)


def test_a_new_secret_is_what_kubectl_would_create() -> None:
    secret = written({ECR: token("t1")}, registries=[{"host": ECR}])
    auth = base64.b64encode(b"AWS:t1").decode()
    expected = f'{{"auths":{{"{ECR}":{{"username":"AWS","password":"t1","auth":"{auth}"}}}}}}'
    assert secret.config == expected.encode()
    assert secret.type == SECRET_TYPE


def test_a_secret_says_whose_it_is_and_its_earliest_expiry() -> None:
    secret = written()
    assert secret.labels["app.kubernetes.io/managed-by"] == "imagepull"
    assert secret.labels["imagepull/identity"] == OURS.identity
    assert secret.annotations["imagepull/owned-by"] == "p/dev/pull"
    assert secret.annotations["imagepull/expires-at"] == "2026-01-31T23:00:00Z"
    assert find_lifetimes(secret, OURS, NOW) == {host: entry.lifetime for host, entry in FRESH.items()}


def test_names_of_labels_and_annotations_do_not_change() -> None:
    secret = written()
    assert sorted(secret.labels) == ["app.kubernetes.io/managed-by", "imagepull/identity", "imagepull/owner"]
    assert sorted(secret.annotations) == ["imagepull/expires-at", "imagepull/hosts", "imagepull/owned-by"]
    assert sorted(json.loads(secret.annotations["imagepull/hosts"])[ECR]) == ["digest", "expires", "issued"]


def test_the_same_again_is_no_request() -> None:
    assert decide(written()).change is None


def test_a_renewal_keeps_what_others_put_into_the_secret() -> None:
    existing = with_foreign(written())
    renewal = change(existing, {**FRESH, ECR: token("t9")})
    assert not renewal.create
    after = patched(existing, renewal.body)
    assert after.find_credential(GHCR) == Credential(username="u", password="p")
    assert after.find_credential(ECR) == Credential(username="AWS", password="t9")
    assert (after.labels["team"], after.annotations["note"]) == ("x", "y")


def test_a_registry_that_was_ours_and_is_dropped_goes() -> None:
    existing = with_foreign(written())
    after = patched(existing, change(existing, {ECR: token("t1")}, registries=[{"host": ECR}]).body)
    assert set(after.credentials) == {ECR, GHCR}
    assert set(after.notes) == {ECR}


def test_a_registry_that_is_dropped_goes_though_somebody_stripped_our_annotations() -> None:
    existing = replace(with_foreign(written()), annotations={})
    known = replace(KNOWN, hosts=[ECR, OTHER_ECR])
    after = patched(existing, change(existing, {ECR: token("t1")}, previous=known, registries=[{"host": ECR}]).body)
    assert set(after.credentials) == {ECR, GHCR}


def test_a_registry_without_a_new_token_keeps_entry_and_expiry() -> None:
    existing = written()
    decision = decide(existing, {ECR: token("t9", hours_left=12)}, last_good={OTHER_ECR: token("another", 11.5)})
    assert decision.change is not None
    after = patched(existing, decision.change.body)
    assert after.find_credential(OTHER_ECR) == Credential(username="AWS", password="t2")
    assert after.annotations["imagepull/expires-at"] == "2026-01-31T23:00:00Z"
    assert decision.lifetimes[OTHER_ECR] == FRESH[OTHER_ECR].lifetime
    assert drift(after) is None


def test_labels_that_were_asked_for_and_are_no_more_go() -> None:
    existing = with_foreign(written(labels={"tier": "1"}, annotations={"tier": "2"}))
    after = patched(existing, change(existing, previous=replace(KNOWN, labels=["tier"], annotations=["tier"])).body)
    assert "tier" not in {**after.labels, **after.annotations}
    assert after.labels["team"] == "x"


def test_an_annotation_goes_from_the_input_to_the_object_and_an_edit_is_seen() -> None:
    secret = written(annotations={"tier": "1"})
    assert secret.annotations["tier"] == "1"
    edited = replace(secret, annotations={**secret.annotations, "tier": "2"})
    assert drift(edited, annotations={"tier": "1"}) == "its annotation tier was changed"
    known = replace(KNOWN, annotations=["tier"])
    after = patched(edited, change(edited, previous=known, annotations={"tier": "1"}).body)
    assert drift(after, annotations={"tier": "1"}) is None


@pytest.mark.parametrize(
    ("changes", "says"),
    [({"type": "Opaque"}, "of type Opaque"), ({"immutable": True}, "is immutable"), ({"config": b"{"}, "not JSON")],
)
def test_a_secret_that_cannot_be_written_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(Refusal, match=says):
        decide(foreign(**changes), adopt=True)


def test_a_malformed_secret_of_ours_is_mended() -> None:
    broken = replace(written(), config=b'{"auths": 5}')
    assert "auths" in (drift(broken) or "")
    decision = decide(broken)
    assert decision.change is not None
    after = patched(broken, decision.change.body)
    assert drift(after) is None
    assert set(after.credentials) == {ECR, OTHER_ECR}
    assert decision.remarks == ("the docker config's auths is not an object",)


BROKEN_ENTRY = {"auths": {GHCR: {"auth": "dTpw"}, "quay.io": {"auth": "!"}}, "credHelpers": {"gcr.io": "gcloud"}}


@pytest.mark.parametrize("inputs", [{}, {"adopt": True}], ids=["ours", "adopted"])
def test_only_the_malformed_entry_goes_and_the_person_is_told(inputs: dict[str, Any]) -> None:
    secret = foreign() if inputs else written()
    broken = replace(secret, config=json.dumps(BROKEN_ENTRY).encode())
    decision = decide(broken, **inputs)
    assert decision.change is not None
    after = patched(broken, decision.change.body)
    assert set(after.credentials) == {GHCR, ECR, OTHER_ECR}
    assert json.loads(after.config or b"")["credHelpers"] == {"gcr.io": "gcloud"}
    assert any("auths[quay.io]: auth is not base64" in remark for remark in decision.remarks)


@pytest.mark.parametrize("depth", [150, 900, 980, 100_000])
def test_what_is_nested_too_deeply_is_dropped_and_stops_nobody(depth: int) -> None:
    deep = '{"credHelpers":{"gcr.io":"gcloud"},"deep":' + "[" * depth + "]" * depth + "}"
    decision = decide(replace(written(), config=deep.encode()))
    assert any("nested too deeply" in remark for remark in decision.remarks)
    assert decision.change is not None


def test_a_type_that_somebody_made_up_steers_no_terminal() -> None:
    odd = replace(written(), type="\x1b[31mred\nerror: forged")
    with pytest.raises(ImagePullError) as raised:
        decide(odd)
    assert str(raised.value).isprintable()


def test_more_than_a_secret_holds_is_refused() -> None:
    with pytest.raises(ImagePullError, match="at most 1048576"):
        decide(None, {ECR: token("x" * 800_000)})


def test_a_secret_that_is_there_is_patched_and_never_created_anew() -> None:
    assert change(None).create is True
    assert change(written(), {ECR: token("t9")}).create is False


def test_a_host_whose_entry_somebody_took_out_is_no_longer_noted() -> None:
    existing = written()
    emptied = replace(existing, config=docker_config.merge(existing.config, {}, [OTHER_ECR]))
    after = patched(emptied, change(emptied, {ECR: token("t9")}).body)
    assert set(after.notes) == {ECR}


def test_a_new_secret_has_the_lifetimes_of_what_is_in_it() -> None:
    assert decide(None).lifetimes == {host: entry.lifetime for host, entry in FRESH.items()}


def test_a_plain_secret_is_adopted_without_a_word() -> None:
    assert decide(foreign(), adopt=True).remarks == ()


def test_release_of_a_secret_whose_annotations_somebody_stripped_leaves_the_entries_of_others() -> None:
    stripped = replace(with_foreign(written()), annotations={})
    released = secret_object.release(stripped, replace(KNOWN, hosts=[ECR, OTHER_ECR]))
    assert released is not None
    assert released.create is False
    assert set(patched(stripped, released.body).credentials) == {GHCR}


@pytest.mark.parametrize("config", [None, b"["])
def test_release_of_a_secret_without_readable_content_leaves_its_other_data(config: bytes | None) -> None:
    existing = replace(written(), config=config, other_data=frozenset({"ca.crt"}))
    released = secret_object.release(existing, KNOWN)
    assert released is not None
    assert patched(existing, released.body).credentials == {}


def test_release_of_a_secret_that_is_all_ours_is_a_deletion() -> None:
    assert secret_object.release(written(), KNOWN) is None
    assert secret_object.release(replace(written(), config=b"{"), KNOWN) is None


def test_release_leaves_the_entries_of_others() -> None:
    existing = with_foreign(written(labels={"tier": "1"}))
    released = secret_object.release(existing, replace(KNOWN, labels=["tier"]))
    assert released is not None
    after = patched(existing, released.body)
    assert set(after.credentials) == {GHCR}
    assert (after.labels, after.annotations) == ({"team": "x"}, {"note": "y"})


@pytest.mark.parametrize(
    "changes",
    [
        {"other_data": frozenset({"ca.crt"})},
        {"config": docker_config.merge(b'{"credHelpers":{"gcr.io":"gcloud"}}', {})},
    ],
)
def test_release_leaves_whatever_else_is_in_the_secret(changes: dict[str, Any]) -> None:
    assert secret_object.release(replace(written(), **changes), KNOWN) is not None


def test_nothing_shows_a_password() -> None:
    existing = written({ECR: token("hunter2")}, registries=[{"host": ECR}])
    encoded = base64.b64encode(b"AWS:hunter2").decode()
    creation = change(None, {ECR: token("hunter2")})
    for shown in (repr(existing), repr(creation), repr(token("hunter2")), json.dumps(dict(existing.annotations))):
        assert "hunter2" not in shown
        assert encoded not in shown
    assert "key of a" not in repr(OURS)


@pytest.mark.parametrize("text", ["[]", "5", "{", '{"x": 5}', "[" * 100_000])
def test_an_annotation_that_somebody_broke_is_read_as_far_as_it_goes(text: str) -> None:
    broken = replace(written(), annotations={"imagepull/hosts": text, "imagepull/before": text})
    assert find_lifetimes(broken, OURS, NOW) == {}
    assert decide(broken).change is not None
