"""Whose a Secret is, and what becomes of what others have in it."""

import json
from dataclasses import replace
from typing import Any

import pytest

from imagepull.registries.docker_config import Credential
from imagepull.registry_secret import secret_object
from imagepull.registry_secret.secret_object import Refusal
from imagepull.registry_secret.state import Previous
from imagepull.registry_secret.trust import TrustedEntry
from tests.unit.registry_secret.secret_examples import (
    ECR,
    FRESH,
    GHCR,
    KNOWN,
    NEXT,
    OTHER_ECR,
    OURS,
    THEIRS,
    change,
    decide,
    drift,
    foreign,
    patched,
    token,
    without_identity,
    written,
)


def test_another_stacks_secret_is_refused_and_named() -> None:
    with pytest.raises(Refusal, match="belongs to q/dev/pull; choose another name, or set adopt"):
        decide(written(owner=THEIRS))


def test_what_an_earlier_run_left_is_taken_over_and_the_person_is_told() -> None:
    existing = written()
    decision = decide(existing, owner=NEXT, previous=Previous())
    assert decision.change is not None
    after = patched(existing, decision.change.body)
    assert after.labels["imagepull/identity"] == NEXT.identity
    assert "another run of p/dev/pull wrote it" in decision.remarks[0]
    assert drift(after, NEXT) is None


def test_what_a_version_without_identities_wrote_is_taken_over_silently() -> None:
    existing = without_identity(written())
    for previous in (Previous(), KNOWN):
        decision = decide(existing, previous=previous)
        assert decision.change is not None
        after = patched(existing, decision.change.body)
        assert after.labels["imagepull/identity"] == OURS.identity
        assert "imagepull/tokens-digest" not in after.annotations
        assert decision.remarks == ()


def test_a_secret_of_nobodys_is_refused_unless_adopted() -> None:
    with pytest.raises(Refusal, match="is there already"):
        decide(foreign())
    assert drift(patched(foreign(), change(foreign(), adopt=True).body)) is None


def test_a_secret_that_lost_its_label_is_known_by_its_uid() -> None:
    assert decide(foreign(uid="uid-1")).change is not None


def test_a_uid_is_no_claim_on_what_another_stack_has_adopted() -> None:
    with pytest.raises(Refusal, match="q/dev/pull"):
        decide(written(owner=THEIRS))


def test_an_owner_named_by_a_tenant_is_shown_without_control_characters() -> None:
    labels = {"imagepull/owner": "x"}
    with pytest.raises(Refusal, match=r"belongs to a\?\[2Jb;"):
        decide(foreign(labels=labels, annotations={"imagepull/owned-by": "a\x1b[2Jb"}))


def test_entries_of_another_stack_stay_when_its_secret_is_adopted() -> None:
    theirs = written(owner=THEIRS)
    inputs = {"adopt": True, "registries": [{"host": GHCR, "username": "u", "password": "p"}]}
    fixed = {GHCR: TrustedEntry(credential=Credential(username="u", password="p"))}
    after = patched(theirs, change(theirs, fixed, **inputs).body)
    assert set(after.credentials) == {ECR, OTHER_ECR, GHCR}
    released = secret_object.release(after, KNOWN)
    assert released is not None
    assert set(patched(after, released.body).credentials) == {ECR, OTHER_ECR}


def test_labels_of_others_that_ours_took_the_place_of_come_back() -> None:
    helm = foreign(labels={"app.kubernetes.io/managed-by": "Helm", "team": "x"}, annotations={"note": "y"})
    inputs = {"adopt": True, "labels": {"team": "ours"}, "annotations": {"note": "ours"}}
    known = replace(KNOWN, labels=["team"], annotations=["note"])
    adopted = patched(helm, change(helm, **inputs).body)
    renewed = patched(adopted, change(adopted, {**FRESH, ECR: token("t9")}, previous=known, **inputs).body)
    assert renewed.labels["team"] == "ours"
    released = secret_object.release(renewed, known)
    assert released is not None
    after = patched(renewed, released.body)
    assert (after.labels, after.annotations) == (helm.labels, helm.annotations)

    dropped = patched(renewed, change(renewed, previous=known, adopt=True).body)
    assert (dropped.labels["team"], dropped.annotations["note"]) == ("x", "y")
    assert json.loads(dropped.annotations["imagepull/before"])["labels"] == {"app.kubernetes.io/managed-by": "Helm"}


def test_a_secret_that_helm_manages_stays_when_it_is_released() -> None:
    helm = foreign(config=None, labels={"app.kubernetes.io/managed-by": "Helm"})
    adopted = patched(helm, change(helm, adopt=True).body)
    assert secret_object.release(adopted, KNOWN) is not None


@pytest.mark.parametrize("sign", [{"managers": frozenset({"pulumi-kubernetes-6cfa1c7d"})}, {"labels": "pulumi"}])
def test_the_person_is_told_what_to_write_when_pulumi_kubernetes_manages_an_adopted_secret(sign: Any) -> None:
    labels = {"labels": {"app.kubernetes.io/managed-by": sign["labels"]}} if "labels" in sign else sign
    decision = decide(foreign(**labels), adopt=True)
    assert "retain_on_delete=True" in decision.remarks[0]
    assert "pulumi state delete" in decision.remarks[0]
