"""Our names in a ServiceAccount's atomic list: appended, never in place of others' entries."""

from dataclasses import replace
from typing import Any

import pytest

from imagepull.kubernetes.objects import KubernetesObject
from imagepull.kubernetes.ownership import Owner
from imagepull.service_accounts import claims
from imagepull.service_accounts.claims import ROLE_ANNOTATION, Account

A = Owner(title="p/dev/sa", identity="aaaaaaaaaaaaaaaa", urn="urn:a")
B = Owner(title="q/dev/sa", identity="bbbbbbbbbbbbbbbb", urn="urn:b")
A_NEXT = replace(A, identity="cccccccccccccccc")


def account(*listed: str, annotations: dict[str, str] | None = None) -> Account:
    return Account(
        namespace="n",
        name="default",
        uid="uid-1",
        resource_version="1",
        annotations=annotations or {},
        listed=tuple(listed),
    )


def after(before: Account | None, owner: Owner, *names: str, role: str = "") -> Account:
    """The account once the owner's write has been applied."""
    body: Any = claims.write(before, owner, names, role)
    if body is None:
        assert before is not None
        return before
    if before is not None:
        assert (body["metadata"]["uid"], body["metadata"]["resourceVersion"]) == ("uid-1", before.resource_version)
    old = before or account()
    annotations = {**old.annotations, **body["metadata"].get("annotations", {})}
    listed = [entry["name"] for entry in body["imagePullSecrets"]] if "imagePullSecrets" in body else old.listed
    return account(*listed, annotations={key: text for key, text in annotations.items() if text is not None})


def test_names_are_appended_in_order_behind_what_is_there() -> None:
    assert after(account("theirs", "z"), A, "b", "a").listed == ("theirs", "z", "b", "a")


def test_the_same_again_is_no_request() -> None:
    assert claims.write(after(account("theirs"), A, "ours"), A, ["ours"]) is None


def test_a_missing_account_is_made_with_the_names() -> None:
    assert after(None, A, "ours").listed == ("ours",)
    assert after(after(None, A, "ours"), A).listed == ()


def test_release_takes_only_what_was_added() -> None:
    both = after(account("theirs", "shared"), A, "shared", "ours")
    released = after(both, A)
    assert released.listed == ("theirs", "shared")
    assert released.annotations == {}


def test_a_name_no_longer_asked_for_goes_and_the_others_stay() -> None:
    assert after(after(account("theirs"), A, "one", "two"), A, "two").listed == ("theirs", "two")


def test_the_last_stack_that_asked_for_a_name_takes_it_away() -> None:
    shared = after(after(account("theirs"), A, "pull"), B, "pull")
    without_a = after(shared, A)
    assert without_a.listed == ("theirs", "pull")
    assert after(without_a, B).listed == ("theirs",)


def test_stacks_do_not_mind_in_which_order_they_go() -> None:
    shared = after(after(account(), A, "pull", "a"), B, "pull", "b")
    assert after(shared, B).listed == ("pull", "a")
    assert after(after(shared, B), A).listed == ()


def test_a_name_that_was_there_before_any_stack_outlives_them() -> None:
    shared = after(after(account("pull"), A, "pull"), B, "pull")
    assert after(after(shared, A), B).listed == ("pull",)
    assert after(after(shared, B), A).listed == ("pull",)


def test_an_entry_removed_behind_our_back_comes_back() -> None:
    added = after(account("theirs"), A, "ours")
    removed = account("theirs", annotations=dict(added.annotations))
    assert claims.write(removed, A, ["ours"]) == {
        "imagePullSecrets": [{"name": "theirs"}, {"name": "ours"}],
        "metadata": {"uid": "uid-1", "resourceVersion": "1"},
    }


def test_a_name_that_another_still_asks_for_outlives_the_one_who_brought_it_back() -> None:
    found = after(account("pull"), B, "pull")
    brought_back = after(account(annotations=dict(found.annotations)), A, "pull")
    assert after(brought_back, A).listed == ("pull",)


def test_a_broken_mark_is_read_as_none() -> None:
    key = next(iter(after(account(), A, "ours").annotations))
    for text in ("", "5", "{}", '{"added": 1, "found": 2}'):
        assert after(account("ours", annotations={key: text}), A).listed == ("ours",)


def test_the_name_of_the_annotation_and_its_keys_do_not_change() -> None:
    ((key, text),) = after(account(), A, "ours").annotations.items()
    assert key == "imagepull/claim-aaaaaaaaaaaaaaaa"
    assert text == f'{{"by":"p/dev/sa","resource":"{A.urn_key}","added":["ours"],"found":[]}}'


def test_a_replacement_takes_over_the_claim_and_the_old_ones_release_changes_nothing() -> None:
    replaced = after(after(account("theirs"), A, "ours"), A_NEXT, "ours")
    assert list(replaced.annotations) == ["imagepull/claim-cccccccccccccccc"]
    assert claims.write(replaced, A, ()) is None
    assert after(replaced, A_NEXT).listed == ("theirs",)


def test_a_resource_of_one_name_below_another_parent_has_a_claim_of_its_own() -> None:
    elsewhere = replace(A_NEXT, urn="urn:elsewhere")
    both = after(after(account(), A, "one"), elsewhere, "two")
    assert both.listed == ("one", "two")
    assert after(both, A).listed == ("two",)


