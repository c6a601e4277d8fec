"""What a refresh and an import find in the cluster."""

import asyncio
from datetime import timedelta
from typing import Any, cast

import pytest

from imagepull.errors import ClusterError, Forbidden
from imagepull.kubernetes.client import Cluster
from imagepull.kubernetes.kinds import EVERY_NAMESPACE, Kind
from imagepull.kubernetes.objects import KubernetesObject
from imagepull.kubernetes.ownership import Owner
from imagepull.registry_secret import reader
from imagepull.registry_secret import spec as registry_secret
from imagepull.registry_secret.reader import Discovered, ObservedSecrets
from imagepull.registry_secret.state import Previous
from tests.provider.engine_model import Heard
from tests.provider.fake_cluster import FakeCluster
from tests.unit.registry_secret.test_writer import EU, HUB, NEXT, OWNER, US, Aws, apply, change_metadata, state_of

NEXT_AFTER = Owner(title="shop/dev/pull", identity="dddddddddddddddd", digest_key="third")
THEIRS = Owner(title="x/y/z", identity="cccccccccccccccc", digest_key="k")


def read(
    cluster: FakeCluster, previous: Previous, *namespaces: str, owner: Owner = OWNER
) -> tuple[ObservedSecrets, list[str]]:
    """What a refresh finds, and what it says."""
    heard = Heard()
    given = {"name": "pull", "namespaces": [*namespaces], "registries": [{"host": EU}, {"host": US}]}
    spec = registry_secret.parse(given)
    return asyncio.run(reader.read(cast(Cluster, cluster), spec, owner, previous, heard)), heard.warnings


def discover(cluster: FakeCluster, owner: Owner = OWNER) -> tuple[Discovered, list[str]]:
    """What an import finds, and what it says."""
    heard = Heard()
    return asyncio.run(reader.discover(cast(Cluster, cluster), "pull", owner, heard)), heard.warnings


def drop(cluster: FakeCluster, namespace: str) -> None:
    del cluster.objects["Secret", namespace, "pull"]


class Withheld(FakeCluster):
    """A cluster that may be looked into namespace by namespace, except for one."""

    async def list(self, kind: Kind, *, namespace: str = EVERY_NAMESPACE, **rest: Any) -> list[Any]:
        if namespace == EVERY_NAMESPACE:
            raise Forbidden("RBAC forbids it", status=403)
        return await super().list(kind, namespace=namespace, **rest)

    async def get(self, kind: Kind, name: str, namespace: str) -> KubernetesObject | None:
        if namespace == "closed":
            raise Forbidden("RBAC forbids it", status=403)
        return await super().get(kind, name, namespace)


def test_secrets_as_they_should_be_are_intact_and_nothing_is_said() -> None:
    cluster = FakeCluster()
    known = state_of(apply(cluster, "a", "b"), "a", "b")

    found, warnings = read(cluster, known, "b", "a")

    assert (found.uids, list(found.intact), warnings) == (known.uids, ["b", "a"], [])
    assert {host: each.seconds / 3600 for host, each in found.lifetimes.items()} == {EU: 12, US: 11}


def test_a_refresh_takes_the_shortest_lifetime_of_the_secrets_that_are_intact() -> None:
    cluster = FakeCluster()
    long, short = Aws(eu_west_1=12, us_east_1=12), Aws(eu_west_1=3, us_east_1=5)
    uids = {
        place: apply(cluster, place, aws=aws).outcome.uids[place]
        for place, aws in {"a": long, "b": short, "c": Aws(eu_west_1=1, us_east_1=1)}.items()
    }
    change_metadata(cluster, "c", annotations={})

    found, warnings = read(cluster, Previous(namespaces="abc", uids=uids, hosts=(EU, US)), "a", "b", "c")

    assert {host: each.seconds / 3600 for host, each in found.lifetimes.items()} == {EU: 3, US: 5}
    assert list(found.intact) == ["a", "b"]
    assert found.uids == uids
    assert warnings == [f"Secret pull in namespace c: how long its token of {EU} lives is not known"]


def test_a_secret_that_is_gone_is_not_intact_and_its_namespace_is_due() -> None:
    cluster = FakeCluster()
    known = state_of(apply(cluster, "a", "b"), "a", "b")
    drop(cluster, "a")

    found, warnings = read(cluster, known, "a", "b")

    assert ([*found.uids], list(found.intact), warnings) == (["b"], ["b"], [])


def test_a_secret_in_a_namespace_that_the_state_does_not_know_is_not_read() -> None:
    cluster = FakeCluster()
    apply(cluster, "a", "elsewhere")

    found, _ = read(cluster, Previous(namespaces=["a"]), "a")

    assert found.uids.keys() == {"a"}


