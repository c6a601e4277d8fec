"""One namespace of a watch: looks at its Pods, has failures diagnosed, and knows which workloads are done.

One list of Pods for each look. What else the diagnosis reads is read only while something waits, and less often as long
as nothing changes.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Protocol

from imagepull.diagnosis.case_file import parse_case
from imagepull.diagnosis.reader import read
from imagepull.diagnosis.rules import diagnose
from imagepull.errors import Forbidden, RequestRefused, RequestUnanswered, Unauthorized
from imagepull.kubernetes.client import Cluster
from imagepull.kubernetes.kinds import KINDS
from imagepull.pull_watch.found_causes import FoundCauses
from imagepull.pull_watch.rollout import (
    PodProgress,
    Rollout,
    find_workload,
    has_all_images,
    parse_pod_progress,
    parse_rollout,
)
from imagepull.pull_watch.spec import WatchedWorkload
from imagepull.redaction import redact

__all__ = ["NamespaceWatch", "Pacing", "Warnings"]

_AFTER_FAILURE: Final = 3.0
_QUIET: Final = 10.0
_LONGEST: Final = 30.0

Owned = Mapping[WatchedWorkload, Sequence[PodProgress]]
"""The Pods of each workload."""


class Warnings(Protocol):
    """Where a watch tells what it finds."""

    def warn(self, message: str) -> None:
        """Something a person should know, though the run goes on."""


@dataclass(kw_only=True)
class Pacing:
    """When to diagnose: at once when a container begins to fail, then after 3, 6, 12, ... 30 seconds.

    While Pods wait without a failure it is every 10 to 30 seconds: of a Pod whose sandbox fails only an Event tells.
    """

    now: Callable[[], float] = time.monotonic
    _seen: frozenset[tuple[str, str]] = frozenset()
    _next: float | None = None
    _pause: float = _QUIET

    def is_time(self, failing: frozenset[tuple[str, str]]) -> bool:
        """Whether to diagnose now. `failing`: Pod and container of all that fail."""
        now = self.now()
        if failing - self._seen:
            self._seen |= failing
            self._pause = _AFTER_FAILURE
        elif self._next is None:
            self._next = now + self._pause
            return False
        elif now < self._next:
            return False
        else:
            self._pause = min(2 * self._pause, _LONGEST)
        self._next = now + self._pause
        return True


@dataclass(kw_only=True)
class NamespaceWatch:
    """The workloads of one namespace.

    Attributes:
        pending: those that still wait for an image, as far as is known.
        made: those that the cluster has, with their new images.
        found: the causes that were told, of pending workloads.
    """

    cluster: Cluster
    namespace: str
    warnings: Warnings
    pacing: Pacing = field(default_factory=Pacing)
    pending: list[WatchedWorkload] = field(default_factory=list)
    made: set[WatchedWorkload] = field(default_factory=set)
    found: FoundCauses = field(default_factory=FoundCauses)
    _may_list: bool = True

    def is_over(self, *, fail: bool) -> bool:
        """Whether there is nothing to wait for: no image, or with `fail` none that could still come."""
        return all(fail and self.found.is_hopeless(each) for each in self.pending)

    async def look(self) -> None:
        """Lists the Pods, has failures diagnosed, and leaves out workloads that have their images.

        Raises:
            ClusterUnreachable: the cluster is gone.
        """
        try:
            pods = await self.cluster.list(KINDS["Pod"], namespace=self.namespace, parse=parse_pod_progress)
        except (Forbidden, Unauthorized) as error:
            self.warnings.warn(f"namespace {self.namespace} is not watched: {error}")
            self.pending = []
            return
        except (RequestUnanswered, RequestRefused):
            return  # the next look will do
        owned: dict[WatchedWorkload, list[PodProgress]] = {each: [] for each in self.pending}
        for pod in pods:
            workload = find_workload(self.pending, pod)
            if workload is not None:
                owned[workload].append(pod)
                if pod.images >= workload.images:
                    self.made.add(workload)
        waiting = {pod.uid: pod for own in owned.values() for pod in own if not pod.ready and not pod.leaving}
        failing = frozenset((pod.uid, name) for pod in waiting.values() for name in pod.failing)
        if waiting and self.pacing.is_time(failing):
            await self._diagnose(owned, waiting)
        for done in await self._find_done(owned):
            self.pending.remove(done)
            self.found.forget(done)

    async def _diagnose(self, owned: Owned, waiting: Mapping[str, PodProgress]) -> None:
        """Warns of each cause that is new."""
        try:
            reading = await read(self.cluster, self.namespace, None)
        except (RequestUnanswered, RequestRefused):
            return
        owner_of = {pod.uid: workload for workload, own in owned.items() for pod in own if pod.uid in waiting}
        for case in map(parse_case, reading.rows):
            workload = owner_of.get(case.pod.uid)
            if workload is None:
                continue  # somebody else's
            name = next(name for kind, name in waiting[case.pod.uid].owners if workload.is_called(kind, name))
            images = {redact(image) for image in workload.images}
            for answer in diagnose(case):
                sentence = self.found.note(workload, name, answer) if answer.image in images else None
                if sentence is not None:
                    self.warnings.warn(sentence)

    async def _find_done(self, owned: Owned) -> list[WatchedWorkload]:
        """Those that have their images. Workloads are listed only where their Pods do not already say no."""
        perhaps = [
            workload
            for workload, own in owned.items()
            if all(each.ready or each.leaving for each in own if each.images >= workload.images)
        ]
        rollouts = await self._read_rollouts({each.kind for each in perhaps})
        done = []
        for each in perhaps:
            known = next((rollout for rollout in rollouts if each.is_called(rollout.kind, rollout.name)), None)
            if known is None and self._may_list:
                continue  # not made yet
            if known is not None and known.images >= each.images:
                self.made.add(each)
            if has_all_images(each, owned[each], known):
                done.append(each)
        return done

    async def _read_rollouts(self, kinds: set[str]) -> list[Rollout]:
        """The namespace's workloads of these kinds, as far as they may be listed."""
        found: list[Rollout] = []
        for kind in sorted(kinds) if self._may_list else ():
            try:
                found += await self.cluster.list(
                    KINDS[kind], namespace=self.namespace, parse=partial(parse_rollout, kind)
                )
            except (Forbidden, Unauthorized):
                self._may_list = False
            except (RequestUnanswered, RequestRefused):
                continue  # the next look will do
        return found
