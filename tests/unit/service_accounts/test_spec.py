"""Our names in a ServiceAccount's atomic list: appended, never in place of others' entries."""

from typing import Any

import pytest

from imagepull.errors import InvalidInput
from imagepull.inputs import UNKNOWN
from imagepull.kubernetes.ownership import Owner
from imagepull.service_accounts import spec as service_accounts
from imagepull.service_accounts.spec import ALL, Account

A, B = Owner(title="p/dev/sa"), Owner(title="q/dev/sa")


def account(*listed: str, annotations: dict[str, str] | None = None) -> Account:
    return Account(
        namespace="n", name="default", resource_version="1", annotations=annotations or {}, listed=tuple(listed)
    )


def after(before: Account | None, owner: Owner, *names: str) -> Account:
    """The account once the owner's write has been applied."""
    body: Any = service_accounts.write(before, owner, names)
    if body is None:
        assert before is not None
        return before
    if before is not None:
        assert body["metadata"]["resourceVersion"] == before.resource_version
    old = before or account()
    annotations = {**old.annotations, **body["metadata"].get("annotations", {})}
    listed = [entry["name"] for entry in body["imagePullSecrets"]] if "imagePullSecrets" in body else old.listed
    return account(*listed, annotations={key: text for key, text in annotations.items() if text is not None})


def test_names_are_appended_in_order_behind_what_is_there() -> None:
    assert after(account("theirs", "z"), A, "b", "a").listed == ("theirs", "z", "b", "a")


def test_the_same_again_is_no_request() -> None:
    assert service_accounts.write(after(account("theirs"), A, "ours"), A, ["ours"]) is None


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
    assert after(removed, A, "ours").listed == ("theirs", "ours")


def test_a_broken_mark_is_read_as_none() -> None:
    key = next(iter(after(account(), A, "ours").annotations))
    for text in ("", "5", "{}", '{"added": 1, "found": 2}'):
        assert after(account("ours", annotations={key: text}), A).listed == ("ours",)


def parsed(**inputs: object) -> service_accounts.Spec:
    return service_accounts.parse({"secretNames": ["pull"], "namespaces": ["a", "b"], **inputs})


def test_the_default_account_is_the_default() -> None:
    assert parsed().accounts == ("default",)
    assert parsed(serviceAccounts=["*"]).accounts == (ALL,)


@pytest.mark.parametrize(
    ("inputs", "path"),
    [
        ({"secretNames": []}, "secretNames"),
        ({"secretNames": ["A"]}, "secretNames[0]"),
        ({"namespaces": ["a", "a b"]}, "namespaces[1]"),
        ({"serviceAccounts": ["*", "default"]}, "serviceAccounts[0]"),
        ({"serviceAccounts": "default"}, "serviceAccounts"),
        ({"accounts": ["default"]}, "accounts"),
    ],
)
def test_each_wrong_input_is_named(inputs: dict[str, object], path: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parsed(**inputs)
    assert path in [problem.path for problem in caught.value.problems]


def test_values_that_are_not_known_yet_are_no_problem() -> None:
    spec = service_accounts.parse({"secretNames": UNKNOWN, "namespaces": [UNKNOWN], "serviceAccounts": UNKNOWN})

    assert (spec.secret_names, spec.namespaces) == ((), ())


def test_a_missing_account_is_named_but_default_is_made() -> None:
    spec = parsed(serviceAccounts=["default", "ci"])
    missing = service_accounts.missing(spec, [("a", "ci")])
    assert list(missing) == ["b"]
    assert "ServiceAccount ci;" in missing["b"]


def test_every_account_there_is_and_default_where_there_is_none() -> None:
    there = [("a", "default"), ("a", "ci"), ("elsewhere", "x")]
    assert service_accounts.wanted(parsed(serviceAccounts=["*"]), there) == {"a": ["ci", "default"], "b": ["default"]}
