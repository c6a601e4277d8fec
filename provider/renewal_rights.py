"""`imagepull:index:RenewalRights`: between Pulumi's inputs and outputs and the domain."""

from imagepull.inputs import require_known
from imagepull.kubernetes.progress import WriteOutcome
from imagepull.renewal import rights

from .completion import begin_write, collect_reasons, delete, make_owner, note_identity
from .operations import DiffAnswer, Operation, Partial, State, Values

__all__ = ["RenewalRightsResource"]


class RenewalRightsResource:
    """See `provider.operations.Resource`."""

    def check(self, inputs: Values) -> None:
        rights.parse(inputs)

    def diff(self, run: Operation, old: State, new: Values) -> DiffAnswer:
        note_identity(run, old)
        found = rights.diff(old.inputs, new)
        return DiffAnswer(differences=found, replaces=("name",) if "name" in found else ())

    def preview(self, old: State | None, new: Values) -> Values:
        return {} if old is None else old.outputs

    async def create(self, run: Operation, inputs: Values) -> State:
        return await self._apply(run, inputs, None)

    async def update(self, run: Operation, old: State, inputs: Values) -> State:
        return await self._apply(run, inputs, old)

    async def read(self, run: Operation, old: State) -> State | None:
        from imagepull.renewal import rights_writer

        if not old.inputs:
            return None
        spec = rights.parse(old.inputs, required=False)
        intact = await rights_writer.find_intact(run.clusters.connect(), spec, make_owner(run, old))
        if not intact:
            return None
        return State(id=old.id, inputs={**old.inputs, "namespaces": intact}, outputs=old.outputs)

    async def delete(self, run: Operation, old: State) -> None:
        from imagepull.renewal import rights_writer

        outcome, cluster = WriteOutcome(), run.clusters.connect()
        removal = rights_writer.remove(cluster, old.id, make_owner(run, old), _list_written(old), outcome, run.report)
        await delete(run, f"Role and RoleBinding {old.id}", removal, outcome)

    async def _apply(self, run: Operation, inputs: Values, old: State | None) -> State:
        from imagepull.renewal import rights_writer

        spec, owner = rights.parse(require_known(inputs)), begin_write(run, old)
        outcome, cluster = WriteOutcome(), run.clusters.connect()
        previous = () if old is None else _list_written(old)
        work = rights_writer.apply(cluster, spec, owner, previous, outcome, run.report)
        reasons = await collect_reasons(work, outcome)
        # Namespaces that could not be cleared are kept in mind, for the next update and for the deletion.
        left = sorted({*spec.namespaces, *(place for place in previous if place in outcome.failures)})
        state = State(
            id=spec.name, inputs=inputs, outputs={"owner": owner.title, "identity": owner.identity, "written": left}
        )
        if reasons:
            raise Partial(state, reasons)
        return state


def _list_written(old: State) -> list[str]:
    """Namespaces that may hold our objects."""
    written = old.outputs.get("written")
    return [str(place) for place in written] if isinstance(written, list) else []
