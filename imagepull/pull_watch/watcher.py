"""Watches workloads that are being rolled out, until all their images are there or the time is up."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from imagepull.kubernetes.client import Cluster, for_each
from imagepull.plain_text import to_one_line
from imagepull.pull_watch.found_causes import describe_command
from imagepull.pull_watch.namespace import NamespaceWatch, Pacing, Warnings
from imagepull.pull_watch.spec import WatchSpec

__all__ = ["Clock", "watch"]

_LOOK: Final = 1.5
"""Seconds from one look to the next."""
_LOOK_PER_NAMESPACE: Final = 0.02
"""Seconds more for each namespace: a thousand of them are no more requests in a second than fifty."""
_MOST_NAMED: Final = 10
_UNTIL_MADE: Final = 60.0
"""Seconds after which a workload that nobody makes is not waited for: the run has failed elsewhere, most likely."""


@dataclass(frozen=True, kw_only=True)
class Clock:
    """The time in seconds, and how to let it pass."""

    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    now: Callable[[], float] = time.monotonic


async def watch(cluster: Cluster, spec: WatchSpec, warnings: Warnings, clock: Clock | None = None) -> list[str]:
    """The causes that were still there at the end: when every image is, or the time is up.

    With `spec.fail` it also ends once every workload has its images or a cause that does not pass by itself: to wait on
    would only make the run longer. It does not end at the first cause, so that one run tells all of them.

    Raises:
        ClusterUnreachable: the cluster is gone.
    """
    clock = clock or Clock()
    places: dict[str, NamespaceWatch] = {}
    for workload in spec.workloads:
        namespace = workload.namespace or cluster.namespace
        if namespace not in places:
            pacing = Pacing(now=clock.now)
            places[namespace] = NamespaceWatch(cluster=cluster, namespace=namespace, warnings=warnings, pacing=pacing)
        places[namespace].pending.append(workload)
    started = moved = clock.now()
    before: list[tuple[int, int]] = []
    while True:
        waiting = [each for each in places.values() if each.pending]
        await for_each(waiting, NamespaceWatch.look)
        now, after = clock.now(), [(len(each.pending), len(each.made)) for each in places.values()]
        before, moved = after, moved if after == before else now
        if all(each.is_over(fail=spec.fail) for each in places.values()):
            break
        nothing_made = all(each.made.isdisjoint(each.pending) for each in waiting)
        if now - started >= spec.timeout or (nothing_made and now - moved >= _UNTIL_MADE):
            _tell_what_is_left(places, warnings, now - started)
            break
        pause = _LOOK + _LOOK_PER_NAMESPACE * len(waiting)
        await clock.sleep(min(pause, started + spec.timeout - now))
    return [sentence for place in places.values() for sentence in place.found.told.values()]


def _tell_what_is_left(places: dict[str, NamespaceWatch], warnings: Warnings, seconds: float) -> None:
    """One warning that names the workloads without all of their images of which nothing was said yet."""
    silent = [
        (place.namespace, workload)
        for place in places.values()
        for workload in place.pending
        if not any(key[0] == workload for key in place.found.told)
    ]
    if not silent:
        return
    named = [
        f"{place}/{each.kind}/{each.name}{'' if each in places[place].made else ' (not made yet)'}"
        for place, each in silent[:_MOST_NAMED]
    ]
    more = f" and {len(silent) - _MOST_NAMED} more" if len(silent) > _MOST_NAMED else ""
    place, first = silent[0]
    command = describe_command(first.kind, first.name, place)
    warnings.warn(
        to_one_line(
            f"after {seconds:.0f} seconds not all images are there of {', '.join(named)}{more};"
            f" they are not watched any more. To see why: {command}",
            2000,
        )
    )
