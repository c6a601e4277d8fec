"""`imagepull:index:ServiceAccountImagePullSecrets`: between Pulumi's inputs and outputs and the domain."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from imagepull.inputs import require_known
from imagepull.kubernetes.ownership import Owner
from imagepull.kubernetes.progress import WriteOutcome
from imagepull.service_accounts import spec as service_accounts
from imagepull.service_accounts.spec import AccountsSpec

from .completion import begin_write, collect_reasons, delete, make_owner, note_identity
from .operations import DiffAnswer, Operation, Partial, State, Values

__all__ = ["ServiceAccountsResource"]


class ServiceAccountsResource:
    """See `provider.operations.Resource`."""

    def check(self, inputs: Values) -> None:
        service_accounts.parse(inputs)

    def diff(self, run: Operation, old: State, new: Values) -> DiffAnswer:
        note_identity(run, old)
        return DiffAnswer(differences=service_accounts.diff(old.inputs, new))

    def preview(self, old: State | None, new: Values) -> Values:
        return {} if old is None else old.outputs

    async def create(self, run: Operation, inputs: Values) -> State:
        return await self._apply(run, inputs, None)

    async def update(self, run: Operation, old: State, inputs: Values) -> State:
        return await self._apply(run, inputs, old)

    async def read(self, run: Operation, old: State) -> State | None:
        from imagepull.service_accounts import reader as account_reader

        owner, cluster = make_owner(run, old), run.clusters.connect()
        if not old.inputs:
            names = [name for name in old.id.split(",") if name]
            places = await account_reader.discover(cluster, names)
            imported: Values = {"secretNames": names, "namespaces": places}
            return State(id=old.id, inputs=imported, outputs=_make_outputs(owner))
        held = await account_reader.read(cluster, _read_recorded(old), owner, run.report)
        intact = [place for place in _read_recorded(old).namespaces if place in held.intact]
        edited = [place for place in held.claimed if place not in held.intact]
        if not intact and not edited:
            return None
        return State(
            id=old.id, inputs={**old.inputs, "namespaces": intact}, outputs=_make_outputs(owner, edited, held.missing)
        )

    async def delete(self, run: Operation, old: State) -> None:
        from imagepull.service_accounts import writer as account_writer

        outcome, cluster = WriteOutcome(), run.clusters.connect()
        removal = account_writer.remove(cluster, _read_recorded(old), make_owner(run, old), outcome, run.report)
        await delete(run, "imagePullSecrets of ServiceAccounts", removal, outcome)

    async def _apply(self, run: Operation, inputs: Values, old: State | None) -> State:
        from imagepull.service_accounts import writer as account_writer

        spec, owner = service_accounts.parse(require_known(inputs)), begin_write(run, old)
        previous = None if old is None else _read_recorded(old)
        outcome, cluster = account_writer.AccountsOutcome(), run.clusters.connect()
        reasons = await collect_reasons(
            account_writer.apply(cluster, spec, owner, previous, outcome, run.report), outcome
        )
        state = State(
            id=",".join(spec.secret_names) or spec.node_role,
            inputs=inputs,
            outputs=_make_outputs(owner, (), outcome.missing),
        )
        if reasons:
            raise Partial(state, reasons)
        return state


def _make_outputs(
    owner: Owner, edited: Sequence[str] = (), missing: Mapping[str, Sequence[str]] | None = None
) -> Values:
    """Outputs of the resource.

    Args:
        edited: Namespaces that a refresh took out of the inputs, though accounts in them still bear our mark.
        missing: Listed names without a Secret, by `namespace/account`.
    """
    outputs: Values = {"owner": owner.title, "identity": owner.identity, "missingSecrets": dict(missing or {})}
    return {**outputs, **({"edited": list(edited)} if edited else {})}


def _read_recorded(old: State) -> AccountsSpec:
    """What the state says of the last run, edited namespaces included."""
    spec = service_accounts.parse(old.inputs, required=False)
    edited = old.outputs.get("edited")
    extra = [str(place) for place in edited if place not in spec.namespaces] if isinstance(edited, list) else []
    return replace(spec, namespaces=(*spec.namespaces, *extra))
