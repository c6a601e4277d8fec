"""Writing and releasing ServiceAccounts, and what a refresh and an import find, in a cluster in memory."""

import asyncio
from collections.abc import Collection, Coroutine, Iterable
from dataclasses import replace
from typing import Any, TypeVar, cast

import pytest

from imagepull.errors import ClusterError
from imagepull.kubernetes.client import Cluster
from imagepull.kubernetes.kinds import Kind
from imagepull.kubernetes.objects import KubernetesObject
from imagepull.kubernetes.ownership import Owner
from imagepull.service_accounts import reader as account_reader
from imagepull.service_accounts import spec as service_accounts
from imagepull.service_accounts import writer as account_writer
from imagepull.service_accounts.claims import ROLE_ANNOTATION, Account
from imagepull.service_accounts.spec import AccountsSpec
from imagepull.service_accounts.writer import AccountsOutcome
from tests.provider.engine_model import Heard
from tests.provider.fake_cluster import FakeCluster, Key

T = TypeVar("T")
OURS = Owner(title="shop/dev/pull", identity="aaaaaaaaaaaaaaaa", urn="urn:pulumi:dev::shop::t::pull")
NEXT = Owner(title="shop/dev/pull", identity="bbbbbbbbbbbbbbbb", urn="urn:pulumi:dev::shop::t::pull")
BEING_DELETED = {"deletionTimestamp": "2026-01-01T00:00:00Z"}


def add_account(cluster: FakeCluster, namespace: str, name: str = "default", *listed: str, **metadata: object) -> Key:
    key = ("ServiceAccount", namespace, name)
    ids = {"name": name, "namespace": namespace, "uid": f"{namespace}-{name}"}
    cluster.store(key, {"metadata": {**ids, **metadata}, "imagePullSecrets": [{"name": each} for each in listed]})
    return key


def list_names(cluster: FakeCluster, namespace: str, name: str = "default") -> list[str]:
    return [each["name"] for each in cluster.objects["ServiceAccount", namespace, name]["imagePullSecrets"]]


def spec(
    *namespaces: str, names: tuple[str, ...] = ("pull",), accounts: tuple[str, ...] = ("default",)
) -> AccountsSpec:
    inputs = {"secretNames": [*names], "namespaces": [*namespaces], "serviceAccounts": [*accounts]}
    return service_accounts.parse(inputs)


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def as_cluster(cluster: FakeCluster) -> Cluster:
    return cast(Cluster, cluster)


def apply(
    cluster: FakeCluster, wanted: AccountsSpec, owner: Owner = OURS, previous: AccountsSpec | None = None
) -> tuple[AccountsOutcome, Heard]:
    outcome, heard = AccountsOutcome(), Heard()
    run(account_writer.apply(as_cluster(cluster), wanted, owner, previous, outcome, heard))
    return outcome, heard


def remove(cluster: FakeCluster, wanted: AccountsSpec, owner: Owner = OURS) -> tuple[AccountsOutcome, Heard]:
    outcome, heard = AccountsOutcome(), Heard()
    run(account_writer.remove(as_cluster(cluster), wanted, owner, outcome, heard))
    return outcome, heard


@pytest.fixture
def cluster() -> FakeCluster:
    cluster = FakeCluster()
    for namespace in ("a", "b"):
        add_account(cluster, namespace, "default", "theirs")
        add_account(cluster, namespace, "ci")
    return cluster


def test_names_are_appended_and_what_is_done_is_counted(cluster: FakeCluster) -> None:
    outcome, heard = apply(cluster, spec("a", "b"))

    assert list_names(cluster, "a") == list_names(cluster, "b") == ["theirs", "pull"]
    assert list_names(cluster, "a", "ci") == []
    assert (outcome.started, outcome.done, outcome.reasons) == (True, 2, [])
    assert heard.counts == [("written", 2), ("released", 0)]
    assert heard.steps == 2


