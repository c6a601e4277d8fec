"""What a run over many namespaces has done so far, and how it reports that."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from imagepull.errors import ImagePullError

__all__ = ["Report", "WriteOutcome", "describe_by_reason", "group_by_reason"]

_MOST_NAMED: Final = 100
"""Namespaces that one sentence names; a cluster may have thousands."""


class Report(Protocol):
    """Receives what a run reports. No message may hold a credential."""

    def warn(self, message: str) -> None:
        """Something a person should know, though the run goes on."""

    def begin(self, verb: str, total: int) -> None:
        """A count of namespaces `written` or `deleted` begins."""

    def step(self) -> None:
        """One more of them."""


@dataclass(kw_only=True)
class WriteOutcome:
    """Kept up to date while the run goes on, so that one cut short can say what it did.

    Attributes:
        started: Whether anything may have been written.
        done: Namespaces that are finished, with or without a failure.
        failures: Why, by namespace.
        problems: Failures of no one namespace, such as a registry without a credential.
        left: Of a deletion, by namespace: identities of other runs of the same resource whose objects stay there.
    """

    started: bool = False
    done: int = 0
    failures: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    left: dict[str, frozenset[str]] = field(default_factory=dict)

    def record_failures_of(
        self, work: Callable[[str], Awaitable[None]], report: Report
    ) -> Callable[[str], Awaitable[None]]:
        """The work on one namespace, with its failure noted instead of raised."""

        async def noted(namespace: str) -> None:
            try:
                await work(namespace)
            except ImagePullError as error:
                self.failures[namespace] = str(error)
            self.done += 1
            report.step()

        return noted

    def note_left(self, namespace: str, identities: Iterable[str]) -> None:
        """Notes identities of other runs whose objects stay in the namespace."""
        if found := frozenset(identities):
            self.left[namespace] = self.left.get(namespace, frozenset()) | found

    @property
    def reasons(self) -> list[str]:
        """Everything that failed, a sentence each; empty when nothing did."""
        return [*self.problems, *describe_by_reason(self.failures)]


def describe_by_reason(reasons: Mapping[str, str]) -> list[str]:
    """One sentence per reason: `namespaces a, b: the namespace does not exist`. `reasons`: of what, why."""
    return [f"{_list_namespaces(names)}: {reason}" for names, reason in group_by_reason(reasons)]


def group_by_reason(reasons: Mapping[str, str]) -> list[tuple[list[str], str]]:
    """The names (sorted) that share each reason, and the reason."""
    places: dict[str, list[str]] = {}
    for place, reason in reasons.items():
        places.setdefault(reason, []).append(place)
    return [(sorted(names), reason) for reason, names in places.items()]


def _list_namespaces(names: Sequence[str]) -> str:
    counted = "namespace" if len(names) == 1 else f"{len(names)} namespaces"
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return f"{counted} {', '.join(names[:_MOST_NAMED])}{more}"
