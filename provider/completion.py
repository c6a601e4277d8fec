"""What the resources have in common: whose objects they write, and what becomes of work that is cut short."""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from typing import Final

from imagepull.errors import ClusterError
from imagepull.kubernetes.ownership import Owner
from imagepull.kubernetes.progress import WriteOutcome, describe_by_reason

from .operations import Operation, State

__all__ = ["CANCELLED_EARLY", "begin_write", "collect_reasons", "delete", "make_owner", "note_identity"]

_CANCELLED: Final = "cancelled before all namespaces were written; the next update writes the rest"
CANCELLED_EARLY: Final = "cancelled before anything was changed"


def make_owner(run: Operation, old: State | None) -> Owner:
    """The owner that the state names. Without one it has no identity yet, see `begin_write`."""
    owner = Owner.of_urn(run.urn)
    if old is None:
        return owner
    identity, digest_key, title = (_read_text(old, key) for key in ("identity", "digestKey", "owner"))
    return replace(owner, identity=identity, digest_key=digest_key, former_title=title)


def begin_write(run: Operation, old: State | None) -> Owner:
    """The owner that the state names; without one, or where it lacks an identity, that of a new incarnation."""
    owner = make_owner(run, old).with_identity()
    assert owner.identity is not None
    run.identities.add(owner.identity)
    return owner


def note_identity(run: Operation, old: State) -> None:
    """Notes the identity of a state that the engine has shown: a stack knows what carries it."""
    if (identity := _read_text(old, "identity")) is not None:
        run.identities.add(identity)


async def collect_reasons(work: Awaitable[None], outcome: WriteOutcome) -> list[str]:
    """Does the work; why any of it is not done, none when all is. Raises ClusterError when nothing was begun."""
    try:
        await work
        reasons = outcome.reasons
    except asyncio.CancelledError:
        reasons = [*outcome.reasons, _CANCELLED if outcome.started else CANCELLED_EARLY]
    if reasons and not outcome.started:
        raise ClusterError("; ".join(reasons))
    return reasons


async def delete(run: Operation, what: str, work: Awaitable[None], outcome: WriteOutcome) -> None:
    """Does the work of a deletion, and says where something stays because another run wrote it.

    Nothing is said of runs that a state knows: a replacement in this very run, or one that an earlier run began.

    Args:
        what: What stays: `Secret pull`.

    Raises:
        ClusterError: some of it is not done.
    """
    reasons = []
    try:
        await work
    except asyncio.CancelledError:
        begun = f"cancelled after {outcome.done} namespaces; run the command again for the rest"
        reasons = [begun if outcome.done else CANCELLED_EARLY]
    title = Owner.of_urn(run.urn).title
    left = [place for place, identities in outcome.left.items() if not identities <= run.identities]
    for sentence in describe_by_reason(dict.fromkeys(left, f"another run of {title} wrote this, so it stays")):
        run.report.warn(f"{what} in {sentence}; if no stack keeps it, `imagepull orphans --delete` removes it")
    reasons = [*outcome.reasons, *reasons]
    if reasons:
        raise ClusterError("; ".join(reasons))


def _read_text(state: State, key: str) -> str | None:
    value = state.outputs.get(key)
    return value if isinstance(value, str) and value else None