def test_a_second_run_writes_nothing(cluster: FakeCluster) -> None:
    apply(cluster, spec("a"))
    before = cluster.objects["ServiceAccount", "a", "default"]

    outcome, _ = apply(cluster, spec("a"), previous=spec("a"))

    assert cluster.objects["ServiceAccount", "a", "default"] == before
    assert not outcome.started


def test_namespaces_accounts_and_names_come_and_go(cluster: FakeCluster) -> None:
    former = spec("a", "b", accounts=("default", "ci"))
    apply(cluster, former)

    outcome, heard = apply(cluster, spec("b", names=("other",)), previous=former)

    assert list_names(cluster, "a") == ["theirs"]
    assert list_names(cluster, "a", "ci") == list_names(cluster, "b", "ci") == []
    assert list_names(cluster, "b") == ["theirs", "other"]
    assert heard.counts == [("written", 1), ("released", 2)]
    assert outcome.reasons == []


def test_default_is_made_and_another_missing_account_is_named_after_all_others_are_written(
    cluster: FakeCluster,
) -> None:
    outcome, _ = apply(cluster, spec("a", "new", accounts=("default", "ci", "absent")))

    assert list_names(cluster, "new") == ["pull"]
    assert list_names(cluster, "a", "ci") == ["pull"]
    assert outcome.failures == {
        "a": "there is no ServiceAccount absent; create it first, or take it out of serviceAccounts",
        "new": "there is no ServiceAccount ci, absent; create it first, or take it out of serviceAccounts",
    }


def test_every_account_there_is(cluster: FakeCluster) -> None:
    apply(cluster, spec("a", accounts=("*",)))

    assert list_names(cluster, "a") == ["theirs", "pull"]
    assert list_names(cluster, "a", "ci") == ["pull"]
    assert list_names(cluster, "b") == ["theirs"]


def test_an_account_that_is_being_deleted_is_not_written_and_holds_up_no_release(cluster: FakeCluster) -> None:
    apply(cluster, spec("a", "b"))
    key: Key = ("ServiceAccount", "a", "default")
    found = cluster.objects[key]
    cluster.store(key, {**found, "metadata": {**found["metadata"], **BEING_DELETED}})

    outcome, _ = apply(cluster, spec("a", names=("new",)), previous=spec("a"))
    assert outcome.failures == {"a": "ServiceAccount default is being deleted; wait until it is gone"}

    outcome, heard = remove(cluster, spec("a", "b"))
    assert heard.counts == [("released", 1)]
    assert (outcome.started, outcome.reasons) == (True, [])
    assert list_names(cluster, "b") == ["theirs"]


def test_an_earlier_runs_names_are_taken_over_with_a_word(cluster: FakeCluster) -> None:
    apply(cluster, spec("a"))

    _, heard = apply(cluster, spec("a", "b"), NEXT)

    assert heard.warnings[0] == (
        "ServiceAccounts in namespace a: an earlier run of shop/dev/pull, replaced or cut short, left its names there; "
        "they are this run's now"
    )
    remove(cluster, spec("a"), OURS)
    assert list_names(cluster, "a") == ["theirs", "pull"]


def test_a_release_leaves_what_other_runs_ask_for_and_says_whose_it_is(cluster: FakeCluster) -> None:
    apply(cluster, spec("a", accounts=("default", "ci")), NEXT)
    third = replace(NEXT, identity="c" * 16)
    apply(cluster, spec("a", accounts=("ci",)), replace(third, urn=OURS.urn))
    apply(cluster, spec("b"), OURS)

    outcome, _ = remove(cluster, spec("a", "b", accounts=("default", "ci")), OURS)

    assert outcome.left == {"a": {NEXT.identity, third.identity}}
    assert list_names(cluster, "a") == ["theirs", "pull"]
    assert list_names(cluster, "b") == ["theirs"]


