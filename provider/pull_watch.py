"""`imagepull:index:PullWatch`: between Pulumi's inputs and outputs and the domain."""

import asyncio
from typing import Final

from imagepull.errors import ClusterUnreachable, ImagePullError
from imagepull.inputs import require_known
from imagepull.pull_watch import spec as pull_watch

from .operations import DiffAnswer, Operation, State, Values

__all__ = ["PullWatchResource"]

_ID: Final = "pull-watch"
_CANCELLED: Final = "the watch was cancelled; the next `pulumi up` watches again"


class PullWatchResource:
    """See `provider.operations.Resource`. It only looks: nothing of it is in the cluster."""

    def check(self, inputs: Values) -> None:
        pull_watch.parse(inputs)

    def diff(self, run: Operation, old: State, new: Values) -> DiffAnswer:
        return DiffAnswer(differences=pull_watch.find_changes(old.inputs, new))

    def preview(self, old: State | None, new: Values) -> Values:
        return {} if old is None else old.outputs

    async def create(self, run: Operation, inputs: Values) -> State:
        return await self._watch(run, inputs)

    async def update(self, run: Operation, old: State, inputs: Values) -> State:
        return await self._watch(run, inputs)

    async def read(self, run: Operation, old: State) -> State | None:
        return old if old.inputs else None

    async def delete(self, run: Operation, old: State) -> None:
        """Nothing: it has made nothing."""

    async def _watch(self, run: Operation, inputs: Values) -> State:
        """Watches to the end.

        Raises:
            ImagePullError: it was cancelled, or with `fail` an image cannot be pulled. Then the state does not have the
                new images, and the next `up` watches again.
        """
        from imagepull.pull_watch.watcher import watch

        spec = pull_watch.parse(require_known(inputs))
        causes: list[str] = []
        try:
            causes = await watch(run.clusters.connect(), spec, run.report)
        except ClusterUnreachable as error:
            run.report.warn(f"images are not watched any more: {error}")
        except asyncio.CancelledError:
            raise ImagePullError(_CANCELLED) from None
        if causes and spec.fail:
            raise ImagePullError("\n".join(["images that cannot be pulled:", *causes]))
        return State(id=_ID, inputs=inputs, outputs={})
