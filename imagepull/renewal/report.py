"""What a renewal says of itself: a line for a person, and the same as an object for log collectors."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from imagepull.kubernetes.progress import group_by_reason
from imagepull.redaction import redact
from imagepull.registries.lifetimes import format_time
from imagepull.renewal.renewer import SecretResult

__all__ = ["RenewalEvent", "make_events"]

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
        told = {"time": format_time(moment), "level": level, "event": self.event, "message": redact(self.sentence)}
        return json.dumps({**told, **self.details})


def make_events(result: SecretResult, *, dry_run: bool) -> Iterator[RenewalEvent]:
    """What became of one Secret: renewals, what is not due, then each failure."""
    about: dict[str, object] = {"secret": result.name}
    if result.renewed:
        verb = "would be renewed" if dry_run else "renewed"
        yield RenewalEvent(
            event="would-renew" if dry_run else "renewed",
            sentence=f"Secret {result.name}: {verb} in {_describe_places(result.renewed)}{_describe_next(result)}",
            details={**about, **_make_place_details(result.renewed), **_make_due_details(result)},
        )
    if result.not_due:
        yield RenewalEvent(
            event="not-due",
            sentence=f"Secret {result.name}: not due in {_describe_places(result.not_due)}{_describe_next(result)}",
            details={**about, **_make_place_details(result.not_due), **_make_due_details(result)},
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
            sentence=f"Secret {result.name} in {_describe_places(names)}: {reason}",
            details={**about, **_make_place_details(names), "reason": redact(reason)},
        )


def _describe_places(names: Sequence[str]) -> str:
    if len(names) == 1:
        return f"namespace {names[0]}"
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return f"{len(names)} namespaces ({', '.join(sorted(names)[:_MOST_NAMED])}{more})"


def _describe_next(result: SecretResult) -> str:
    return "" if result.next_due is None else f"; next renewal due {format_time(result.next_due)}"


def _make_place_details(names: Sequence[str]) -> dict[str, object]:
    return {"count": len(names), "namespaces": sorted(names)[:_MOST_NAMED]}


def _make_due_details(result: SecretResult) -> dict[str, object]:
    return {} if result.next_due is None else {"nextDue": format_time(result.next_due)}
