"""Random sequences of what people do with stacks, against a cluster with true preconditions: nothing is ever lost.

The rules are those of docs/design.md, "Who owns what in the cluster".
"""

import base64
import copy
import json
import os
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from imagepull.kubernetes.objects import KubernetesObject
from imagepull.kubernetes.ownership import IDENTITY_LABEL
from imagepull.registry_secret.existing import Existing
from imagepull.service_accounts.claims import CLAIM
from provider.operations import State
from tests.provider.engine_model import Declared, Stack
from tests.provider.fake_cluster import FakeCluster, Key, Killed

ECR, THEIRS = "123456789012.dkr.ecr.eu-west-1.amazonaws.com", "quay.io"
PLACES = ("a", "b", "c")
FOREIGN_ENTRY = {"username": "u", "password": "p", "auth": "dTpw"}

stacks = st.sampled_from(("first", "other backend", "other stack"))
places = st.sets(st.sampled_from(PLACES), min_size=1).map(sorted)
programs = st.fixed_dictionaries(
    {
        "secret": st.sampled_from(("pull", "pull", "other")),
        "name": st.sampled_from(("access", "access", "renamed")),
        "parent": st.sampled_from(("", "Team")),
        "places": places,
        "aliases": st.booleans(),
        "accounts": st.booleans(),
    }
)
kills = st.one_of(st.none(), st.none(), st.tuples(st.integers(1, 5), st.booleans()))


def declared(program: dict[str, Any]) -> list[Declared]:
    former = tuple((name, parent) for name in ("access", "renamed") for parent in ("", "Team"))
    common = {
        "name": program["name"],
        "parent": program["parent"],
        "former": former if program["aliases"] else (),
    }
    secret = {"name": program["secret"], "namespaces": program["places"], "registries": [{"host": ECR}]}
    accounts = {"secretNames": [program["secret"]], "namespaces": program["places"]}
    found = [Declared(kind="RegistrySecret", inputs=secret, **common)]
    if program["accounts"]:
        found.append(Declared(kind="ServiceAccountImagePullSecrets", inputs=accounts, **common))
    return found


