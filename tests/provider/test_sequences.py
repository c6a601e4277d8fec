"""Random sequences of what people do with stacks, against a cluster with true preconditions: nothing is ever lost.

The rules are those of docs/design.md, "Who owns what in the cluster".
"""

import copy
import os
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from imagepull.kubernetes.objects import KubernetesObject
from imagepull.kubernetes.ownership import IDENTITY_LABEL, OWNER_LABEL
from imagepull.registry_secret.existing import Existing
from imagepull.service_accounts.claims import CLAIM
from provider.operations import State
from tests.provider.engine_model import Declared, Stack
from tests.provider.fake_cluster import FakeCluster, Key, Killed
from tests.provider.somebody_else import SomebodyElse

ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
PLACES = ("a", "b", "c")

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
Kill = tuple[int, bool] | None
"""Writes until the plugin is killed, and whether that is before the last of them arrives."""
Meddling = tuple[int, str] | None
"""Writes until somebody else writes to the same object right before us, and what."""
writes = st.integers(1, 9)
kills = st.one_of(st.none(), st.none(), st.tuples(writes, st.booleans()))
meddlings = st.one_of(st.none(), st.none(), st.tuples(writes, st.sampled_from(("adds", "replaces"))))


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
        self.left: set[tuple[Key, str]] = set()
        """Objects that an update wrote and no state knows, because it was killed: `imagepull orphans` finds them."""
        self.somebody = SomebodyElse(self.cluster)
        self.meddled: set[Key] = set()
        """Objects that somebody else wrote to during the last run."""
        self.cluster.meanwhile = self.meddle
        self.meddling = ""
        self.no_pause = patch("imagepull.kubernetes.client._FIRST_WAIT", 0)
        self.no_pause.start()

    def teardown(self) -> None:
        self.no_pause.stop()

    @initialize()
    def accounts_are_there(self) -> None:
        for place in PLACES:
            body = {"metadata": {"name": "default", "namespace": place, "uid": f"account-{place}"}}
            self.cluster.store(("ServiceAccount", place, "default"), body)

    @rule(who=stacks, program=programs, kill=kills, meddling=meddlings, replaced=st.booleans())
    def up(self, who: str, program: dict[str, Any], kill: Kill, meddling: Meddling, replaced: bool) -> None:
        stack, before = self.stacks[who], copy.deepcopy(self.cluster.objects)
        stack.tainted |= set(stack.states) if replaced else set()
        asked, states = declared(program), [*stack.states.values()]
        succeeded = self.attempt(kill, meddling, lambda: stack.up(asked))
        self.check_others(stack, before, {*program["places"]})
        if succeeded:
            self.check_asked(stack, asked, before, states)

    @rule(who=stacks, kill=kills, meddling=meddlings)
    def destroy(self, who: str, kill: Kill, meddling: Meddling) -> None:
        stack, before = self.stacks[who], copy.deepcopy(self.cluster.objects)
        ours = stack.identities()
        secrets = {key for key, _ in stack.objects() if key in before and is_of(stack, before[key])}
        succeeded = self.attempt(kill, meddling, stack.destroy)
        self.check_others(stack, before, set())
        if succeeded:
            assert not ours & set(self.identities()), "destroy left something of ours"
            left = [key for key in secrets & self.cluster.objects.keys() if labels(self.cluster.objects[key])]
            assert not left, "destroy left a Secret of ours"

    @rule(who=stacks)
    def refresh(self, who: str) -> None:
        self.stacks[who].refresh()

    @rule(who=st.sampled_from(("first", "other stack")), name=st.sampled_from(("dev", "prod", "renamed")))
    def rename(self, who: str, name: str) -> None:
        self.stacks[who].rename(name)

    @rule(who=stacks)
    def was_written_by_a_version_without_identities(self, who: str) -> None:
        stack = self.stacks[who]
        known = [uid for one in self.stacks.values() for uid in uids(one)]
        if stack.leaving or any(known.count(uid) > 1 for uid in uids(stack)):
            return  # Of two resources that know one Secret, such a version could not say whose it is.
        for urn, state in stack.states.items():
            if "RegistrySecret" not in urn:
                continue
            for document in self.cluster.objects.values():
                if labels(document).get(IDENTITY_LABEL) == state.outputs.get("identity"):
                    labels(document).pop(IDENTITY_LABEL, None)
            stack.states[urn] = replace(state, outputs={**state.outputs, "identity": None, "digestKey": None})

    @rule(place=st.sampled_from(PLACES), name=st.sampled_from(("pull", "other")))
    def somebody_adds_an_entry(self, place: str, name: str) -> None:
        self.somebody.add_entry(("Secret", place, name))

    @rule(place=st.sampled_from(PLACES), name=st.sampled_from(("pull", "other")))
    def somebody_makes_a_secret(self, place: str, name: str) -> None:
        self.somebody.make_secret(("Secret", place, name))

    @rule(place=st.sampled_from(PLACES), name=st.sampled_from(("pull", "other")))
    def somebody_deletes_a_secret(self, place: str, name: str) -> None:
        self.somebody.delete_secret(("Secret", place, name))

    @rule(place=st.sampled_from(PLACES))
    def somebody_adds_a_name(self, place: str) -> None:
        self.somebody.add_name(place)

    @invariant()
    def nothing_foreign_is_changed(self) -> None:
        self.somebody.check()

    @invariant()
    def nothing_of_ours_is_unknown_to_every_state(self) -> None:
        known = set().union(*(stack.identities() for stack in self.stacks.values()))
        assert set(self.identities()) <= known | self.lost

    def meddle(self, key: Key) -> None:
        """Somebody else writes to the object that we are about to write to."""
        if key in self.somebody.secrets:
            return
        self.meddled.add(key)
        if key[0] == "ServiceAccount":
            self.somebody.add_name(key[1])
        elif self.meddling == "adds" and key in self.cluster.objects:
            self.somebody.add_entry(key)
        else:
            self.somebody.delete_secret(key)
            self.somebody.make_secret(key)

    def attempt(self, kill: Kill, meddling: Meddling, operation: Any) -> bool:
        self.meddled.clear()
        self.cluster.kill_in, self.cluster.kill_before = kill or (None, False)
        self.cluster.meanwhile_in, self.meddling = meddling or (None, "")
        try:
            return bool(operation())
        except Killed:
            known = set().union(*(stack.identities() for stack in self.stacks.values()))
            self.lost |= set(self.identities()) - known
            self.left |= {(key, identity) for identity, keys in self.identities().items() for key in keys}
            return False
        finally:
            self.cluster.kill_in = self.cluster.meanwhile_in = None
            self.left -= {pair for stack in self.stacks.values() for pair in stack.objects()}

    def identities(self) -> dict[str, list[Key]]:
        """The objects that carry each identity, on a Secret or in a claim."""
        found: dict[str, list[Key]] = {}
        for key, document in self.cluster.objects.items():
            metadata = document["metadata"]
            carried = [metadata.get("labels", {}).get(IDENTITY_LABEL)]
            carried += [each[len(CLAIM) :] for each in metadata.get("annotations", {}) if each.startswith(CLAIM)]
            for identity in filter(None, carried):
                if (key, identity) in self.left:
                    continue
                found.setdefault(identity, []).append(key)
        return found

    def check_others(self, stack: Stack, before: dict[Key, dict[str, Any]], wanted: set[str]) -> None:
        """Another stack's Secret is never deleted, and changed only by its namesake, in the namespaces it asks for."""
        for other in self.stacks.values():
            if other is stack:
                continue
            for key, document in before.items():
                if key in self.meddled or not is_of(other, document):
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


def labels(document: dict[str, Any]) -> dict[str, str]:
    found: dict[str, str] = document["metadata"].get("labels", {})
    return found


def uids(stack: Stack) -> list[str]:
    """Of the Secrets that each of the stack's states knows."""
    states: list[Any] = [*stack.states.values(), *(state for _, state in stack.leaving)]
    return [uid for state in states for uid in state.outputs.get("uids", {}).values()]


def is_of(stack: Stack, document: dict[str, Any]) -> bool:
    """Whether it is the stack's Secret: by its identity, or as a version without identities knew it."""
    if (identity := labels(document).get(IDENTITY_LABEL)) is not None:
        return identity in stack.identities()
    return OWNER_LABEL in labels(document) and document["metadata"]["uid"] in uids(stack)


TestSequences = Sequences.TestCase
TestSequences.settings = settings(
    max_examples=int(os.environ.get("IMAGEPULL_EXAMPLES", "1000")),
    stateful_step_count=12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
