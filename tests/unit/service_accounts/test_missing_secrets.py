"""Names in ServiceAccounts' lists without a Secret: named where that is certain, asked for with few requests."""

import asyncio
from collections.abc import Mapping

from imagepull.errors import ClusterError, ClusterUnreachable, Forbidden, RequestUnanswered
from imagepull.service_accounts.claims import Account
from imagepull.service_accounts.missing_secrets import describe_missing_secrets, read_missing_secrets
from imagepull.service_accounts.secret_lookup import find_missing_secrets
from tests.readable_cluster import ReadableCluster


def cluster_with(*there: tuple[str, str], refusals: Mapping[str, ClusterError] | None = None) -> ReadableCluster:
    """A cluster with Secrets. `refusals`: the error by verb, or by `NAMESPACE/NAME` of a read."""
    secrets = [
        {"kind": "Secret", "metadata": {"namespace": space, "name": name, "uid": "u", "resourceVersion": "1"}}
        for space, name in there
    ]
    errors = refusals or {}
    return ReadableCluster(
        *secrets, refuse=lambda asked: errors.get(asked.verb) or errors.get(f"{asked.namespace}/{asked.name}")
    )


def account(namespace: str, *listed: str, name: str = "default") -> Account:
    return Account(namespace=namespace, name=name, uid="u", resource_version="1", annotations={}, listed=tuple(listed))


def missing(cluster: ReadableCluster, *accounts: Account) -> dict[str, list[str]]:
    return asyncio.run(find_missing_secrets(cluster.cluster, accounts, {"ours"}))


def test_names_without_a_secret_are_named_and_ours_cost_no_request() -> None:
    cluster = cluster_with(("a", "there"))
    assert missing(cluster, account("a", "ours"), account("b", "ours")) == {}
    assert cluster.requests == []
    assert missing(cluster, account("a", "there", "gone", "ours", "")) == {"a/default": ["gone"]}


def test_one_request_tells_of_a_name_in_many_namespaces() -> None:
    cluster = cluster_with(("n1", "old"))
    found = missing(cluster, *(account(f"n{number}", "old") for number in range(100)))
    assert [(each.verb, each.name) for each in cluster.requests] == [("list", "old")]
    assert "n1/default" not in found
    assert len(found) == 99


def test_where_the_cluster_may_not_be_listed_each_namespace_is_asked_and_a_refusal_is_no_absence() -> None:
    forbidden = Forbidden("no", status=403)
    cluster = cluster_with(("b", "old"), refusals={"list": forbidden, "c/old": forbidden})
    found = missing(cluster, account("a", "old"), account("b", "old"), account("c", "old"))
    assert found == {"a/default": ["old"]}


def test_a_cluster_that_does_not_answer_says_nothing_and_fails_nothing() -> None:
    late, gone = RequestUnanswered("late"), ClusterUnreachable("gone")
    cluster = cluster_with(refusals={"list": late, "a/old": late})
    assert missing(cluster, account("a", "old"), account("b", "old")) == {"b/default": ["old"]}
    for verb, places in (("list", "ab"), ("get", "a")):
        cluster = cluster_with(refusals={verb: gone})
        assert missing(cluster, *(account(place, "old") for place in places)) == {}
        assert len(cluster.requests) == 1


def test_a_name_that_no_secret_can_have_is_in_no_request_and_shown_as_harmless() -> None:
    hostile = (
        "../../kube-system/secrets/x",
        "a,metadata.namespace=b",
        "\x1b[31mred\nerror: forged",
        "password=hunter2",
    )
    cluster = cluster_with()
    (shown,) = missing(cluster, account("a", *hostile)).values()
    assert cluster.requests == []
    assert len(shown) == len(hostile)
    assert all(each.isprintable() for each in shown)
    assert "hunter2" not in str(shown)


def test_an_account_with_thousands_of_names_does_not_cost_thousands_of_requests() -> None:
    cluster = cluster_with()
    assert len(missing(cluster, account("a", *(f"old-{number}" for number in range(5000))))["a/default"]) <= 20
    assert len(cluster.requests) <= 20


def test_namespaces_that_list_the_same_are_one_sentence() -> None:
    (sentence,) = describe_missing_secrets({"a/default": ["old"], "b/default": ["old"]})
    assert sentence.startswith("2 namespaces a, b: ServiceAccount default lists old, and no such Secret is there; if ")


def test_a_state_that_somebody_wrote_by_hand_is_read() -> None:
    assert read_missing_secrets({"a/default": ["old", 5], "b/default": "text", 3: []}) == {"a/default": ["old"]}
    assert read_missing_secrets(None) == {}
