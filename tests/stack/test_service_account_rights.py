"""ServiceAccountImagePullSecrets on the real API server: many writers at once, and users whose rights end somewhere."""

import asyncio
import itertools
import json
import subprocess
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from imagepull.kubernetes.client import Cluster
from imagepull.kubernetes.kinds import SERVICE_ACCOUNT, Kind
from imagepull.kubernetes.objects import KubernetesObject
from imagepull.kubernetes.ownership import Owner
from imagepull.service_accounts import spec as service_accounts
from imagepull.service_accounts import writer as account_writer
from imagepull.service_accounts.writer import AccountsOutcome
from lab.lifecycle import Lab
from tests.provider.engine_model import Silent
from tests.provider.plugin import ACCOUNTS, Plugin, Refused, plugin

_numbers = itertools.count(1)


class Meeting(Cluster):
    """The real API server, for so many writers: each one's first write waits until all have read what is there."""

    def gather(self, writers: int) -> None:
        """Sets how many writers there are; call it before the first write."""
        self._all_have_read = asyncio.Barrier(writers)
        self._met: set[object] = set()

    async def patch(self, kind: Kind, name: str, namespace: str, body: Mapping[str, Any]) -> KubernetesObject:
        # The body of a first write is made of what was there before anybody wrote.
        if (writer := frozenset(body["metadata"]["annotations"])) not in self._met:
            self._met.add(writer)
            await self._all_have_read.wait()
        return await super().patch(kind, name, namespace, body)


def test_twenty_writers_at_once_lose_nothing(lab: Lab, namespace: str) -> None:
    owners = [Owner(title=f"shop/dev/{each}", urn=f"urn:{each}", identity=f"{each:016}") for each in range(20)]

    async def write_at_once() -> list[str]:
        cluster = Meeting.connect(str(lab.kubeconfig), None)
        cluster.gather(len(owners))
        try:
            async with asyncio.TaskGroup() as group:
                for owner in owners:
                    inputs = {"secretNames": [f"of-{owner.title[9:]}"], "namespaces": [namespace]}
                    spec, outcome = service_accounts.parse(inputs), AccountsOutcome()
                    group.create_task(account_writer.apply(cluster, spec, owner, None, outcome, Silent()))
            account = await cluster.get(SERVICE_ACCOUNT, "default", namespace)
        finally:
            await cluster.close()
        assert account is not None
        return [*account.read_names("imagePullSecrets")]

    assert sorted(asyncio.run(write_at_once())) == sorted(f"of-{number}" for number in range(20))


@dataclass(frozen=True, kw_only=True)
class Places:
    """Two namespaces, each with a ServiceAccount `ci` that lists `theirs`, and a user with rights in some of them."""

    lab: Lab
    names: tuple[str, str]
    user: str
    folder: Path

    @property
    def inputs(self) -> dict[str, object]:
        return {"secretNames": ["ours"], "namespaces": [*self.names], "serviceAccounts": ["ci"]}

    def allow(self, verbs: Sequence[str], *namespaces: str) -> None:
        """Gives the user these rights to ServiceAccounts in these namespaces."""
        api = "rbac.authorization.k8s.io"
        rules = [{"apiGroups": [""], "resources": ["serviceaccounts"], "verbs": [*verbs]}]
        for namespace in namespaces:
            metadata = {"name": "limited", "namespace": namespace}
            role = {"apiVersion": f"{api}/v1", "kind": "Role", "metadata": metadata, "rules": rules}
            binding = {
                "apiVersion": f"{api}/v1",
                "kind": "RoleBinding",
                "metadata": metadata,
                "roleRef": {"apiGroup": api, "kind": "Role", "name": "limited"},
                "subjects": [{"kind": "User", "name": self.user, "apiGroup": api}],
            }
            apply(self.lab, role, binding)

    def run(self, work: Callable[[Plugin], Coroutine[Any, Any, Any]], *, as_admin: bool = False) -> Any:
        """What `work` returns, given a plugin that acts as the user, or as the administrator."""

        async def run() -> Any:
            async with plugin({**self.lab.env, "KUBECONFIG": str(path)}) as one:
                return await work(one)

        path = self.lab.kubeconfig
        if not as_admin:
            document: dict[str, Any] = yaml.safe_load(path.read_text())
            document["users"][0]["user"]["as"] = self.user
            path = self.folder / "limited.kubeconfig"
            path.write_text(yaml.safe_dump(document))
        return asyncio.run(run())

    def create_as_admin(self) -> dict[str, object]:
        """The outputs of a resource that has written its names in both namespaces."""
        outputs: dict[str, object] = self.run(lambda one: one.create(ACCOUNTS, self.inputs), as_admin=True)
        return outputs

    def listed(self) -> list[list[str]]:
        """What `ci` lists in each of the namespaces."""
        found = json.loads(self.lab.kubectl("get", "serviceaccounts", "--all-namespaces", "--output=json"))["items"]
        by_place = {each["metadata"]["namespace"]: each for each in found if each["metadata"]["name"] == "ci"}
        return [[entry["name"] for entry in by_place[name].get("imagePullSecrets", [])] for name in self.names]


