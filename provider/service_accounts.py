"""`imagepull:index:ServiceAccountImagePullSecrets`: between Pulumi's inputs and outputs and the domain."""

import asyncio

from imagepull import service_accounts
from imagepull.errors import ClusterError
from imagepull.ownership import Owner
from provider.requests import DiffAnswer, Partial, Run, State, Values


class ServiceAccountImagePullSecrets:
    """See `provider.requests.Resource`."""

    def check(self, inputs: Values) -> None:
        service_accounts.check(inputs)

    def diff(self, run: Run, old: State, new: Values) -> DiffAnswer:
        return DiffAnswer(differences=service_accounts.diff(old.inputs, new))

    def preview(self, old: State | None, new: Values) -> Values:
        return {} if old is None else old.outputs

    async def create(self, run: Run, inputs: Values) -> State:
        return await self._apply(run, inputs, Owner.of_urn(run.urn), None)

    async def update(self, run: Run, old: State, inputs: Values) -> State:
        return await self._apply(run, inputs, _owner(run, old), old)

    async def read(self, run: Run, old: State) -> State | None:
        from imagepull import account_reader

        owner = _owner(run, old)
        cluster = run.clusters.connect()
        if not old.inputs:
            names = [name for name in old.id.split(",") if name]
            places = await account_reader.discover(cluster, names)
            inputs: Values = {"secretNames": names, "namespaces": places}
        else:
            spec = service_accounts.parse_recorded(old.inputs)
            held = await account_reader.read(cluster, spec, owner, run.report)
            if not held.claimed and not held.intact:
                return None
            inputs = {**old.inputs, "namespaces": held.intact}
        return State(id=old.id, inputs=inputs, outputs={"owner": owner.title})

    async def delete(self, run: Run, old: State) -> None:
        from imagepull import account_writer
        from imagepull.progress import Outcome

        outcome = Outcome()
        spec = service_accounts.parse_recorded(old.inputs)
        await account_writer.remove(run.clusters.connect(), spec, _owner(run, old), outcome, run.report)
        if outcome.reasons:
            raise ClusterError("; ".join(outcome.reasons))

    async def _apply(self, run: Run, inputs: Values, owner: Owner, old: State | None) -> State:
        from imagepull import account_writer
        from imagepull.progress import Outcome

        spec = service_accounts.parse(inputs)
        previous = None if old is None else service_accounts.parse_recorded(old.inputs)
        outcome = Outcome()
        try:
            await account_writer.apply(run.clusters.connect(), spec, owner, previous, outcome, run.report)
            reasons = outcome.reasons
        except asyncio.CancelledError:
            reasons = [
                *outcome.reasons,
                "cancelled before all namespaces were written; the next update writes the rest",
            ]
        if reasons and not outcome.started:
            raise ClusterError("; ".join(reasons))
        state = State(id=",".join(spec.secret_names), inputs=inputs, outputs={"owner": owner.title})
        if reasons:
            raise Partial(state, reasons)
        return state


def _owner(run: Run, old: State) -> Owner:
    title = old.outputs.get("owner")
    return Owner(title=title) if isinstance(title, str) else Owner.of_urn(run.urn)