@pytest.mark.parametrize("taker", [NEXT, THEIRS])
def test_a_secret_that_another_marked_is_not_intact_and_stays_known(taker: Owner) -> None:
    cluster = FakeCluster()
    known = state_of(apply(cluster, "a", "b"), "a", "b")
    apply(cluster, "a", owner=taker, adopt=True)

    found, warnings = read(cluster, known, "a", "b")

    assert (found.uids, list(found.intact)) == (known.uids, ["b"])
    assert warnings == ["Secret pull in namespace a: it carries another owner's mark; the next update says whose it is"]
    assert found.lifetimes.keys() == {EU, US}


@pytest.mark.parametrize("taker", [NEXT, THEIRS])
def test_a_new_secret_of_another_in_place_of_ours_is_neither_known_nor_spoken_of(taker: Owner) -> None:
    cluster = FakeCluster()
    known = state_of(apply(cluster, "a", "b"), "a", "b")
    drop(cluster, "a")
    apply(cluster, "a", owner=taker)

    found, warnings = read(cluster, known, "a", "b")

    assert ([*found.uids], list(found.intact), warnings) == (["b"], ["b"], [])


def test_a_namespace_that_may_not_be_looked_into_is_taken_to_be_as_it_was() -> None:
    cluster = Withheld()
    known = state_of(apply(cluster, "a"), "a")
    known = Previous(namespaces=["a", "closed"], uids={**known.uids, "closed": "uid-closed"}, hosts=known.hosts)

    found, warnings = read(cluster, known, "a", "closed")

    assert (found.uids, list(found.intact)) == (known.uids, ["a", "closed"])
    assert warnings == ["Secret pull in namespace closed: RBAC forbids it"]


def test_a_token_is_believed_to_live_no_longer_than_it_can() -> None:
    cluster = FakeCluster()
    known = state_of(apply(cluster, "a", aws=Aws(eu_west_1=300, us_east_1=2)), "a")

    found, _ = read(cluster, known, "a")

    lifetime = found.lifetimes[EU]
    assert timedelta(hours=11) < lifetime.expires - lifetime.issued <= timedelta(hours=12, seconds=5)


def test_an_import_takes_every_pull_secret_of_the_name_with_its_ecr_hosts_and_identity() -> None:
    cluster = FakeCluster()
    done = apply(cluster, "a", "b", registries=({"host": US}, {"host": EU}, HUB))
    opaque = {"name": "pull", "namespace": "c", "uid": "u"}
    cluster.store(("Secret", "c", "pull"), {"metadata": opaque, "type": "Opaque", "data": {}})

    found, warnings = discover(cluster)

    assert found == Discovered(uids=done.outcome.uids, ecr_hosts=[EU, US], identity=OWNER.identity)
    assert warnings == []


def test_an_import_takes_no_identity_from_secrets_that_do_not_agree() -> None:
    cluster = FakeCluster()
    apply(cluster, "a")
    apply(cluster, "b", owner=NEXT)

    assert discover(cluster)[0].identity is None


def test_an_import_leaves_out_what_belongs_to_others_and_says_so() -> None:
    cluster = FakeCluster()
    apply(cluster, "a")
    apply(cluster, "b", owner=THEIRS)
    apply(cluster, "c", owner=Owner(title="x/y/q", identity="e" * 16, digest_key="k"))
    change_metadata(cluster, "c", annotations={})

    found, warnings = discover(cluster)

    assert found.uids.keys() == {"a"}
    assert warnings == [
        "Secret pull in namespace b: it belongs to x/y/z, so the import leaves it out",
        "Secret pull in namespace c: it belongs to another resource, so the import leaves it out",
    ]


def test_an_import_of_nothing_but_what_belongs_to_others_is_refused() -> None:
    cluster = FakeCluster()
    apply(cluster, "a", owner=THEIRS)
    apply(cluster, "b", owner=THEIRS)

    with pytest.raises(ClusterError) as refused:
        discover(cluster)
    assert str(refused.value) == (
        "Secret pull in 2 namespaces a, b: it belongs to x/y/z. Remove it there first: two resources cannot own one "
        "Secret"
    )


@pytest.mark.parametrize("kinds", [(), ("Opaque",)])
def test_an_import_of_a_name_that_no_pull_secret_has_is_refused(kinds: tuple[str, ...]) -> None:
    cluster = FakeCluster()
    for kind in kinds:
        metadata = {"name": "pull", "namespace": "a", "uid": "u"}
        cluster.store(("Secret", "a", "pull"), {"metadata": metadata, "type": kind, "data": {}})

    with pytest.raises(ClusterError) as refused:
        discover(cluster)
    assert str(refused.value) == (
        "there is no Secret pull of type kubernetes.io/dockerconfigjson in any namespace; correct the ID"
    )
