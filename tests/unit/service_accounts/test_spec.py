"""What ServiceAccountImagePullSecrets mean."""

import pytest

from imagepull.errors import InvalidInput
from imagepull.inputs import UNKNOWN
from imagepull.service_accounts import spec as service_accounts
from imagepull.service_accounts.spec import ALL


def parsed(**inputs: object) -> service_accounts.AccountsSpec:
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
        ({"nodeRoleArn": "pull"}, "nodeRoleArn"),
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
    missing = service_accounts.find_missing_accounts(spec, [("a", "ci")])
    assert missing == {"b": ["ci"]}


def test_every_account_there_is_and_default_where_there_is_none() -> None:
    there = [("a", "default"), ("a", "ci"), ("elsewhere", "x")]
    assert service_accounts.choose_accounts(parsed(serviceAccounts=["*"]), there) == {
        "a": ["ci", "default"],
        "b": ["default"],
    }


def test_another_order_is_no_difference() -> None:
    old = {"secretNames": ["a", "b"], "namespaces": ["x", "y"], "serviceAccounts": ["default", "ci"]}
    new = {key: [*reversed(names)] for key, names in old.items()}
    assert service_accounts.diff(old, new) == {}


def test_a_refresh_may_have_emptied_the_recorded_inputs() -> None:
    spec = service_accounts.parse({"secretNames": [], "namespaces": []}, required=False)

    assert (spec.secret_names, spec.namespaces) == ((), ())


def test_accounts_asked_for_by_name_are_written_whether_they_are_there_or_not() -> None:
    assert service_accounts.choose_accounts(parsed(serviceAccounts=["ci"]), []) == {"a": ["ci"], "b": ["ci"]}


def test_a_role_for_nodes_needs_no_names() -> None:
    role = "arn:aws:iam::123456789012:role/pull"
    spec = service_accounts.parse({"namespaces": ["a"], "nodeRoleArn": role})
    assert (spec.secret_names, spec.node_role) == ((), role)
    assert service_accounts.parse({"namespaces": ["a"], "nodeRoleArn": UNKNOWN}).node_role == ""
    changed = {"namespaces": ["a"], "nodeRoleArn": f"{role}-2"}
    assert service_accounts.diff({"namespaces": ["a"], "nodeRoleArn": role}, changed).keys() == {"nodeRoleArn"}


@pytest.mark.parametrize("key", ["secretNames", "namespaces"])
def test_each_list_must_name_something(key: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parsed(**{key: []})
    assert [problem.path for problem in caught.value.problems] == [key]
