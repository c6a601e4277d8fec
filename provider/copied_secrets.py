"""`imagepull:index:CopiedSecrets`: between Pulumi's inputs and outputs and the copies of External Secrets Operator."""

from imagepull.differences import find_differences
from imagepull.inputs import NAMESPACE, OBJECT_NAME, Reader, require_known
from imagepull.kubernetes.progress import WriteOutcome

from .completion import collect_reasons
from .operations import DiffAnswer, Operation, Partial, State, Values

__all__ = ["CopiedSecretsResource"]

_INPUTS = ("name", "namespaces", "clusterExternalSecret", "identity")


class CopiedSecretsResource:
    """See `provider.operations.Resource`. It waits for copies, and cleans namespaces that no longer get one."""

    def check(self, inputs: Values) -> None:
        reader = Reader(values=inputs)
        reader.refuse_others(_INPUTS)
        for key in ("name", "clusterExternalSecret"):
            reader.text(key, OBJECT_NAME, required=True)
        reader.texts("namespaces", NAMESPACE, required=True)
        reader.text("identity", required=True)
        reader.raise_problems()

    def diff(self, run: Operation, old: State, new: Values) -> DiffAnswer:
        found = find_differences(old.inputs, new, sets={"namespaces": None})
        return DiffAnswer(differences=found, replaces=("name",) if "name" in found else ())

    def preview(self, old: State | None, new: Values) -> Values:
        return {} if old is None else old.outputs

    async def create(self, run: Operation, inputs: Values) -> State:
        return await self._apply(run, inputs, [])

    async def update(self, run: Operation, old: State, inputs: Values) -> State:
        return await self._apply(run, inputs, _texts(old.outputs.get("written")))

    async def read(self, run: Operation, old: State) -> State | None:
        return old if old.inputs else None

    async def delete(self, run: Operation, old: State) -> None:
        """Nothing: the copies end with the ClusterExternalSecret, and the Secrets with the RegistrySecret."""

    async def _apply(self, run: Operation, inputs: Values, before: list[str]) -> State:
        from imagepull.registry_secret import copied

        name, copies, identity = (
            str(require_known(inputs).get(key)) for key in ("name", "clusterExternalSecret", "identity")
        )
        namespaces, cluster, outcome = _texts(inputs.get("namespaces")), run.clusters.connect(), WriteOutcome()
        dropped = [place for place in before if place not in namespaces]

        async def work() -> None:
            await copied.wait_for_copies(cluster, name, namespaces, identity, outcome)
            await copied.release_namespaces(cluster, name, copies, dropped, identity, outcome, run.report)

        reasons = await collect_reasons(work(), outcome)
        left = sorted({*namespaces, *(place for place in dropped if place in outcome.failures)})
        state = State(id=name, inputs=inputs, outputs={"written": left})
        if reasons:
            raise Partial(state, reasons)
        return state


def _texts(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []
