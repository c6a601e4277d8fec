"""Writing and removing a RegistrySecret in many namespaces, in a cluster in memory."""

import asyncio
import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest

from imagepull.errors import CredentialError
from imagepull.kubernetes.client import Cluster
from imagepull.kubernetes.kinds import Kind
from imagepull.kubernetes.objects import KubernetesObject
from imagepull.kubernetes.ownership import Owner
from imagepull.registries.docker_config import Credential
from imagepull.registries.ecr_tokens import EcrToken, TokenRequest, TokenSource
from imagepull.registries.lifetimes import Lifetime
from imagepull.registry_secret import spec as registry_secret
from imagepull.registry_secret import writer
from imagepull.registry_secret.state import Previous
from imagepull.registry_secret.writer import SecretOutcome
from tests.provider.engine_model import Heard
from tests.provider.fake_cluster import FakeCluster, Key

EU, US = (f"123456789012.dkr.ecr.{region}.amazonaws.com" for region in ("eu-west-1", "us-east-1"))
HUB = {"host": "ghcr.io", "username": "u", "password": "p"}
OWNER = Owner(title="shop/dev/pull", identity="aaaaaaaaaaaaaaaa", digest_key="key", urn="urn:1")
NEXT = Owner(title="shop/dev/pull", identity="bbbbbbbbbbbbbbbb", digest_key="other", urn="urn:1")


class Aws:
    """Gives tokens that live for so many hours, by region; no token where there is no number."""

    def __init__(self, **hours: float) -> None:
        self.hours = {region.replace("_", "-"): number for region, number in hours.items()}

    async def get(self, request: TokenRequest) -> EcrToken:
        if request.region not in self.hours:
            raise CredentialError(str(request), "AWS does not answer", "try again")
        issued = datetime.now(UTC).replace(microsecond=0)
        lifetime = Lifetime(issued=issued, expires=issued + timedelta(hours=self.hours[request.region]))
        return EcrToken(credential=Credential(username="AWS", password=f"of {request.region}"), lifetime=lifetime)


BOTH = Aws(eu_west_1=12, us_east_1=11)


class Run:
    """What became of one run."""

    def __init__(self) -> None:
        self.outcome, self.heard = SecretOutcome(), Heard()


def apply(
    cluster: FakeCluster,
    *namespaces: str,
    aws: Aws = BOTH,
    owner: Owner = OWNER,
    previous: Previous | None = None,
    registries: tuple[Mapping[str, str], ...] = ({"host": EU}, {"host": US}),
    **inputs: object,
) -> Run:
    given = {"name": "pull", "namespaces": [*namespaces], "registries": [*registries], **inputs}
    done, wanted = Run(), registry_secret.parse(given)
    asyncio.run(
        writer.apply(
            cast(Cluster, cluster),
            cast(TokenSource, aws),
            wanted,
            owner,
            previous or Previous(),
            done.outcome,
            done.heard,
        )
    )
    return done


def remove(cluster: FakeCluster, previous: Previous, owner: Owner = OWNER, **more: Any) -> Run:
    done = Run()
    asyncio.run(writer.remove(cast(Cluster, cluster), "pull", owner, previous, done.outcome, done.heard, **more))
    return done


def state_of(done: Run, *namespaces: str, hosts: tuple[str, ...] = (EU, US)) -> Previous:
    """What Pulumi's state knows after a run."""
    return Previous(namespaces=namespaces, uids=dict(done.outcome.uids), hosts=hosts)


def places(cluster: FakeCluster) -> list[str]:
    return sorted(namespace for _, namespace, _ in cluster.objects)


def passwords(cluster: FakeCluster, namespace: str) -> dict[str, str]:
    data = cluster.objects["Secret", namespace, "pull"]["data"][".dockerconfigjson"]
    return {host: entry["password"] for host, entry in json.loads(base64.b64decode(data))["auths"].items()}


def change_metadata(cluster: FakeCluster, namespace: str, **metadata: object) -> None:
    key: Key = ("Secret", namespace, "pull")
    found = cluster.objects[key]
    cluster.store(key, {**found, "metadata": {**found["metadata"], **metadata}})


def test_every_namespace_has_every_entry_and_the_state_learns_uids_and_lifetimes() -> None:
    cluster = FakeCluster()
    done = apply(cluster, "a", "b", registries=({"host": EU}, {"host": US}, HUB))

    assert passwords(cluster, "a") == passwords(cluster, "b")
    assert passwords(cluster, "a") == {EU: "of eu-west-1", US: "of us-east-1", "ghcr.io": "p"}
    assert done.outcome.uids == {place: cluster.objects["Secret", place, "pull"]["metadata"]["uid"] for place in "ab"}
    assert {host: each.seconds / 3600 for host, each in done.outcome.lifetimes.items()} == {EU: 12, US: 11}
    assert (done.outcome.started, done.outcome.done, done.outcome.reasons) == (True, 2, [])
    assert done.heard.counts == [("written", 2), ("deleted", 0)]
    assert done.heard.warnings == []


