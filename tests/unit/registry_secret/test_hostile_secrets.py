"""Whatever a tenant writes into our Secret: no run ends by it, and it makes us write nothing that he wants."""

import base64
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagepull.errors import ImagePullError
from imagepull.inputs import LABEL_VALUE
from imagepull.kubernetes.objects import KubernetesObject
from imagepull.registries import lifetimes
from imagepull.registry_secret import secret_object
from imagepull.registry_secret.drift import find_lifetimes
from imagepull.registry_secret.existing import Existing
from imagepull.registry_secret.secret_object import Refusal, SecretDecision, SecretRequest
from imagepull.registry_secret.state import Previous
from imagepull.registry_secret.trust import LONGEST_LIFE
from tests.unit.hostile_values import annotations, documents, json_texts, texts, values
from tests.unit.registry_secret.secret_examples import (
    ECR,
    FRESH,
    NEXT,
    NOW,
    OURS,
    THEIRS,
    change,
    decide,
    drift,
    foreign,
    patched,
    written,
)

MANAGED_BY = "app.kubernetes.io/managed-by"
KEYS = st.sampled_from(
    (MANAGED_BY, "team", "note", "imagepull/identity", "imagepull/owner", "imagepull/hosts", "imagepull/before", "x/y")
)
HOSTS = st.sampled_from((ECR, "ghcr.io", "quay.io"))
KNOWN = Previous(
    namespaces=["a"],
    uids={"a": "uid-1"},
    hosts=[ECR],
    labels=["team"],
    annotations=["note"],
    digest_key=OURS.digest_key,
)
ASKED: Mapping[str, Any] = {"labels": {"team": "ours"}, "annotations": {"note": "ours"}}

before = json_texts(documents(st.sampled_from(("labels", "annotations", "digest")), documents(KEYS)))
hosts = json_texts(documents(HOSTS, documents(st.sampled_from(("issued", "expires", "digest")))))
configs = st.one_of(
    st.binary(max_size=30),
    json_texts(documents(st.sampled_from(("auths", "credHelpers", "HttpHeaders")), documents(HOSTS))).map(
        lambda text: text.encode(errors="replace")
    ),
    st.just(json.dumps({"auths": {}, "x": "<" * 1_000_000}).encode()),
)
owners = st.sampled_from((OURS, NEXT, THEIRS))


@st.composite
def secrets(draw: st.DrawFn, owner: Any = owners) -> Existing:
    """A Secret of ours, of an earlier run or of another stack, in which a tenant has written whatever he wanted."""
    secret = written(owner=draw(owner), **ASKED)
    written_by_tenant = draw(
        annotations(
            {"imagepull/before": before, "imagepull/hosts": hosts, "imagepull/expires-at": texts, "note": texts}
        )
    )
    return replace(
        secret,
        annotations={**secret.annotations, **written_by_tenant},
        labels={**secret.labels, **draw(st.dictionaries(st.sampled_from(("team", MANAGED_BY)), texts, max_size=2))},
        type=draw(st.one_of(st.just(secret.type), texts)),
        config=draw(st.one_of(st.just(secret.config), st.none(), configs)),
        immutable=draw(st.booleans()),
        other_data=draw(st.sampled_from((frozenset[str](), frozenset({"ca.crt"})))),
    )


def release(secret: Existing, previous: Previous) -> SecretRequest | None:
    """The release of a Secret; None, too, for one that cannot be changed."""
    if not secret.immutable:
        return secret_object.release(secret, previous)
    with suppress(Refusal):
        return secret_object.release(secret, previous)
    return None


def set_values(patch: Mapping[str, Any]) -> dict[str, str]:
    return {key: value for key, value in patch.items() if value is not None}


@settings(max_examples=100, deadline=None)
@given(secrets(owner=st.just(OURS)))
def test_a_release_writes_nothing_that_a_tenant_has_noted(secret: Existing) -> None:
    released = release(secret, KNOWN)
    if released is not None:
        metadata = released.body["metadata"]
        assert set_values(metadata["labels"]) == set_values(metadata["annotations"]) == {}
        assert metadata["labels"][MANAGED_BY] is None


@settings(max_examples=100, deadline=None)
@given(secrets(owner=st.just(OURS)))
def test_where_nothing_can_be_proven_only_what_kubernetes_takes_comes_back_and_no_key_of_ours(secret: Existing) -> None:
    released = release(secret, replace(KNOWN, digest_key=None))
    if released is None:
        return
    labels, noted = (set_values(released.body["metadata"][each]) for each in ("labels", "annotations"))
    assert labels.keys() <= {"team", MANAGED_BY}
    assert all(LABEL_VALUE.admits(value) for value in labels.values())
    assert labels.get(MANAGED_BY) != "imagepull"
    assert noted.keys() <= {"note"}
    assert all(len(value) <= 20_000 for value in noted.values())


@settings(max_examples=100, deadline=None)
@given(secrets(), st.booleans())
def test_a_write_ends_in_one_sentence_or_with_our_values_only(secret: Existing, adopt: bool) -> None:
    decision: SecretDecision | str
    try:
        decision = decide(secret, owner=OURS, previous=KNOWN, adopt=adopt, **ASKED)
    except ImagePullError as error:
        decision = str(error)
    if isinstance(decision, str):
        assert decision.isprintable()
        return
    assert decision.change is not None or secret.labels["imagepull/identity"] == OURS.identity
    assert all(remark.isprintable() for remark in decision.remarks)
    if decision.change is None:
        return
    metadata = decision.change.body["metadata"]
    assert set_values(metadata["labels"]).items() <= {**written(**ASKED).labels}.items()
    notes = set_values(metadata["annotations"])
    assert notes.get("note", "ours") == "ours"
    assert len(json.dumps(notes)) < 150_000


