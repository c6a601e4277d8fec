"""What the two resources have in common: whose objects they write, and what becomes of work that is cut short."""

import asyncio
from collections.abc import Awaitable
from dataclasses import replace
from typing import Final

from imagepull.errors import ClusterError
from imagepull.kubernetes.ownership import Owner
from imagepull.kubernetes.progress import WriteOutcome

from .operations import Operation, State

__all__ = ["CANCELLED_EARLY", "collect_reasons", "do_all", "make_owner"]

_CANCELLED: Final = "cancelled before all namespaces were written; the next update writes the rest"
CANCELLED_EARLY: Final = "cancelled before anything was changed"


def make_owner(run: Operation, old: State | None) -> Owner:
    """The owner that the state names. Without one it has no identity yet, see `Owner.with_identity`."""
    owner, outputs = Owner.of_urn(run.urn), {} if old is None else old.outputs

    def known(key: str) -> str | None:
        value = outputs.get(key)
        return value if isinstance(value, str) and value else None

    return replace(owner, identity=known("identity"), digest_key=known("digestKey"), former_title=known("owner"))


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


async def do_all(work: Awaitable[None], outcome: WriteOutcome) -> None:
    """Does the work; raises ClusterError when any of it is not done."""
    reasons = []
    try:
        await work
    except asyncio.CancelledError:
        begun = f"cancelled after {outcome.done} namespaces; run the command again for the rest"
        reasons = [begun if outcome.done else CANCELLED_EARLY]
    reasons = [*outcome.reasons, *reasons]
    if reasons:
        raise ClusterError("; ".join(reasons))
