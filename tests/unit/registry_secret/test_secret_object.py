"""What to do with the Secret of one namespace, given what is there."""

import base64
import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from imagepull.errors import ImagePullError
from imagepull.kubernetes.ownership import Owner
from imagepull.registries import docker_config
from imagepull.registries.docker_config import Credential
from imagepull.registries.lifetimes import Lifetime
from imagepull.registry_secret import secret_object
from imagepull.registry_secret import spec as registry_secret
from imagepull.registry_secret.drift import find_drift, find_lifetimes
from imagepull.registry_secret.existing import SECRET_TYPE, Existing
from imagepull.registry_secret.secret_object import Refusal, SecretDecision, SecretGoal, SecretRequest
from imagepull.registry_secret.state import Previous
from imagepull.registry_secret.trust import TrustedEntry, find_believed, find_last_good

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
    assert after.credential(GHCR) == Credential(username="u", password="p")
    assert after.credential(ECR) == Credential(username="AWS", password="t9")
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
    assert after.credential(OTHER_ECR) == Credential(username="AWS", password="t2")
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


# Whose it is


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


def without_identity(existing: Existing) -> Existing:
    """As versions without identities wrote it."""
    tokens = {host: found for host in FRESH if (found := existing.credential(host)) is not None}
    digest = hashlib.sha256(docker_config.encode(dict(sorted(tokens.items())))).hexdigest()
    notes = {host: {key: note[key] for key in ("issued", "expires")} for host, note in existing.notes.items()}
    labels = {key: value for key, value in existing.labels.items() if key != "imagepull/identity"}
    annotations = {"imagepull/hosts": json.dumps(notes), "imagepull/tokens-digest": digest}
    return replace(existing, labels=labels, annotations={**existing.annotations, **annotations})


def test_what_a_version_without_identities_wrote_is_taken_over_silently() -> None:
    existing = without_identity(written())
    for previous in (Previous(), KNOWN):
        decision = decide(existing, previous=previous)
        assert decision.change is not None
        after = patched(existing, decision.change.body)
        assert after.labels["imagepull/identity"] == OURS.identity
        assert "imagepull/tokens-digest" not in after.annotations
        assert decision.remarks == ()


def test_a_refresh_of_a_state_without_identities_finds_no_difference() -> None:
    state = Owner(title="p/dev/pull", former_title="p/dev/pull")
    existing = without_identity(written())
    assert drift(existing, state) is None
    assert find_lifetimes(existing, state, NOW) == {host: entry.lifetime for host, entry in FRESH.items()}
    edited = replace(existing, config=written({**FRESH, ECR: token("no")}).config)
    assert "was changed" in (drift(edited, state) or "")


def foreign(**changes: Any) -> Existing:
    secret = with_foreign(written())
    return replace(secret, **{"uid": "uid-9", "labels": {}, "annotations": {}, **changes})


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


@pytest.mark.parametrize(
    ("changes", "says"),
    [({"type": "Opaque"}, "of type Opaque"), ({"immutable": True}, "is immutable"), ({"config": b"{"}, "not JSON")],
)
def test_a_secret_that_cannot_be_written_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(Refusal, match=says):
        decide(foreign(**changes), adopt=True)


# What others have in it


def test_a_malformed_secret_of_ours_is_mended() -> None:
    broken = replace(written(), config=b'{"auths": 5}')
    assert "auths" in (drift(broken) or "")
    assert drift(patched(broken, change(broken).body)) is None


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


def test_more_than_a_secret_holds_is_refused() -> None:
    with pytest.raises(ImagePullError, match="at most 1048576"):
        decide(None, {ECR: token("x" * 800_000)})


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


# What is believed


def test_what_we_wrote_and_what_others_added_is_no_drift() -> None:
    assert drift(with_foreign(written())) is None


def tampered(**changes: object) -> Existing:
    """The Secret after a tenant gave our entry another lifetime."""
    secret = written()
    notes = {host: dict(note) for host, note in secret.notes.items()}
    notes[ECR].update(changes)
    return replace(secret, annotations={**secret.annotations, "imagepull/hosts": json.dumps(notes)})


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
    assert after.credential(OTHER_ECR) == Credential(username="AWS", password="theirs")
    assert find_believed(after, OTHER_ECR, OURS.digest_key, NOW) is None
    assert OTHER_ECR not in decision.lifetimes


def test_the_last_good_token_takes_the_place_of_one_that_is_not_believed() -> None:
    edited = replace(written(), config=written({**FRESH, OTHER_ECR: token("theirs")}).config)
    after = patched(edited, change(edited, {ECR: token("t9")}, last_good={OTHER_ECR: token("good")}).body)
    assert after.credential(OTHER_ECR) == Credential(username="AWS", password="good")


def test_the_last_good_token_is_the_one_that_lives_longest() -> None:
    secrets = [written({ECR: token(f"t{hours}", hours_left=hours)}, registries=[{"host": ECR}]) for hours in (1, 5, -3)]
    good = find_last_good(secrets, ECR, OURS.digest_key, NOW)
    assert good is not None
    assert good.credential.password == "t5"


def test_a_dead_token_is_no_good() -> None:
    dead = written({ECR: token("t", hours_left=-0.01)}, registries=[{"host": ECR}])
    assert find_last_good([dead], ECR, OURS.digest_key, NOW) is None
    assert find_last_good([written()], GHCR, OURS.digest_key, NOW) is None


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
