"""The plugin against an API server that misbehaves: retried within bounds, and told in one sentence."""

import asyncio
import itertools
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lab.processes import wait_until
from tests.provider.faulty_api import Fault, FaultyApi
from tests.provider.plugin import ACCOUNTS, SECRET, Plugin, Refused, with_plugin

FIXED = {"host": "ghcr.io", "username": "u", "password": "correct-horse"}
NAMES = [f"n{number}" for number in range(70)]
INPUTS: dict[str, Any] = {"name": "pull", "namespaces": NAMES, "registries": [FIXED]}


async def create(one: Plugin) -> dict[str, object]:
    return await one.create(SECRET, INPUTS)


@pytest.mark.parametrize(
    "fault",
    [
        Fault(status=429, headers={"Retry-After": "0"}),
        Fault(status=500),
        Fault(status=503),
        Fault(status=504),
        Fault(status=None),
    ],
    ids=["429", "500", "503", "504", "connection lost"],
)
def test_passing_faults_are_retried(tmp_path: Path, fault: Fault) -> None:
    turn = itertools.count()
    api = FaultyApi(fault=lambda method, path: fault if next(turn) % 3 == 1 else None)
    outputs = with_plugin(api, tmp_path, create)
    assert set(outputs["uids"]) == set(NAMES)
    assert len(api.objects) == len(NAMES)


def test_a_write_that_arrived_though_its_answer_was_lost_is_not_made_twice(tmp_path: Path) -> None:
    api = FaultyApi()
    lost = iter([True])

    def fault(method: str, path: str) -> Fault | None:
        if method == "POST" and "/n7/" in path and next(lost, False):
            api.objects["secrets", "n7", "pull"] = _written("n7")
            return Fault(status=None)
        return None

    api.fault = fault
    outputs = with_plugin(api, tmp_path, create)
    assert outputs["uids"]["n7"] == "theirs-or-ours"


def _written(namespace: str) -> dict[str, Any]:
    from imagepull.kubernetes.ownership import Owner
    from imagepull.registry_secret import secret_object
    from imagepull.registry_secret import spec as registry_secret
    from imagepull.registry_secret.secret_object import SecretGoal
    from imagepull.registry_secret.trust import TrustedEntry

    spec = registry_secret.parse(INPUTS)
    fixed = spec.registries[0].fixed
    assert fixed is not None
    owner = Owner.of_urn(SECRET).with_identity()
    entries = {"ghcr.io": TrustedEntry(credential=fixed)}
    change = secret_object.write(None, SecretGoal(spec=spec, owner=owner, fresh=entries, now=datetime.now(UTC))).change
    assert change is not None
    ids = {"name": "pull", "namespace": namespace, "uid": "theirs-or-ours", "resourceVersion": "1"}
    return {**change.body, "metadata": {**change.body["metadata"], **ids}}


def test_conflicts_are_read_again_and_won(tmp_path: Path) -> None:
    turn = itertools.count()
    api = FaultyApi()

    async def renew(one: Plugin) -> dict[str, object]:
        outputs = await one.create(SECRET, INPUTS)
        api.fault = lambda method, path: (
            Fault(status=409, reason="Conflict") if method == "PATCH" and next(turn) % 2 else None
        )
        changed = {**INPUTS, "registries": [{**FIXED, "password": "battery-staple"}]}
        return await one.update(SECRET, INPUTS, outputs, changed)

    outputs = with_plugin(api, tmp_path, renew)
    assert len({each["data"][".dockerconfigjson"] for each in api.objects.values()}) == 1
    assert set(outputs["uids"]) == set(NAMES)


def test_an_endless_conflict_ends(tmp_path: Path) -> None:
    def fault(method: str, path: str) -> Fault | None:
        return Fault(status=409, reason="Conflict") if method == "POST" and "/n3/" in path else None

    with pytest.raises(Refused, match="namespace n3: somebody else keeps changing Secret pull") as caught:
        with_plugin(FaultyApi(fault=fault), tmp_path, create)
    assert caught.value.partial is not None
    assert set(caught.value.partial["uids"]) == set(NAMES) - {"n3"}