def test_what_a_version_without_identities_claimed_is_ours() -> None:
    legacy = account(
        "theirs", "ours", annotations={f"imagepull/claim-{A.key}": '{"by":"p/dev/sa","added":["ours"],"found":[]}'}
    )
    claimed = after(legacy, A, "ours")
    assert list(claimed.annotations) == ["imagepull/claim-aaaaaaaaaaaaaaaa"]
    for before, owner in ((claimed, A), (legacy, A), (legacy, replace(A, identity=None))):
        assert after(before, owner).listed == ("theirs",)


@pytest.mark.parametrize("text", ["[" * 100_000, "[]", '{"resource": 5}', '{"added": ["ours"], "found": 2}'])
def test_a_broken_claim_of_another_is_left_alone(text: str) -> None:
    before = account("theirs", annotations={"imagepull/claim-x": text})
    assert after(before, A, "ours").annotations["imagepull/claim-x"] == text


@pytest.mark.parametrize("deleted", [{}, {"deletionTimestamp": "2026-01-01T00:00:00Z"}])
def test_an_account_is_read_from_what_the_api_server_shows(deleted: dict[str, str]) -> None:
    metadata: dict[str, object] = {"namespace": "n", "name": "default", "uid": "uid-1", "resourceVersion": "7"}
    metadata |= {"annotations": {"a": "b"}, **deleted}
    listed = [{"name": "first"}, {"name": "second"}]
    shown = KubernetesObject.parse({"metadata": metadata, "imagePullSecrets": listed, "secrets": [{}]})
    assert Account.of(shown) == Account(
        namespace="n",
        name="default",
        uid="uid-1",
        resource_version="7",
        annotations={"a": "b"},
        listed=("first", "second"),
        is_being_deleted=bool(deleted),
    )


@pytest.mark.parametrize(
    ("text", "title"), [('{"by":"p/dev/sa"}', "p/dev/sa"), ('{"by":5}', ""), ("{}", ""), ("no JSON", "")]
)
def test_a_claim_names_its_owner(text: str, title: str) -> None:
    assert claims.read_title(text) == title


ROLE, OTHER = "arn:aws:iam::123456789012:role/pull", "arn:aws:iam::123456789012:role/other"


def role_of(one: Account) -> str | None:
    return one.annotations.get(ROLE_ANNOTATION)


@pytest.mark.parametrize("before", [None, "", OTHER, ROLE])
def test_a_role_is_written_and_what_was_there_before_comes_back(before: str | None) -> None:
    annotations = {"a": "b"} if before is None else {"a": "b", ROLE_ANNOTATION: before}
    asked = after(account("theirs", annotations=annotations), A, role=ROLE)
    assert (role_of(asked), asked.listed) == (ROLE, ("theirs",))
    assert claims.write(asked, A, (), ROLE) is None
    changed = after(asked, A, role=OTHER)
    assert role_of(changed) == OTHER
    for one in (asked, changed):
        assert after(one, A).annotations == annotations


def test_a_missing_account_is_made_with_the_role_and_loses_it() -> None:
    made: Any = claims.write(None, A, (), ROLE)
    assert made["metadata"]["annotations"][ROLE_ANNOTATION] == ROLE
    assert "imagePullSecrets" not in made
    assert after(after(None, A, role=ROLE), A).annotations == {}


def test_the_last_stack_that_asked_for_a_role_puts_back_what_was_there() -> None:
    shared = after(after(account(annotations={ROLE_ANNOTATION: OTHER}), A, role=ROLE), B, role=ROLE)
    for first, second in ((A, B), (B, A)):
        left = after(shared, first)
        assert role_of(left) == ROLE
        assert after(left, second).annotations == {ROLE_ANNOTATION: OTHER}


def test_a_replacement_takes_over_the_role_and_what_was_before() -> None:
    replaced = after(after(account(annotations={ROLE_ANNOTATION: OTHER}), A, role=ROLE), A_NEXT, role=ROLE)
    assert claims.write(replaced, A, ()) is None
    assert after(replaced, A_NEXT).annotations == {ROLE_ANNOTATION: OTHER}


def test_a_role_that_somebody_changed_since_stays_when_it_is_released() -> None:
    asked = after(account(), A, role=ROLE)
    edited = account(annotations={**asked.annotations, ROLE_ANNOTATION: OTHER})
    assert after(edited, A).annotations == {ROLE_ANNOTATION: OTHER}
    assert role_of(after(edited, A, role=ROLE)) == ROLE


def test_names_give_way_to_a_role_and_back_in_one_write() -> None:
    listed = after(account("theirs"), A, "ours")
    by_node = after(listed, A, role=ROLE)
    assert (by_node.listed, role_of(by_node)) == (("theirs",), ROLE)
    back = after(by_node, A, "ours")
    assert (back.listed, back.annotations) == (listed.listed, listed.annotations)


def test_an_account_has_one_role() -> None:
    asked = after(account(annotations={ROLE_ANNOTATION: OTHER}), A, role=ROLE)
    assert claims.find_rival(asked, B, OTHER) == ("p/dev/sa", ROLE)
    assert claims.find_rival(asked, B, ROLE) is None
    assert claims.find_rival(asked, A, OTHER) is None
    assert claims.find_rival(asked, A_NEXT, OTHER) is None
    assert claims.find_rival(after(account(), A, "ours"), B, ROLE) is None