@settings(max_examples=100, deadline=None)
@given(secrets(owner=st.just(OURS)), st.sampled_from((OURS, replace(OURS, digest_key=None))))
def test_a_refresh_ends_in_one_sentence_and_believes_no_longer_life_than_ecr_gives(
    secret: Existing, owner: Any
) -> None:
    told = drift(secret, owner, **ASKED)
    assert told is None or told.isprintable()
    believed = find_lifetimes(secret, owner, NOW)
    assert all(lifetime.expires <= NOW + LONGEST_LIFE for lifetime in believed.values())
    lifetimes.format_lifetimes(believed)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(st.sampled_from(("metadata", "type", "data", "immutable")), values, max_size=4))
def test_what_no_api_server_shows_is_read_without_an_error(document: dict[str, Any]) -> None:
    metadata = document.get("metadata")
    named = {**(metadata if isinstance(metadata, dict) else {}), "name": "pull"}
    secret = Existing.of(KubernetesObject.parse({**document, "metadata": named}))
    assert secret.malformed is None or secret.malformed.isprintable()


def test_what_we_noted_ourselves_comes_back_and_an_edit_of_it_does_not() -> None:
    helm = foreign(labels={MANAGED_BY: "Helm", "team": "x"}, annotations={"note": "y"})
    adopted = patched(helm, change(helm, adopt=True, **ASKED).body)
    renewed = patched(adopted, change(adopted, {}, previous=KNOWN, **{**ASKED, "annotations": {}}).body)

    for secret, comes_back in ((adopted, True), (renewed, True), (edited(adopted), False), (moved(adopted), False)):
        released = secret_object.release(secret, KNOWN)
        assert released is not None
        labels = released.body["metadata"]["labels"]
        assert (labels[MANAGED_BY], labels["team"]) == (("Helm", "x") if comes_back else (None, None))


def edited(secret: Existing) -> Existing:
    note = json.loads(secret.annotations["imagepull/before"])
    note["labels"]["team"] = "mine"
    return replace(secret, annotations={**secret.annotations, "imagepull/before": json.dumps(note)})


def moved(secret: Existing) -> Existing:
    """The same note on another Secret."""
    return replace(secret, uid="uid-of-another")


def test_a_value_that_is_too_large_to_keep_twice_is_not_kept() -> None:
    huge = foreign(labels={}, annotations={"note": "é" * 100_000})
    adopted = patched(huge, change(huge, adopt=True, **ASKED).body)
    assert adopted.annotations["note"] == "ours"
    assert "imagepull/before" not in adopted.annotations


def test_what_others_have_that_grows_by_our_spelling_holds_up_no_release() -> None:
    config = json.dumps({"auths": {ECR: {"auth": base64.b64encode(b"AWS:t").decode()}}, "x": "<" * 1_000_000}).encode()
    released = secret_object.release(replace(written(FRESH), config=config), KNOWN)
    assert released is None


OURS_AND_WRONG = {
    "labels": {"imagepull/identity": "f" * 16, "team": "no label!", MANAGED_BY: "imagepull", "x/y": "z"},
    "annotations": {"imagepull/hosts": "{}", "x/y": "z"},
}


def test_keys_of_ours_and_values_that_nobody_can_write_never_come_back() -> None:
    noted = {"imagepull/before": json.dumps(OURS_AND_WRONG)}
    secret = replace(written(**ASKED), other_data=frozenset({"ca.crt"}))
    released = release(replace(secret, annotations={**secret.annotations, **noted}), replace(KNOWN, digest_key=None))
    assert released is not None
    for written_back in ("labels", "annotations"):
        assert set_values(released.body["metadata"][written_back]) == {}


def test_a_run_that_takes_over_keeps_only_notes_of_keys_that_it_asks_for() -> None:
    noted = {"labels": {"team": "x", "other/key": "y"}, "annotations": {"other/key": "y" * 10_000}}
    secret = written(owner=NEXT, **ASKED)
    secret = replace(secret, annotations={**secret.annotations, "imagepull/before": json.dumps(noted)})
    body = change(secret, previous=Previous(), **ASKED).body
    kept = json.loads(body["metadata"]["annotations"]["imagepull/before"])
    assert (kept["labels"], kept["annotations"]) == ({"team": "x"}, {})


@pytest.mark.parametrize("text", ["{", "NaN", "[]", "{}", "[" * 100_000, '{"quay.io":{}}'])
def test_our_entries_go_with_a_release_whatever_the_annotation_says(text: str) -> None:
    secret = written(**ASKED)
    secret = replace(secret, annotations={**secret.annotations, "imagepull/hosts": text}, other_data=frozenset({"x"}))
    released = release(secret, replace(KNOWN, hosts=[*FRESH]))
    assert released is not None
    assert patched(secret, released.body).credentials == {}


def test_a_content_that_is_no_base64_is_malformed_and_no_error() -> None:
    document = {"metadata": {"name": "pull", "finalizers": 5}, "data": {".dockerconfigjson": "\u00e9"}, "type": 5}
    secret = Existing.of(KubernetesObject.parse(document))
    assert secret.malformed is not None
    assert secret.finalizers == ()


def test_a_moment_that_utc_does_not_have_is_no_lifetime() -> None:
    early, late = "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"
    for issued, expires in ((early, "2026-01-31T12:00:00Z"), ("2026-01-31T12:00:00Z", late)):
        assert lifetimes.parse_lifetimes({ECR: {"issued": issued, "expires": expires}}) == {}