class Vanishing(FakeCluster):
    """Somebody deletes the account before our first write arrives; a controller may make it anew."""

    comes_back = False

    async def patch(self, kind: Kind, name: str, namespace: str, body: Any) -> KubernetesObject:
        self.objects.pop((kind.name, namespace, name), None)
        return await super().patch(kind, name, namespace, body)

    async def get(self, kind: Kind, name: str, namespace: str) -> KubernetesObject | None:
        if self.comes_back and (kind.name, namespace, name) not in self.objects:
            add_account(self, namespace, name)
            self.patch = super().patch  # type: ignore[method-assign]
            return None
        return await super().get(kind, name, namespace)


@pytest.mark.parametrize(("name", "comes_back"), [("default", False), ("ci", False), ("default", True)])
def test_an_account_that_somebody_deletes_is_waited_for_and_never_made(
    monkeypatch: pytest.MonkeyPatch, name: str, comes_back: bool
) -> None:
    monkeypatch.setattr("imagepull.service_accounts.writer._DEFAULT_POLL", 0)
    cluster = Vanishing()
    cluster.comes_back = comes_back
    add_account(cluster, "a", name)

    outcome, _ = apply(cluster, spec("a", accounts=(name,)))

    if comes_back:
        assert outcome.reasons == []
        assert list_names(cluster, "a", name) == ["pull"]
    else:
        assert outcome.failures == {
            "a": f"ServiceAccount {name} was deleted meanwhile; create it, or take it out of serviceAccounts"
        }
        assert cluster.objects == {}


def test_a_release_of_an_account_that_is_gone_is_done(cluster: FakeCluster) -> None:
    gone = Vanishing()
    add_account(gone, "a", "default")
    wanted = spec("a")
    run(account_writer.apply(as_cluster(cluster), wanted, OURS, None, AccountsOutcome(), Heard()))
    gone.objects = cluster.objects

    outcome, _ = remove(gone, wanted)

    assert outcome.reasons == []


def test_a_refresh_finds_what_is_as_it_should_be(cluster: FakeCluster) -> None:
    apply(cluster, spec("a", "b", accounts=("default", "ci")))
    add_account(cluster, "b", "ci", "theirs")

    observed = run(
        account_reader.read(as_cluster(cluster), spec("a", "b", "c", accounts=("default", "ci")), OURS, Heard())
    )

    assert (observed.intact, observed.claimed) == (["a"], ["a", "b"])


def test_a_refresh_leaves_out_what_an_earlier_run_claims(cluster: FakeCluster) -> None:
    apply(cluster, spec("a"), OURS)

    observed = run(account_reader.read(as_cluster(cluster), spec("a"), NEXT, Heard()))

    assert (observed.intact, observed.claimed) == ([], [])


def test_a_refresh_names_listed_names_without_a_secret(cluster: FakeCluster) -> None:
    heard = Heard()

    observed = run(account_reader.read(as_cluster(cluster), spec("a"), OURS, heard))

    assert observed.missing == {"a/default": ["theirs"]}
    assert len(heard.warnings) == 1
    assert "ServiceAccount default lists theirs" in heard.warnings[0]


def test_a_role_for_nodes_is_written_seen_by_a_refresh_and_taken_back(cluster: FakeCluster) -> None:
    roles = [f"arn:aws:iam::123456789012:role/{name}" for name in ("pull", "other")]
    wanted, other = (
        service_accounts.parse({"namespaces": ["a", "b"], "nodeRoleArn": role, "serviceAccounts": ["*"]})
        for role in roles
    )

    def list_roles() -> set[str | None]:
        return {each["metadata"].get("annotations", {}).get(ROLE_ANNOTATION) for each in cluster.objects.values()}

    def find_intact() -> list[str]:
        return [*run(account_reader.read(as_cluster(cluster), wanted, OURS, Heard())).intact]

    outcome, _ = apply(cluster, wanted)
    assert (outcome.done, list_roles(), list_names(cluster, "a")) == (2, {roles[0]}, ["theirs"])
    assert find_intact() == ["a", "b"]
    rival = replace(NEXT, title="else/dev/pull", urn="urn:else")
    assert (
        apply(cluster, other, rival)[0].failures["a"].startswith(f"ServiceAccount ci has role {roles[0]} of shop/dev")
    )
    cluster.objects["ServiceAccount", "a", "ci"]["metadata"]["annotations"].pop(ROLE_ANNOTATION)
    assert find_intact() == ["b"]
    apply(cluster, wanted, previous=wanted)
    assert find_intact() == ["a", "b"]
    remove(cluster, wanted)
    assert list_roles() == {None}