def test_namespaces_come_and_go_and_the_state_follows() -> None:
    cluster = FakeCluster()
    known = state_of(apply(cluster, "a", "b", "gone"), "a", "b", "gone")
    del cluster.objects["Secret", "gone", "pull"]

    done = apply(cluster, "b", "c", previous=known)

    assert places(cluster) == ["b", "c"]
    assert done.outcome.uids.keys() == {"b", "c"}
    assert done.outcome.uids["b"] == known.uids["b"]
    assert done.heard.counts == [("written", 2), ("deleted", 1)]


def test_the_shortest_lifetime_counts_where_namespaces_differ() -> None:
    outcome = SecretOutcome()
    now = datetime.now(UTC)
    for hours in (5, 3, 4):
        outcome.note_lifetimes({EU: Lifetime(issued=now, expires=now + timedelta(hours=hours))})
    assert outcome.lifetimes[EU].seconds == 3 * 3600


def test_where_aws_fails_the_token_that_lives_stays_and_the_cause_is_told() -> None:
    cluster = FakeCluster()
    known = state_of(apply(cluster, "a"), "a")

    done = apply(cluster, "a", "b", previous=known, aws=Aws(eu_west_1=12))

    assert passwords(cluster, "b") == {EU: "of eu-west-1", US: "of us-east-1"}
    assert done.outcome.reasons == []
    (warning,) = done.heard.warnings
    assert warning.startswith(f"{US}: AWS does not answer; its earlier token stays, ")
    assert warning.endswith("; try again")


def test_without_a_living_token_the_registry_is_a_problem_and_the_others_are_written() -> None:
    cluster = FakeCluster()
    done = apply(cluster, "a", aws=Aws(eu_west_1=12))

    assert passwords(cluster, "a") == {EU: "of eu-west-1"}
    assert done.outcome.reasons == [
        f"{US}: AWS does not answer, and no earlier token of it is alive; try again",
    ]


def test_without_any_credential_nothing_is_written_or_removed() -> None:
    cluster = FakeCluster()
    known = state_of(apply(cluster, "a", aws=Aws(eu_west_1=0, us_east_1=0)), "a")
    before = dict(cluster.objects)

    done = apply(cluster, "b", previous=known, aws=Aws())

    assert cluster.objects == before
    assert not done.outcome.started
    assert len(done.outcome.problems) == 2
    assert done.outcome.uids == known.uids


def test_a_refused_namespace_holds_up_no_other_and_a_failed_one_is_left_alone() -> None:
    cluster = FakeCluster()
    apply(cluster, "theirs", owner=Owner(title="x/y/z", identity="c" * 16, digest_key="k"))

    done = apply(cluster, "a", "theirs")

    assert done.outcome.failures.keys() == {"theirs"}
    assert "belongs to x/y/z" in done.outcome.failures["theirs"]
    assert done.outcome.uids.keys() == {"a"}
    failed = Run()
    failed.outcome.failures["b"] = "no"
    spec = registry_secret.parse({"name": "pull", "namespaces": ["b"], "registries": [HUB]})
    asyncio.run(
        writer.apply(
            cast(Cluster, cluster), cast(TokenSource, BOTH), spec, OWNER, Previous(), failed.outcome, failed.heard
        )
    )
    assert "b" not in places(cluster)


def test_what_an_earlier_run_left_is_taken_over_with_one_sentence_for_all() -> None:
    cluster = FakeCluster()
    apply(cluster, "a", "b")

    done = apply(cluster, "a", "b", owner=NEXT)

    (warning,) = done.heard.warnings
    assert warning.startswith("Secret pull in 2 namespaces a, b: another run of shop/dev/pull wrote it")


class Dying(FakeCluster):
    """A Secret that is being deleted goes after some looks; None for never."""

    looks: int | None = 2

    async def get(self, kind: Kind, name: str, namespace: str) -> KubernetesObject | None:
        found = await super().get(kind, name, namespace)
        if found is not None and found.being_deleted and self.looks is not None:
            self.looks -= 1
            if self.looks <= 0:
                del self.objects[kind.name, namespace, name]
        return found


@pytest.mark.parametrize(
    ("finalizers", "held"), [(["example.com/hold", "x/y"], ", and example.com/hold, x/y holds that up"), ([], "")]
)
def test_a_secret_that_is_being_deleted_is_waited_for_and_made_anew(
    monkeypatch: pytest.MonkeyPatch, finalizers: list[str], held: str
) -> None:
    monkeypatch.setattr("imagepull.registry_secret.writer._DELETION_POLL", 0)
    cluster = Dying()
    known = state_of(apply(cluster, "a", "b"), "a", "b")
    change_metadata(cluster, "a", deletionTimestamp="2026-01-01T00:00:00Z", finalizers=finalizers)

    done = apply(cluster, "a", "b", previous=known)
    assert done.outcome.reasons == []
    assert done.outcome.uids["a"] != known.uids["a"]
    assert done.outcome.uids["b"] == known.uids["b"]

    cluster.looks = None
    change_metadata(cluster, "a", deletionTimestamp="2026-01-01T00:00:00Z", finalizers=finalizers)
    done = apply(cluster, "a", "b", previous=state_of(done, "a", "b"))
    assert done.outcome.failures == {
        "a": f"Secret pull is being deleted{held}; wait until it is gone, or take its finalizers away"
    }


