"""What a watch says of a cause: one warning for each workload and cause, with the fix and the command for more."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

from imagepull.causes.table import get_cause
from imagepull.diagnosis.answers import Diagnosis
from imagepull.plain_text import to_one_line
from imagepull.pull_watch.spec import WatchedWorkload

__all__ = ["FoundCauses", "describe_command"]

_LONGEST: Final = 600
"""Characters of a sentence; a registry's answer may have more."""
_SILENT: Final = frozenset(
    {"healthy", "stale-image", "mixed", "not-a-pull-failure", "not-scheduled", "pull-not-finished"}
)
"""No failure of a pull: other things that hold a Pod up, and a pull that is still running."""
_UNKNOWN: Final = "unknown"
_SURE: Final = 2
"""Readings that show a cause before it counts as one that stays: a Secret may come a moment after its Pod."""

Key = tuple[WatchedWorkload, str, str]
"""Workload, code and image."""


def describe_command(kind: str, name: str, namespace: str) -> str:
    """The command that says more about a workload: `imagepull diagnose deployment/web -n shop`."""
    return f"imagepull diagnose {kind.lower()}/{name} -n {namespace}"


@dataclass(kw_only=True)
class FoundCauses:
    """The causes that a watch has found.

    Attributes:
        told: each with the sentence about it, in the order in which they were found.
    """

    told: dict[Key, str] = field(default_factory=dict)
    _readings: Counter[Key] = field(default_factory=Counter)

    def note(self, workload: WatchedWorkload, name: str, answer: Diagnosis) -> str | None:
        """The warning about an answer that is new; None for one that was told, or that is none of a pull's.

        Args:
            workload: Whose Pod it is about.
            name: Of the workload in the cluster.
            answer: Of one container.
        """
        if answer.code in _SILENT:
            return None
        key = (workload, answer.code, answer.image)
        self._readings[key] += 1
        # The kubelet's text may come a moment after its reason.
        if key in self.told or (answer.code == _UNKNOWN and self._readings[key] < _SURE):
            return None
        self.told[key] = _describe(workload, name, answer)
        return self.told[key]

    def forget(self, workload: WatchedWorkload) -> None:
        """The workload's images are there now."""
        self.told = {key: sentence for key, sentence in self.told.items() if key[0] != workload}

    def is_hopeless(self, workload: WatchedWorkload) -> bool:
        """Whether a cause was found, more than once, that does not pass by itself."""
        return any(
            key[0] == workload and self._readings[key] >= _SURE and not get_cause(key[1]).waiting_helps
            for key in self.told
        )


def _describe(workload: WatchedWorkload, name: str, answer: Diagnosis) -> str:
    where = f"{answer.namespace}/{workload.kind}/{name}, container {answer.container}, image {answer.image}"
    lines = [
        f"{to_one_line(where, _LONGEST)}: {to_one_line(answer.cause, _LONGEST)}",
        f"  {answer.code} ({answer.confidence.value}). Fix: {to_one_line(answer.fix, _LONGEST)}",
        f"  More: {to_one_line(describe_command(workload.kind, name, answer.namespace), _LONGEST)}",
    ]
    return "\n".join(lines)
