"""What the engine asks of one resource, and what we answer, as plain Python.

Pulumi's own request classes leave out the old inputs, without which a changed input looks like one that the
provider filled in.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from imagepull.differences import Difference
from imagepull.errors import ImagePullError
from imagepull.kubernetes.progress import Report
from imagepull.registries.ecr_tokens import TokenSource

if TYPE_CHECKING:
    from imagepull.kubernetes.client import Cluster

__all__ = ["Clusters", "DiffAnswer", "Operation", "Partial", "Reports", "Resource", "State", "Values"]

Values = Mapping[str, object]


@dataclass(frozen=True, kw_only=True)
class State:
    """A resource in Pulumi's state: its ID, inputs and outputs."""

    id: str
    inputs: Values
    outputs: Values


@dataclass(frozen=True, kw_only=True)
class Operation:
    """What an operation has at hand. The cluster is connected at the first call; previews never make it.

    Attributes:
        identities: Of incarnations that a stack's state has, or will have: those that this process of the plugin has
            been shown in a state, or has begun. One set for all operations of the process.
    """

    urn: str
    report: "Reports"
    tokens: TokenSource
    clusters: "Clusters"
    identities: set[str]


class Clusters(Protocol):
    def connect(self) -> "Cluster":
        """The provider's cluster, one connection for all; raises ClusterError."""
        ...


class Reports(Report, Protocol):
    def info(self, message: str) -> None:
        """Something to read in the output of a command."""


@dataclass(frozen=True, kw_only=True)
class DiffAnswer:
    """`differences`: of inputs by path; `outputs`: names of outputs that an update would change."""

    differences: Mapping[str, Difference] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()
    replaces: tuple[str, ...] = ()


class Partial(ImagePullError):
    """An operation that did some of its work: `state` is what is there now, `reasons` says what is not."""

    def __init__(self, state: State, reasons: list[str]) -> None:
        super().__init__("; ".join(reasons))
        self.state = state
        self.reasons = reasons


class Resource(Protocol):
    """One type of custom resource. Inputs are checked before anything else; `preview` calls must send no request."""

    def check(self, inputs: Values) -> None:
        """Raises InvalidInput with every wrong input."""

    def diff(self, run: Operation, old: State, new: Values) -> DiffAnswer: ...

    def preview(self, old: State | None, new: Values) -> Values:
        """The outputs that a create (no old state) or an update will have, as far as they are known."""
        ...

    async def create(self, run: Operation, inputs: Values) -> State: ...

    async def update(self, run: Operation, old: State, inputs: Values) -> State: ...

    async def read(self, run: Operation, old: State) -> State | None:
        """What the cluster holds of it, None when nothing; `old` has no inputs when it is imported."""

    async def delete(self, run: Operation, old: State) -> None: ...