def test_a_cluster_that_stays_overloaded_is_given_up(tmp_path: Path) -> None:
    api = FaultyApi(fault=lambda method, path: Fault(status=429))
    with pytest.raises(Refused, match=r"overloaded \(HTTP 429\); try again in a minute"):
        with_plugin(api, tmp_path, create)
    assert len(api.requests) < 20


def test_once_the_cluster_is_lost_a_thousand_namespaces_do_not_each_wait_for_it(tmp_path: Path) -> None:
    api = FaultyApi(fault=lambda method, path: Fault(status=None) if method == "POST" or path == "/readyz" else None)
    many = {**INPUTS, "namespaces": [f"n{number}" for number in range(1000)]}

    async def create_many(one: Plugin) -> None:
        await one.create(SECRET, many)

    with pytest.raises(Refused, match=r"1000 namespaces .* cannot be reached"):
        with_plugin(api, tmp_path, create_many)
    assert len(api.requests) < 500


def test_a_namespace_whose_webhook_hangs_holds_up_nobody(tmp_path: Path) -> None:
    slow = {f"n{number}" for number in range(32)}
    names = [f"n{number}" for number in range(500)]

    def fault(method: str, path: str) -> Fault | None:
        return Fault(status=500, seconds=30) if method == "POST" and path.split("/")[4] in slow else None

    api = FaultyApi(fault=fault)

    async def create_many(one: Plugin) -> None:
        await one.create(SECRET, {**INPUTS, "namespaces": names})

    with pytest.raises(
        Refused, match=r"32 namespaces .* did not answer in time; an admission webhook may be slow"
    ) as e:
        with_plugin(api, tmp_path, create_many)
    assert e.value.partial is not None
    assert set(e.value.partial["uids"]) == set(names) - slow


def test_at_most_32_requests_are_in_flight(tmp_path: Path) -> None:
    turn = itertools.count()

    def fault(method: str, path: str) -> Fault | None:
        return Fault(status=429, seconds=0.2) if method == "POST" and next(turn) < 70 else None

    api = FaultyApi(fault=fault)
    with_plugin(api, tmp_path, create)
    assert 16 < api.most_at_once <= 32


def test_refusals_of_one_kind_are_told_together(tmp_path: Path) -> None:
    def fault(method: str, path: str) -> Fault | None:
        return Fault(status=422, reason="no") if method == "POST" and path.split("/")[4] in ("n1", "n2") else None

    with pytest.raises(Refused) as caught:
        with_plugin(FaultyApi(fault=fault), tmp_path, create)
    assert caught.value.reasons == ["2 namespaces n1, n2: the cluster refuses (HTTP 422): no"]


def test_a_policy_that_quotes_the_object_shows_no_password(tmp_path: Path) -> None:
    said = 'denied: {"ghcr.io":{"password":"correct-horse"}} correct-horse\n'
    api = FaultyApi(fault=lambda method, path: Fault(status=422, reason=said) if method == "POST" else None)
    with pytest.raises(Refused) as caught:
        with_plugin(api, tmp_path, create)
    assert "denied: " in caught.value.message
    shown = f"{caught.value.message} {caught.value.reasons} {caught.value.partial}"
    assert "correct-horse" not in shown
    assert len(caught.value.reasons) == 1


