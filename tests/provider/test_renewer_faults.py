"""A renewer that is killed at any write, and namespaces that go while it runs: nothing is lost, the next run heals."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from imagepull.kubernetes.objects import KubernetesObject
from imagepull.kubernetes.ownership import Owner
from imagepull.registries.docker_config import Credential
from imagepull.registries.ecr_tokens import EcrToken, TokenRequest, TokenSource
from imagepull.registries.lifetimes import Lifetime
from imagepull.registry_secret import secret_object, spec
from imagepull.registry_secret.existing import Existing
from imagepull.registry_secret.secret_object import SecretGoal
from imagepull.registry_secret.trust import TrustedEntry
from imagepull.renewal import document, renewer
from imagepull.renewal.renewer import Options, SecretResult
from tests.provider.fake_cluster import FakeCluster, Killed

HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
NAMESPACES = [f"team-{number}" for number in range(40)]
OWNER = Owner(title="shop/prod/pull", identity="0123456789abcdef", digest_key="ab" * 16)
INPUTS = {"name": "pull", "namespaces": NAMESPACES, "registries": [{"host": HOST}]}
Ask = Callable[[TokenRequest], EcrToken]


@pytest.fixture
def cluster() -> FakeCluster:
    """A cluster in which every token is half dead, and so due."""
    found = FakeCluster()
    now = datetime.now(UTC)
    lifetime = Lifetime(issued=now - timedelta(hours=7), expires=now + timedelta(hours=5))
    entry = TrustedEntry(credential=Credential(username="AWS", password="old"), lifetime=lifetime)
    goal = SecretGoal(spec=spec.parse(INPUTS), owner=OWNER, fresh={HOST: entry}, now=now)
    request = secret_object.write(None, goal).change
    assert request is not None
    for namespace in NAMESPACES:
        metadata = {**request.body["metadata"], "name": "pull", "namespace": namespace, "uid": f"uid-{namespace}"}
        found.store(("Secret", namespace, "pull"), {**request.body, "metadata": metadata})
    return found


@pytest.fixture
def ask() -> Ask:
    """AWS, which gives another token each time."""
    numbers = count(1)

    def give(request: TokenRequest) -> EcrToken:
        now = datetime.now(UTC)
        credential = Credential(username="AWS", password=f"new-{next(numbers)}")
        return EcrToken(credential=credential, lifetime=Lifetime(issued=now, expires=now + timedelta(hours=12)))

    return give


def renew(cluster: FakeCluster, ask: Ask) -> SecretResult:
    text = document.encode([document.describe_secret(INPUTS, OWNER.title, OWNER.identity or "", OWNER.digest_key)])
    secrets = document.add_digest_key(document.parse(text), None)
    (result,) = asyncio.run(renewer.renew(cluster, TokenSource(ask), secrets, Options()))  # type: ignore[arg-type]
    return result


def passwords(cluster: FakeCluster) -> dict[str, str]:
    secrets = [Existing.of(KubernetesObject.parse(found)) for found in cluster.objects.values()]
    return {secret.namespace: secret.credentials[HOST].password for secret in secrets}


@pytest.mark.parametrize("kill_before", [True, False])
@pytest.mark.parametrize("writes", [1, 2, 20, 39, 40])
def test_a_renewer_that_is_killed_leaves_good_tokens_and_the_next_renews_the_rest(
    cluster: FakeCluster, ask: Ask, writes: int, kill_before: bool
) -> None:
    cluster.kill_in, cluster.kill_before = writes, kill_before
    with pytest.raises(BaseExceptionGroup) as stopped:
        renew(cluster, ask)
    assert stopped.value.split(Killed)[1] is None
    half = passwords(cluster)
    arrived = {namespace for namespace, password in half.items() if password == "new-1"}
    assert len(arrived) == writes - kill_before
    assert set(half.values()) <= {"old", "new-1"}

    cluster.kill_in = None
    result = renew(cluster, ask)

    assert set(result.not_due) == arrived
    assert set(result.renewed) == set(NAMESPACES) - arrived
    assert result.failures == []
    assert "old" not in passwords(cluster).values()
    uids = {found["metadata"]["uid"] for found in cluster.objects.values()}
    assert uids == {f"uid-{namespace}" for namespace in NAMESPACES}


def test_a_namespace_that_is_deleted_during_the_run_is_told_and_holds_up_no_other(
    cluster: FakeCluster, ask: Ask
) -> None:
    def ask_while_a_namespace_goes(request: TokenRequest) -> EcrToken:
        del cluster.objects["Secret", NAMESPACES[3], "pull"]
        return ask(request)

    result = renew(cluster, ask_while_a_namespace_goes)

    assert [(each.namespace, each.reason) for each in result.failures] == [
        (NAMESPACES[3], "the Secret does not exist; `pulumi up --refresh` creates it")
    ]
    assert set(passwords(cluster).values()) == {"new-1"}
    assert len(result.renewed) == len(NAMESPACES) - 1


def test_a_secret_that_another_incarnation_takes_during_the_run_is_left_alone(cluster: FakeCluster, ask: Ask) -> None:
    place = ("Secret", NAMESPACES[3], "pull")

    def ask_while_another_takes_it(request: TokenRequest) -> EcrToken:
        found = cluster.objects[place]
        labels = {**found["metadata"]["labels"], "imagepull/identity": "fedcba9876543210"}
        cluster.store(place, {**found, "metadata": {**found["metadata"], "labels": labels}})
        return ask(request)

    result = renew(cluster, ask_while_another_takes_it)

    assert [each.namespace for each in result.failures] == [NAMESPACES[3]]
    assert "does not carry the identity in the document" in result.failures[0].reason
    assert passwords(cluster)[NAMESPACES[3]] == "old"