def apply(lab: Lab, *documents: object) -> None:
    manifest = json.dumps({"apiVersion": "v1", "kind": "List", "items": documents})
    subprocess.run(["kubectl", "apply", "-f", "-"], input=manifest, text=True, env=lab.env, check=True)


@pytest.fixture
def places(lab: Lab, tmp_path: Path) -> Places:
    number = next(_numbers)
    names = (f"limited-{number}-a", f"limited-{number}-b")
    for kind, metadata in (
        ("Namespace", [{"name": name} for name in names]),
        ("ServiceAccount", [{"name": "ci", "namespace": name} for name in names]),
    ):
        extra = {"imagePullSecrets": [{"name": "theirs"}]} if kind == "ServiceAccount" else {}
        apply(lab, *({"apiVersion": "v1", "kind": kind, "metadata": each, **extra} for each in metadata))
    return Places(lab=lab, names=names, user=f"limited-{number}", folder=tmp_path)


def test_without_the_right_to_list_the_cluster_accounts_are_asked_for_one_by_one(places: Places) -> None:
    places.allow(["get", "patch"], *places.names)

    async def live(one: Plugin) -> None:
        outputs = await one.create(ACCOUNTS, places.inputs)
        assert places.listed() == [["theirs", "ours"], ["theirs", "ours"]]
        read = await one.read(ACCOUNTS, places.inputs, outputs)
        assert read["identity"] == outputs["identity"]
        assert "edited" not in read
        await one.delete(ACCOUNTS, places.inputs, outputs)

    places.run(live)
    assert places.listed() == [["theirs"], ["theirs"]]


def test_every_account_there_is_can_be_listed_in_each_namespace(places: Places) -> None:
    places.allow(["list", "patch"], *places.names)
    inputs = {**places.inputs, "serviceAccounts": ["*"]}

    async def live(one: Plugin) -> None:
        outputs = await one.create(ACCOUNTS, inputs)
        assert places.listed() == [["theirs", "ours"], ["theirs", "ours"]]
        await one.delete(ACCOUNTS, inputs, outputs)

    places.run(live)
    assert places.listed() == [["theirs"], ["theirs"]]


def test_a_namespace_without_any_right_is_named_and_holds_up_no_other(places: Places) -> None:
    open_, closed = places.names
    places.allow(["get", "patch"], open_)
    refusal = f"namespace {closed}: RBAC forbids it; allow {places.user} to get serviceaccounts"

    async def live(one: Plugin) -> None:
        with pytest.raises(Refused) as created:
            await one.create(ACCOUNTS, places.inputs)
        assert created.value.reasons == [refusal]
        outputs = created.value.partial
        assert outputs is not None
        assert places.listed() == [["theirs", "ours"], ["theirs"]]
        await one.read(ACCOUNTS, places.inputs, outputs)
        assert [each for each in one.log.messages if "RBAC" in each] == [refusal]
        with pytest.raises(Refused) as deleted:
            await one.delete(ACCOUNTS, places.inputs, outputs)
        assert deleted.value.message == refusal

    places.run(live)
    assert places.listed() == [["theirs"], ["theirs"]]


def test_who_may_only_get_changes_nothing_and_is_told_to_ask_for_patch(places: Places) -> None:
    places.allow(["get"], *places.names)
    refusal = f"2 namespaces {', '.join(places.names)}: RBAC forbids it; allow {places.user} to patch serviceaccounts"

    async def create(one: Plugin) -> None:
        with pytest.raises(Refused) as created:
            await one.create(ACCOUNTS, places.inputs)
        assert created.value.reasons == [refusal]

    places.run(create)
    assert places.listed() == [["theirs"], ["theirs"]]
    outputs = places.create_as_admin()

    async def refresh_and_destroy(one: Plugin) -> None:
        assert "edited" not in await one.read(ACCOUNTS, places.inputs, outputs)
        assert not [each for each in one.log.messages if "RBAC" in each]
        with pytest.raises(Refused) as deleted:
            await one.delete(ACCOUNTS, places.inputs, outputs)
        assert deleted.value.message == refusal

    places.run(refresh_and_destroy)
    assert places.listed() == [["theirs", "ours"], ["theirs", "ours"]]


def test_who_may_do_nothing_loses_nothing(places: Places) -> None:
    refusal = f"2 namespaces {', '.join(places.names)}: RBAC forbids it; allow {places.user} to get serviceaccounts"
    outputs = places.create_as_admin()

    async def live(one: Plugin) -> None:
        with pytest.raises(Refused, match="RBAC forbids it") as created:
            await one.create(ACCOUNTS, places.inputs)
        assert created.value.message == refusal
        # Nobody knows what is there, so the state stays as it is.
        read = await one.read(ACCOUNTS, places.inputs, outputs)
        assert (read["owner"], read["identity"]) == (outputs["owner"], outputs["identity"])
        assert [each for each in one.log.messages if "RBAC" in each] == [refusal]
        with pytest.raises(Refused) as deleted:
            await one.delete(ACCOUNTS, places.inputs, outputs)
        assert deleted.value.message == refusal

    places.run(live)
    assert places.listed() == [["theirs", "ours"], ["theirs", "ours"]]