class Sequences(RuleBasedStateMachine):
    """Three stacks, two of which have the same name in two backends, and somebody else, in one cluster."""

    def __init__(self) -> None:
        super().__init__()
        self.cluster = FakeCluster()
        self.stacks = {
            "first": Stack(cluster=self.cluster, name="dev"),
            "other backend": Stack(cluster=self.cluster, name="dev"),
            "other stack": Stack(cluster=self.cluster, name="prod"),
        }
        self.lost: set[str] = set()
        """Identities of creations that were killed: no state has them."""
        self.foreign_secrets: dict[Key, dict[str, Any]] = {}
        self.foreign_entries: set[Key] = set()
        self.foreign_names: set[str] = set()

    @initialize()
    def accounts_are_there(self) -> None:
        for place in PLACES:
            body = {"metadata": {"name": "default", "namespace": place, "uid": f"account-{place}"}}
            self.cluster.store(("ServiceAccount", place, "default"), body)

    @rule(who=stacks, program=programs, kill=kills, replaced=st.booleans())
    def up(self, who: str, program: dict[str, Any], kill: tuple[int, bool] | None, replaced: bool) -> None:
        stack, before = self.stacks[who], copy.deepcopy(self.cluster.objects)
        stack.tainted |= set(stack.states) if replaced else set()
        asked, states = declared(program), [*stack.states.values()]
        succeeded = self.attempt(kill, lambda: stack.up(asked))
        self.check_others(stack, before, {*program["places"]})
        if succeeded:
            self.check_asked(stack, asked, before, states)

    @rule(who=stacks, kill=kills)
    def destroy(self, who: str, kill: tuple[int, bool] | None) -> None:
        stack, before = self.stacks[who], copy.deepcopy(self.cluster.objects)
        ours = stack.identities()
        succeeded = self.attempt(kill, stack.destroy)
        self.check_others(stack, before, set())
        if succeeded:
            assert not ours & set(self.identities()), "destroy left something of ours"

    @rule(who=stacks)
    def refresh(self, who: str) -> None:
        self.stacks[who].refresh()

    @rule(who=st.sampled_from(("first", "other stack")), name=st.sampled_from(("dev", "prod", "renamed")))
    def rename(self, who: str, name: str) -> None:
        self.stacks[who].rename(name)

    @rule(place=st.sampled_from(PLACES), name=st.sampled_from(("pull", "other")))
    def somebody_adds_an_entry(self, place: str, name: str) -> None:
        key = ("Secret", place, name)
        if (found := self.cluster.objects.get(key)) is not None and key not in self.foreign_secrets:
            config = json.loads(base64.b64decode(found["data"][".dockerconfigjson"]))
            config["auths"][THEIRS] = FOREIGN_ENTRY
            self.cluster.store(key, {**found, "data": data(config)})
            self.foreign_entries.add(key)

    @rule(place=st.sampled_from(PLACES), name=st.sampled_from(("pull", "other")))
    def somebody_makes_a_secret(self, place: str, name: str) -> None:
        key = ("Secret", place, name)
        if key not in self.cluster.objects:
            metadata = {"name": name, "namespace": place, "uid": f"foreign-{len(self.foreign_secrets)}-{place}-{name}"}
            body = {"metadata": metadata, "type": "kubernetes.io/dockerconfigjson", "data": data({"auths": {}})}
            self.cluster.store(key, body)
            self.foreign_secrets[key] = copy.deepcopy(self.cluster.objects[key])

    @rule(place=st.sampled_from(PLACES), name=st.sampled_from(("pull", "other")))
    def somebody_deletes_a_secret(self, place: str, name: str) -> None:
        key = ("Secret", place, name)
        self.cluster.objects.pop(key, None)
        self.foreign_secrets.pop(key, None)
        self.foreign_entries.discard(key)

    @rule(place=st.sampled_from(PLACES))
    def somebody_adds_a_name(self, place: str) -> None:
        key = ("ServiceAccount", place, "default")
        listed = [each for each in self.cluster.objects[key].get("imagePullSecrets", []) if each["name"] != "theirs"]
        self.cluster.store(key, {**self.cluster.objects[key], "imagePullSecrets": [*listed, {"name": "theirs"}]})
        self.foreign_names.add(place)

    @invariant()
    def nothing_foreign_is_changed(self) -> None:
        for key, document in self.foreign_secrets.items():
            assert self.cluster.objects.get(key) == document, "somebody else's Secret was changed"
        for key in self.foreign_entries:
            config = json.loads(base64.b64decode(self.cluster.objects[key]["data"][".dockerconfigjson"]))
            assert config["auths"].get(THEIRS) == FOREIGN_ENTRY, "somebody else's entry is gone"
        for place in self.foreign_names:
            listed = self.cluster.objects["ServiceAccount", place, "default"]["imagePullSecrets"]
            assert {"name": "theirs"} in listed, "somebody else's name is gone"

    @invariant()
    def nothing_of_ours_is_unknown_to_every_state(self) -> None:
        known = set().union(*(stack.identities() for stack in self.stacks.values()))
        assert set(self.identities()) <= known | self.lost

    def attempt(self, kill: tuple[int, bool] | None, operation: Any) -> bool:
        self.cluster.kill_in, self.cluster.kill_before = kill or (None, False)
        try:
            return bool(operation())
        except Killed:
            known = set().union(*(stack.identities() for stack in self.stacks.values()))
            self.lost |= set(self.identities()) - known
            return False
        finally:
            self.cluster.kill_in = None

    def identities(self) -> dict[str, list[Key]]:
        """The objects that carry each identity, on a Secret or in a claim."""
        found: dict[str, list[Key]] = {}
        for key, document in self.cluster.objects.items():
            metadata = document["metadata"]
            carried = [metadata.get("labels", {}).get(IDENTITY_LABEL)]
            carried += [each[len(CLAIM) :] for each in metadata.get("annotations", {}) if each.startswith(CLAIM)]
            for identity in filter(None, carried):
                found.setdefault(identity, []).append(key)
        return found

    def check_others(self, stack: Stack, before: dict[Key, dict[str, Any]], wanted: set[str]) -> None:
        """Another stack's Secret is never deleted, and changed only by its namesake, in the namespaces it asks for."""
        for other in self.stacks.values():
            if other is stack:
                continue
            for key, document in before.items():
                if key[0] != "Secret" or document["metadata"].get("labels", {}).get(IDENTITY_LABEL) not in (
                    other.identities()
                ):
                    continue
                now = self.cluster.objects.get(key)
                assert now is not None, "another stack's Secret was deleted"
                if now != document:
                    assert key[1] in wanted, "another stack's Secret was changed in a namespace that is not ours"
                    title = document["metadata"]["annotations"]["imagepull/owned-by"]
                    assert title.startswith(f"shop/{stack.name}/"), "another stack's Secret was changed"

    def check_asked(
        self, stack: Stack, asked: list[Declared], before: dict[Key, dict[str, Any]], states: list[State]
    ) -> None:
        for each in asked:
            state = stack.states[stack.urn(each.kind, each.name, each.parent)]
            places: Any = each.inputs["namespaces"]
            for place in places:
                if each.kind != "RegistrySecret":
                    self.check_account(place, state.id)
                    continue
                key = ("Secret", place, state.id)
                if any(state is one for one in states):
                    # Nothing was to change, so nobody asked the cluster; what somebody did meanwhile, a refresh shows.
                    assert self.cluster.objects.get(key) == before.get(key)
                else:
                    self.check_secret(state, key, before)

    def check_secret(self, state: State, key: Key, before: dict[Key, dict[str, Any]]) -> None:
        secret = Existing.of(KubernetesObject.parse(self.cluster.objects[key]))
        uids: Any = state.outputs["uids"]
        assert secret.uid == uids[key[1]]
        assert secret.labels[IDENTITY_LABEL] == state.outputs["identity"]
        assert secret.find_credential(ECR) is not None, "an asked entry is missing"
        if key in before:
            assert before[key]["metadata"]["uid"] == secret.uid, "a Secret was deleted and made anew"

    def check_account(self, place: str, name: str) -> None:
        listed = self.cluster.objects["ServiceAccount", place, "default"].get("imagePullSecrets", [])
        assert {"name": name} in listed, "an asked name is missing"


def data(config: Any) -> dict[str, str]:
    return {".dockerconfigjson": base64.b64encode(json.dumps(config).encode()).decode()}


TestSequences = Sequences.TestCase
TestSequences.settings = settings(
    max_examples=int(os.environ.get("IMAGEPULL_EXAMPLES", "1000")),
    stateful_step_count=12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
