"""Pulumi's engine as far as it matters to a resource: state, replacement before deletion, aliases, kills."""

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

from imagepull.errors import ImagePullError
from imagepull.registries.docker_config import Credential
from imagepull.registries.ecr_tokens import EcrToken, TokenRequest, TokenSource
from imagepull.registries.lifetimes import Lifetime
from imagepull.registry_secret.trust import LONGEST_LIFE
from provider.operations import Operation, Partial, Resource, State
from provider.registry_secret import RegistrySecretResource
from provider.service_accounts import ServiceAccountsResource
from tests.provider.fake_cluster import FakeCluster, Key, Killed


def _start_plugin() -> dict[str, Resource]:
    return {
        "RegistrySecret": RegistrySecretResource(),
        "ServiceAccountImagePullSecrets": ServiceAccountsResource(),
    }


@dataclass(frozen=True, kw_only=True)
class Declared:
    """A resource of a program. `former`: names and parents by which aliases say that it was known."""

    kind: str
    name: str
    inputs: Mapping[str, object]
    parent: str = ""
    former: tuple[tuple[str, str], ...] = ()


class IssuedTokens:
    """In place of TokenSource: a new token each time, without AWS."""

    def __init__(self) -> None:
        self.issued = 0

    async def get(self, request: TokenRequest) -> EcrToken:
        self.issued += 1
        now = datetime.now(UTC).replace(microsecond=0)
        credential = Credential(username="AWS", password=f"token-{self.issued}")
        return EcrToken(credential=credential, lifetime=Lifetime(issued=now, expires=now + LONGEST_LIFE))


class Silent:
    def info(self, message: str) -> None:
        """Says nothing."""

    warn = info

    def begin(self, verb: str, total: int) -> None:
        """Says nothing."""

    def step(self) -> None:
        """Says nothing."""


class Heard(Silent):
    """Keeps what a run says of itself."""

    def __init__(self) -> None:
        self.warnings: list[str] = []
        self.counts: list[tuple[str, int]] = []
        self.steps = 0

    def warn(self, message: str) -> None:
        self.warnings.append(message)

    def begin(self, verb: str, total: int) -> None:
        self.counts.append((verb, total))

    def step(self) -> None:
        self.steps += 1