def test_from_the_nodes_role_to_a_secret_an_account_has_both_until_earlier_pods_have_their_images(
    cluster: FakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    role = "arn:aws:iam::123456789012:role/pull"
    by_node = service_accounts.parse({"namespaces": ["a", "b"], "nodeRoleArn": role})
    waits: list[list[tuple[str, str]]] = []

    def read_role(namespace: str) -> object:
        return cluster.objects["ServiceAccount", namespace, "default"]["metadata"]["annotations"].get(ROLE_ANNOTATION)

    async def wait(_: Cluster, accounts: Iterable[Account], names: Collection[str], __: object) -> None:
        waits.append([(account.namespace, account.name) for account in accounts])
        assert {*names} == {"pull"}
        for namespace in ("a", "b"):
            assert (list_names(cluster, namespace), read_role(namespace)) == (["theirs", "pull"], role)

    monkeypatch.setattr(account_writer, "wait_for_earlier_pods", wait)
    apply(cluster, by_node)
    assert waits == [], "without Secrets there is nothing to wait for"

    outcome, _ = apply(cluster, spec("a", "b"), previous=by_node)
    assert waits == [[("a", "default"), ("b", "default")]]
    assert [read_role("a"), read_role("b")] == [None, None]
    assert (list_names(cluster, "a"), outcome.failures, outcome.done) == (["theirs", "pull"], {}, 2)

    # Cut short before the role was taken away, the next `up` takes it away.
    both = service_accounts.parse({"namespaces": ["a", "b"], "secretNames": ["pull"], "nodeRoleArn": role})
    apply(cluster, both)
    assert read_role("a") == role
    apply(cluster, spec("a", "b"), previous=both)
    assert (len(waits), read_role("a"), read_role("b")) == (1, None, None)

    apply(cluster, by_node, previous=spec("a", "b"))
    assert (len(waits), list_names(cluster, "a"), read_role("a")) == (1, ["theirs"], role)


def test_an_import_finds_the_namespaces_whose_default_account_lists_all_names(cluster: FakeCluster) -> None:
    add_account(cluster, "c", "default", "one", "two")
    add_account(cluster, "b2", "default", "two", "theirs", "one")
    add_account(cluster, "d", "ci", "one", "two")

    assert run(account_reader.discover(as_cluster(cluster), ["one", "two"])) == ["b2", "c"]
    for names, told in ((["three"], "lists three"), ([], "lists no name")):
        with pytest.raises(ClusterError, match=f"no ServiceAccount default {told}; write the ID"):
            run(account_reader.discover(as_cluster(cluster), names))


def test_all_accounts_are_found_or_those_of_some_names(cluster: FakeCluster) -> None:
    def find(namespaces: list[str] | None, names: list[str]) -> set[tuple[str, str]]:
        found = run(account_writer.find(as_cluster(cluster), namespaces, names))
        assert found.denied == {}
        return {*found.accounts}

    assert find(None, ["default"]) == {("a", "default"), ("b", "default")}
    assert find(["a"], ["*"]) == {("a", "default"), ("a", "ci")}
    assert find(["b"], ["ci", "absent"]) == {("b", "ci")}