def test_cancel_ends_at_once_with_what_was_done(tmp_path: Path) -> None:
    api = FaultyApi()

    async def cancel_midway(one: Plugin) -> Refused:
        creation = asyncio.create_task(one.create(SECRET, INPUTS))
        assert await asyncio.to_thread(wait_until, lambda: len(api.objects) >= 5, timeout=30, pause=0.005)
        api.fault = lambda method, path: Fault(status=None, seconds=30)
        await one.cancel()
        with pytest.raises(Refused) as caught:
            await asyncio.wait_for(creation, timeout=10)
        return caught.value

    refused = with_plugin(api, tmp_path, cancel_midway)
    assert "cancelled before all namespaces were written" in refused.message
    assert refused.partial is not None
    uids = refused.partial["uids"]
    assert 0 < len(uids) < len(NAMES)


def test_a_destroy_that_is_cancelled_says_how_far_it_came(tmp_path: Path) -> None:
    api = FaultyApi()

    async def cancel_midway(one: Plugin) -> Refused:
        outputs = await one.create(SECRET, INPUTS)
        api.fault = lambda method, path: (
            Fault(status=None, seconds=30) if method == "DELETE" and len(api.objects) <= 40 else None
        )
        deletion = asyncio.create_task(one.delete(SECRET, INPUTS, outputs))
        assert await asyncio.to_thread(wait_until, lambda: len(api.objects) <= 40, timeout=30, pause=0.005)
        await one.cancel()
        with pytest.raises(Refused) as caught:
            await asyncio.wait_for(deletion, timeout=10)
        return caught.value

    refused = with_plugin(api, tmp_path, cancel_midway)
    assert re.fullmatch(r"cancelled after [1-9]\d* namespaces; run the command again for the rest", refused.message)


def test_a_custom_timeout_ends_the_work_with_what_was_done(tmp_path: Path) -> None:
    def fault(method: str, path: str) -> Fault | None:
        return Fault(status=None, seconds=30) if method == "POST" and "/n69/" in path else None

    async def create_in_time(one: Plugin) -> None:
        await one.create(SECRET, INPUTS, timeout_seconds=3.0)

    with pytest.raises(Refused, match="cancelled before all namespaces were written") as caught:
        with_plugin(FaultyApi(fault=fault), tmp_path, create_in_time)
    assert caught.value.partial is not None
    assert set(caught.value.partial["uids"]) == set(NAMES) - {"n69"}


def test_accounts_survive_conflicts_too(tmp_path: Path) -> None:
    turn = itertools.count()
    api = FaultyApi(fault=lambda method, path: Fault(status=409) if method == "POST" and next(turn) % 2 else None)

    async def create_accounts(one: Plugin) -> None:
        await one.create(ACCOUNTS, {"secretNames": ["pull"], "namespaces": NAMES})

    with_plugin(api, tmp_path, create_accounts)
    assert {name for _, name, _ in api.objects} == set(NAMES)
    assert all(each["imagePullSecrets"] == [{"name": "pull"}] for each in api.objects.values())


def test_a_namespace_that_may_no_longer_be_looked_into_stays_known_and_is_named_at_destroy(tmp_path: Path) -> None:
    api = FaultyApi()
    refusal = "namespace n1: RBAC forbids it; allow robot to get secrets"

    def forbid(method: str, path: str) -> Fault | None:
        in_cluster = path.startswith("/api/v1/secrets")
        verb = "list" if in_cluster else "get"
        said = f'secrets "pull" is forbidden: User "robot" cannot {verb} resource "secrets" in API group ""'
        return Fault(status=403, reason=said) if in_cluster or "/n1/" in path else None

    async def live(one: Plugin) -> None:
        inputs = {**INPUTS, "namespaces": ["n0", "n1", "n2"]}
        outputs = await one.create(SECRET, inputs)
        api.fault = forbid
        read = await one.read(SECRET, inputs, outputs)
        assert read["uids"] == outputs["uids"]
        assert [each for each in one.log.messages if "RBAC" in each] == [f"Secret pull in {refusal}"]
        with pytest.raises(Refused) as refused:
            await one.delete(SECRET, inputs, outputs)
        assert refused.value.message == refusal

    with_plugin(api, tmp_path, live)
    assert [namespace for _, namespace, _ in api.objects] == ["n1"]