@dataclass(kw_only=True)
class Stack:
    """A stack in a backend of its own.

    Attributes:
        states: By URN.
        leaving: States that a replacement has yet to delete, with their URNs.
        tainted: URNs to replace at the next update.
    """

    cluster: FakeCluster
    name: str
    states: dict[str, State] = field(default_factory=dict)
    leaving: list[tuple[str, State]] = field(default_factory=list)
    tainted: set[str] = field(default_factory=set)
    tokens: IssuedTokens = field(default_factory=IssuedTokens)
    _plugin: dict[str, Resource] = field(default_factory=_start_plugin)
    _identities: set[str] = field(default_factory=set)

    def urn(self, kind: str, name: str, parent: str) -> str:
        chain = f"my:index:{parent}$" if parent else ""
        return f"urn:pulumi:{self.name}::shop::{chain}imagepull:index:{kind}::{name}"

    def up(self, program: list[Declared]) -> bool:
        """Whether it succeeded. Raises Killed."""
        kept = set()
        self._plugin, self._identities = _start_plugin(), set()
        for each in program:
            urn = self.urn(each.kind, each.name, each.parent)
            for name, parent in each.former:
                former = self.urn(each.kind, name, parent)
                if urn not in self.states and former in self.states:
                    self.states[urn] = self.states.pop(former)
                    self.tainted |= {urn} if former in self.tainted else set()
            if not self._bring(urn, each):
                return False
            kept.add(urn)
        return self._delete_all([(urn, self.states[urn]) for urn in reversed(self.states) if urn not in kept])

    def destroy(self) -> bool:
        """Whether it succeeded. Raises Killed."""
        self._plugin = _start_plugin()
        return self._delete_all([(urn, self.states[urn]) for urn in reversed(self.states)])

    def refresh(self) -> None:
        """Takes over what the cluster holds."""
        for urn, state in [*self.states.items()]:
            found = self._do(self._resource_of(urn).read(self._run_of(urn), state))
            if found is None:
                del self.states[urn]
            else:
                self.states[urn] = found

    def rename(self, name: str) -> None:
        """`pulumi stack rename`."""
        before, self.name = self.name, name

        def renamed(urn: str) -> str:
            return urn.replace(f"urn:pulumi:{before}::", f"urn:pulumi:{name}::", 1)

        self.states = {renamed(urn): state for urn, state in self.states.items()}
        self.leaving = [(renamed(urn), state) for urn, state in self.leaving]
        self.tainted = {renamed(urn) for urn in self.tainted}

    def identities(self) -> set[str]:
        """Of all incarnations in the state."""
        states = [*self.states.values(), *(state for _, state in self.leaving)]
        return {str(state.outputs["identity"]) for state in states if state.outputs.get("identity")}

    def objects(self) -> set[tuple[Key, str]]:
        """The objects that the state knows, each with the identity that it is to carry."""
        found = set()
        for urn, state in [*self.states.items(), *self.leaving]:
            known: Any = {"namespaces": [], **state.inputs, "uids": {}, "edited": [], **state.outputs}
            is_secret = self._kind_of(urn) == "RegistrySecret"
            kind, name = ("Secret", state.id) if is_secret else ("ServiceAccount", "default")
            for place in {*known["namespaces"], *known["uids"], *known["edited"]}:
                found.add(((kind, place, name), str(known["identity"])))
        return found

    def _bring(self, urn: str, declared: Declared) -> bool:
        resource, run, old = self._resource_of(urn), self._run_of(urn), self.states.get(urn)
        if old is None:
            return self._keep(urn, resource.create(run, declared.inputs))
        answer = resource.diff(run, old, declared.inputs)
        if urn in self.tainted or answer.replaces:
            if not self._keep(urn, resource.create(run, declared.inputs)):
                return False
            self.leaving.append((urn, old))
            self.tainted.discard(urn)
            return True
        if answer.differences or answer.outputs or "initErrors" in old.outputs:
            return self._keep(urn, resource.update(run, old, declared.inputs))
        return True

    def _keep(self, urn: str, operation: Coroutine[Any, Any, State]) -> bool:
        old = self.states.get(urn)
        try:
            self.states[urn] = self._do(operation)
        except Partial as error:
            if old is not None and error.state.outputs["identity"] != old.outputs.get("identity"):
                self.leaving.append((urn, old))
            outputs = {**error.state.outputs, "initErrors": error.reasons}
            self.states[urn] = State(id=error.state.id, inputs=error.state.inputs, outputs=outputs)
            return False
        except ImagePullError:
            return False
        return True

    def _delete_all(self, states: list[tuple[str, State]]) -> bool:
        for urn, state in [*self.leaving, *states]:
            try:
                self._do(self._resource_of(urn).delete(self._run_of(urn), state))
            except ImagePullError:
                return False
            if (urn, state) in self.leaving:
                self.leaving.remove((urn, state))
            else:
                del self.states[urn]
        return True

    def _kind_of(self, urn: str) -> str:
        return urn.split("::")[2].rpartition(":")[2]

    def _resource_of(self, urn: str) -> Resource:
        return self._plugin[self._kind_of(urn)]

    def _run_of(self, urn: str) -> Operation:
        return Operation(
            urn=urn,
            report=Silent(),
            tokens=cast(TokenSource, self.tokens),
            clusters=cast(Any, _Connected(self.cluster)),
            identities=self._identities,
        )

    def _do(self, operation: Coroutine[Any, Any, Any]) -> Any:
        try:
            return asyncio.run(operation)
        except* Killed:
            raise Killed from None


class _Connected:
    def __init__(self, cluster: FakeCluster) -> None:
        self._cluster = cluster

    def connect(self) -> FakeCluster:
        return self._cluster
