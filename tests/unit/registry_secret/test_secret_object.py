"""What to do with the Secret of one namespace, given what is there."""

import base64
import json
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
from imagepull.registry_secret.secret_object import SECRET_TYPE, Entry, Existing, Refusal

ECR, OTHER_ECR, GHCR = (
    "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
    "123456789012.dkr.ecr.us-east-1.amazonaws.com",
    "ghcr.io",
)
OURS, THEIRS = Owner(title="p/dev/pull"), Owner(title="q/dev/pull")
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
INPUTS: dict[str, Any] = {"name": "pull", "namespaces": ["a"], "registries": [{"host": ECR}, {"host": OTHER_ECR}]}


def token(password: str, hours_left: float = 12) -> Entry:
    expires = NOW + timedelta(hours=hours_left)
    lifetime = Lifetime(issued=expires - timedelta(hours=12), expires=expires)
    return Entry(credential=Credential(username="AWS", password=password), lifetime=lifetime)


FRESH = {ECR: token("t1"), OTHER_ECR: token("t2", hours_left=11)}


def spec(**inputs: object) -> registry_secret.Spec:
    return registry_secret.parse({**INPUTS, **inputs})


def written(entries: dict[str, Entry] = FRESH, owner: Owner = OURS, **inputs: object) -> Existing:
    """A Secret as the cluster holds it after we created it."""
    change = secret_object.write(None, spec(**inputs), owner, entries, ())
    assert change is not None
    assert change.create
    return Existing(
        namespace="a",
        name="pull",
        uid="uid-1",
        resource_version="7",
        type=change.body["type"],
        immutable=False,
        labels=change.body["metadata"]["labels"],
        annotations=change.body["metadata"]["annotations"],
        config=base64.b64decode(change.body["data"][".dockerconfigjson"]),
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
    assert metadata["resourceVersion"] == existing.resource_version
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


def test_a_secret_tells_its_owner_and_its_earliest_expiry() -> None:
    secret = written()
    assert secret.labels["app.kubernetes.io/managed-by"] == "imagepull"
    assert secret.annotations["imagepull/owned-by"] == "p/dev/pull"
    assert secret.annotations["imagepull/expires-at"] == "2026-01-31T23:00:00Z"
    assert secret.lifetimes == {host: entry.lifetime for host, entry in FRESH.items()}


def test_the_same_again_is_no_request() -> None:
    assert secret_object.write(written(), spec(), OURS, FRESH, ()) is None


def test_a_renewal_keeps_what_others_put_into_the_secret() -> None:
    existing = with_foreign(written())
    change = secret_object.write(existing, spec(), OURS, {**FRESH, ECR: token("t9")}, ())
    assert change is not None
    assert not change.create
    after = patched(existing, change.body)
    assert after.credential(GHCR) == Credential(username="u", password="p")
    assert after.credential(ECR) == Credential(username="AWS", password="t9")
    assert (after.labels["team"], after.annotations["note"]) == ("x", "y")


def test_a_registry_that_was_ours_and_is_dropped_goes() -> None:
    existing = with_foreign(written())
    change = secret_object.write(existing, spec(registries=[{"host": ECR}]), OURS, {ECR: token("t1")}, ())
    assert change is not None
    after = patched(existing, change.body)
    assert set(after.credentials) == {ECR, GHCR}
    assert after.our_hosts == {ECR}


def test_a_registry_without_a_new_token_keeps_entry_and_expiry() -> None:
    existing = written()
    change = secret_object.write(existing, spec(), OURS, {ECR: token("t9", hours_left=13)}, ())
    assert change is not None
    after = patched(existing, change.body)
    assert after.credential(OTHER_ECR) == Credential(username="AWS", password="t2")
    assert after.annotations["imagepull/expires-at"] == "2026-01-31T23:00:00Z"
    assert secret_object.drift(after, spec(), OURS) is None


def test_labels_that_were_asked_for_and_are_no_more_go() -> None:
    existing = with_foreign(written(labels={"tier": "1"}))
    change = secret_object.write(existing, spec(), OURS, FRESH, (), dropped=["tier"])
    assert change is not None
    after = patched(existing, change.body)
    assert "tier" not in after.labels
    assert after.labels["team"] == "x"


def test_another_stacks_secret_is_refused_and_named() -> None:
    with pytest.raises(Refusal, match="belongs to q/dev/pull; choose another name, or set adopt"):
        secret_object.write(written(owner=THEIRS), spec(), OURS, FRESH, ())


def foreign(**changes: Any) -> Existing:
    secret = with_foreign(written())
    return replace(secret, **{"labels": {}, "annotations": {}, **changes})


def test_a_secret_of_nobodys_is_refused_unless_adopted() -> None:
    with pytest.raises(Refusal, match="is there already"):
        secret_object.write(foreign(), spec(), OURS, FRESH, ())
    change = secret_object.write(foreign(), spec(adopt=True), OURS, FRESH, ())
    assert change is not None
    assert patched(foreign(), change.body).belongs_to(OURS, ())


def test_a_secret_that_lost_its_label_is_known_by_its_uid() -> None:
    assert secret_object.write(foreign(), spec(), OURS, FRESH, ["uid-1"]) is not None


def test_a_uid_is_no_claim_on_what_another_stack_has_adopted() -> None:
    with pytest.raises(Refusal, match="q/dev/pull"):
        secret_object.write(written(owner=THEIRS), spec(), OURS, FRESH, ["uid-1"])


@pytest.mark.parametrize(
    ("changes", "says"),
    [({"type": "Opaque"}, "of type Opaque"), ({"immutable": True}, "is immutable"), ({"config": b"{"}, "not JSON")],
)
def test_a_secret_that_cannot_be_written_is_refused(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(Refusal, match=says):
        secret_object.write(foreign(**changes), spec(adopt=True), OURS, FRESH, ())


def test_a_malformed_secret_of_ours_is_mended() -> None:
    broken = replace(written(), config=b'{"auths": 5}')
    assert "auths" in (secret_object.drift(broken, spec(), OURS) or "")
    change = secret_object.write(broken, spec(), OURS, FRESH, ())
    assert change is not None
    assert secret_object.drift(patched(broken, change.body), spec(), OURS) is None


def test_more_than_a_secret_holds_is_refused() -> None:
    with pytest.raises(ImagePullError, match="at most 1048576"):
        secret_object.write(None, spec(), OURS, {ECR: token("x" * 800_000)}, ())


def test_what_we_wrote_and_what_others_added_is_no_drift() -> None:
    assert secret_object.drift(with_foreign(written()), spec(), OURS) is None


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"labels": {}}, "label imagepull/owner"),
        ({"config": b'{"auths":{}}'}, f"entry of {ECR} is gone"),
        ({"config": None}, f"entry of {ECR} is gone"),
        (
            {"config": docker_config.merge(written().config, {ECR: Credential(username="AWS", password="no")})},
            "a token",
        ),
        ({"type": "Opaque"}, "type is Opaque"),
    ],
)
def test_an_edit_behind_our_back_is_named(changes: dict[str, Any], says: str) -> None:
    assert says in (secret_object.drift(replace(written(), **changes), spec(), OURS) or "")