def test_remove_deletes_what_is_ours_and_leaves_what_others_have_in_it() -> None:
    cluster = FakeCluster()
    known = state_of(apply(cluster, "a", "b", "c"), "a", "b", "c")
    found = cluster.objects["Secret", "b", "pull"]
    cluster.store(("Secret", "b", "pull"), {**found, "data": {**found["data"], "ca.crt": "eA=="}})
    change_metadata(cluster, "c", deletionTimestamp="2026-01-01T00:00:00Z", finalizers=["x/y"])

    done = remove(cluster, known)

    assert places(cluster) == ["b", "c"]
    assert passwords(cluster, "b") == {}
    assert done.outcome.reasons == []
    assert done.heard.counts == [("deleted", 2)]
    assert done.outcome.uids.keys() == {"c"}


class Meddling(FakeCluster):
    """A cluster in which somebody else writes to a Secret between our look at it and our deletion, once."""

    def __init__(self, others: Mapping[str, object]) -> None:
        super().__init__()
        self.preconditions: list[Mapping[str, str]] = []
        self._others = others

    async def delete(self, kind: Kind, name: str, namespace: str, **preconditions: Any) -> None:
        self.preconditions.append(preconditions)
        key = (kind.name, namespace, name)
        others, self._others = self._others, {}
        if others:
            self.store(key, {**self.objects[key], **others})
        await super().delete(kind, name, namespace, **preconditions)


@pytest.mark.parametrize(
    ("others", "left"),
    [
        ({"data": {"theirs": "YQ=="}}, ["theirs", ".dockerconfigjson"]),  # theirs; the type asks for ours, empty
        ({"metadata": {"name": "pull", "namespace": "a", "uid": "theirs"}}, [".dockerconfigjson"]),  # another Secret
        ({"immutable": False}, None),  # nothing that anybody would miss
    ],
)
def test_remove_judges_a_secret_anew_that_somebody_changed_a_moment_before(
    others: dict[str, object], left: list[str] | None
) -> None:
    cluster = Meddling(others)
    known = state_of(apply(cluster, "a"), "a")
    version = cluster.objects["Secret", "a", "pull"]["metadata"]["resourceVersion"]

    done = remove(cluster, known)

    assert cluster.preconditions[0] == {"uid": known.uids["a"], "resource_version": version}
    assert done.outcome.started
    found = cluster.objects.get(("Secret", "a", "pull"))
    assert (None if found is None else [*found["data"]]) == left


def test_remove_leaves_what_another_run_wrote_and_says_whose_it_is() -> None:
    cluster = FakeCluster()
    known = state_of(apply(cluster, "a", "b"), "a", "b")
    apply(cluster, "a", owner=NEXT)

    done = remove(cluster, known)

    assert done.outcome.left == {"a": {NEXT.identity}}
    assert places(cluster) == ["a"]


def test_remove_hands_a_secret_over_to_another_resource_that_asks_for_it() -> None:
    cluster = FakeCluster()
    known = state_of(apply(cluster, "a", "b"), "a", "b")
    before = passwords(cluster, "a")
    heir = Owner(title="shop/dev/other", identity="dddddddddddddddd", digest_key="heir's")

    done = remove(cluster, known, heirs={"a": heir})

    assert places(cluster) == ["a"]
    assert passwords(cluster, "a") == before
    found = cluster.objects["Secret", "a", "pull"]["metadata"]
    assert (found["labels"]["imagepull/identity"], found["labels"]["imagepull/owner"]) == (heir.identity, heir.key)
    assert found["annotations"]["imagepull/owned-by"] == heir.title
    assert (found["uid"], done.outcome.reasons, done.outcome.uids) == (known.uids["a"], [], {})
    remove(cluster, Previous(namespaces="a"), owner=heir)
    assert places(cluster) == []


def test_secrets_are_found_in_all_namespaces_or_in_some() -> None:
    cluster = FakeCluster()
    apply(cluster, "a", "b")

    for namespaces, expected in ((None, {"a", "b"}), (["b", "c"], {"b"})):
        found = asyncio.run(writer.find(cast(Cluster, cluster), "pull", namespaces))
        assert ({*found.secrets}, {*found.denied}) == (expected, set())
    assert asyncio.run(writer.find(cast(Cluster, cluster), "other", None)).secrets == {}
