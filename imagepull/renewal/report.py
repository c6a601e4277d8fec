"""What a renewal says of itself: a line for a person, and the same as an object for log collectors."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from imagepull.kubernetes.progress import group_by_reason
from imagepull.redaction import redact
from imagepull.registries.lifetimes import to_text
from imagepull.renewal.renewer import SecretResult

__all__ = ["RenewalEvent", "events_of"]

_MOST_NAMED: Final = 100
"""Namespaces that one object names; a cluster may have thousands."""


@dataclass(frozen=True, kw_only=True)
class RenewalEvent:
    """One thing that happened, or failed. Neither form holds a credential."""

    event: str
    sentence: str
    details: Mapping[str, object] = field(default_factory=dict)

    @property
    def is_failure(self) -> bool:
        return self.event == "failed"

    def as_line(self) -> str:
        """For a person."""
        return redact(f"error: {self.sentence}" if self.is_failure else self.sentence)

    def as_json(self, moment: datetime) -> str:
        """For log collectors: one line of JSON.

        Args:
            moment: When it happened (timezone-aware).
        """
        level = "error" if self.is_failure else "info"
        told = {"time": to_text(moment), "level": level, "event": self.event, "message": redact(self.sentence)}
        return json.dumps({**told, **self.details})


def events_of(result: SecretResult, *, dry_run: bool) -> Iterator[RenewalEvent]:
    """What became of one Secret: renewals, what is not due, then each failure."""
    about: dict[str, object] = {"secret": result.name}
    if result.renewed:
        verb = "would be renewed" if dry_run else "renewed"
        yield RenewalEvent(
            event="would-renew" if dry_run else "renewed",
            sentence=f"Secret {result.name}: {verb} in {_counted(result.renewed)}{_next(result)}",
            details={**about, **_places(result.renewed), **_due(result)},
        )
    if result.not_due:
        yield RenewalEvent(
            event="not-due",
            sentence=f"Secret {result.name}: not due in {_counted(result.not_due)}{_next(result)}",
            details={**about, **_places(result.not_due), **_due(result)},
        )
    for each in result.failures:
        if each.registry is not None:
            yield RenewalEvent(
                event="failed",
                sentence=f"Secret {result.name}, registry {each.registry}: {each.reason}",
                details={**about, "registry": each.registry, "reason": redact(each.reason)},
            )
    reasons = {each.namespace: each.reason for each in result.failures if each.namespace is not None}
    for names, reason in group_by_reason(reasons):
        yield RenewalEvent(
            event="failed",
            sentence=f"Secret {result.name} in {_counted(names)}: {reason}",
            details={**about, **_places(names), "reason": redact(reason)},
        )


def _counted(names: Sequence[str]) -> str:
    if len(names) == 1:
        return f"namespace {names[0]}"
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return f"{len(names)} namespaces ({', '.join(sorted(names)[:_MOST_NAMED])}{more})"


def _next(result: SecretResult) -> str:
    return "" if result.next_due is None else f"; next renewal due {to_text(result.next_due)}"


def _places(names: Sequence[str]) -> dict[str, object]:
    return {"count": len(names), "namespaces": sorted(names)[:_MOST_NAMED]}


def _due(result: SecretResult) -> dict[str, object]:
    return {} if result.next_due is None else {"nextDue": to_text(result.next_due)}