def test_a_fixed_password_is_compared_with_the_one_asked_for() -> None:
    registries = [{"host": GHCR, "username": "u", "password": "new"}]
    fixed = {GHCR: Entry(credential=Credential(username="u", password="old"))}
    secret = written(fixed, registries=registries)
    assert secret_object.drift(secret, spec(registries=registries), OURS) == "its entry of ghcr.io was changed"
    assert "imagepull/tokens-digest" not in secret.annotations


def test_release_of_a_secret_that_is_all_ours_is_a_deletion() -> None:
    assert secret_object.release(written(), ()) is None


def test_release_leaves_the_entries_of_others() -> None:
    existing = with_foreign(written(labels={"tier": "1"}))
    change = secret_object.release(existing, ["tier"])
    assert change is not None
    after = patched(existing, change.body)
    assert set(after.credentials) == {GHCR}
    assert (after.labels, after.annotations) == ({"team": "x"}, {"note": "y"})


def test_the_last_good_token_is_the_one_that_lives_longest() -> None:
    secrets = [written({ECR: token(f"t{hours}", hours_left=hours)}, registries=[{"host": ECR}]) for hours in (1, 5, -3)]
    good = secret_object.last_good(secrets, ECR, NOW)
    assert good is not None
    assert good.credential.password == "t5"


def test_a_dead_token_is_no_good() -> None:
    dead = written({ECR: token("t", hours_left=-0.01)}, registries=[{"host": ECR}])
    assert secret_object.last_good([dead], ECR, NOW) is None
    assert secret_object.last_good([written()], GHCR, NOW) is None


def test_nothing_shows_a_password() -> None:
    existing = written({ECR: token("hunter2")}, registries=[{"host": ECR}])
    change = secret_object.write(None, spec(), OURS, {ECR: token("hunter2")}, ())
    encoded = base64.b64encode(b"AWS:hunter2").decode()
    for shown in (repr(existing), repr(change), repr(token("hunter2")), json.dumps(dict(existing.annotations))):
        assert "hunter2" not in shown
        assert encoded not in shown


@pytest.mark.parametrize("text", ["[]", "5", "{", '{"x": 5}'])
def test_an_annotation_that_somebody_broke_is_read_as_far_as_it_goes(text: str) -> None:
    broken = replace(written(), annotations={"imagepull/hosts": text})
    assert broken.lifetimes == {}
    assert secret_object.write(broken, spec(), OURS, FRESH, ()) is not None
