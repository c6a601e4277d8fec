"""Names in ServiceAccounts' lists without a Secret: named where that is certain, asked for with few requests."""

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from imagepull.errors import ClusterError, Forbidden, RequestUnanswered
from imagepull.kubernetes.kinds import SECRET
from imagepull.service_accounts.claims import Account
from imagepull.service_accounts.missing_secrets import describe_missing_secrets, read_missing_secrets
from imagepull.service_accounts.secret_lookup import find_missing_secrets


class Requests:
    """A cluster with Secrets, or one that refuses; keeps what it is asked."""

    def __init__(self, *there: tuple[str, str], refusals: Mapping[str, ClusterError] | None = None) -> None:
        self.there = there
        self.refusals = refusals or {}
        self.asked: list[str] = []

    async def list(self, kind: object, *, name: str, parse: Any) -> list[object]:
        assert kind is SECRET
        self._answer("list", name)
        return [parse({"metadata": {"namespace": n, "name": each}}) for n, each in self.there if each == name]

    async def get(self, kind: object, name: str, namespace: str) -> object | None:
        assert kind is SECRET
        self._answer("get", f"{namespace}/{name}")
        return object() if (namespace, name) in self.there else None

    def _answer(self, verb: str, what: str) -> None:
        self.asked.append(f"{verb} {what}")
        for asked in (verb, what):
            if (error := self.refusals.get(asked)) is not None:
                raise error


def account(namespace: str, *listed: str, name: str = "default") -> Account:
    return Account(namespace=namespace, name=name, uid="u", resource_version="1", annotations={}, listed=tuple(listed))


def missing(cluster: Any, *accounts: Account) -> dict[str, list[str]]:
    return asyncio.run(find_missing_secrets(cluster, accounts, {"ours"}))


def test_names_without_a_secret_are_named_and_ours_cost_no_request() -> None:
    cluster = Requests(("a", "there"))
    assert missing(cluster, account("a", "ours"), account("b", "ours")) == {}
    assert cluster.asked == []
    assert missing(cluster, account("a", "there", "gone", "ours", "")) == {"a/default": ["gone"]}


def test_one_request_tells_of_a_name_in_many_namespaces() -> None:
    cluster = Requests(("n1", "old"))
    found = missing(cluster, *(account(f"n{number}", "old") for number in range(100)))
    assert cluster.asked == ["list old"]
    assert "n1/default" not in found
    assert len(found) == 99


def test_where_the_cluster_may_not_be_listed_each_namespace_is_asked_and_a_refusal_is_no_absence() -> None:
    forbidden = Forbidden("no", status=403)
    cluster = Requests(("b", "old"), refusals={"list": forbidden, "c/old": forbidden})
    found = missing(cluster, account("a", "old"), account("b", "old"), account("c", "old"))
    assert found == {"a/default": ["old"]}


@pytest.mark.parametrize("verb", ["list", "get"])
def test_a_cluster_that_does_not_answer_says_nothing_and_fails_nothing(verb: str) -> None:
    cluster = Requests(refusals={verb: RequestUnanswered("late")})
    accounts = [account(place, "old") for place in (("a", "b") if verb == "list" else ("a",))]
    assert missing(cluster, *accounts) == {}
    assert len(cluster.asked) == 1


def test_a_name_that_no_secret_can_have_is_in_no_request_and_shown_as_harmless() -> None:
    hostile = (
        "../../kube-system/secrets/x",
        "a,metadata.namespace=b",
        "\x1b[31mred\nerror: forged",
        "password=hunter2",
    )
    cluster = Requests()
    (shown,) = missing(cluster, account("a", *hostile)).values()
    assert cluster.asked == []
    assert len(shown) == len(hostile)
    assert all(each.isprintable() for each in shown)
    assert "hunter2" not in str(shown)


def test_an_account_with_thousands_of_names_does_not_cost_thousands_of_requests() -> None:
    cluster = Requests()
    assert len(missing(cluster, account("a", *(f"old-{number}" for number in range(5000))))["a/default"]) <= 20
    assert len(cluster.asked) <= 20


def test_namespaces_that_list_the_same_are_one_sentence() -> None:
    (sentence,) = describe_missing_secrets({"a/default": ["old"], "b/default": ["old"]})
    assert sentence.startswith("2 namespaces a, b: ServiceAccount default lists old, and no such Secret is there; if ")


def test_a_state_that_somebody_wrote_by_hand_is_read() -> None:
    assert read_missing_secrets({"a/default": ["old", 5], "b/default": "text", 3: []}) == {"a/default": ["old"]}
    assert read_missing_secrets(None) == {}
