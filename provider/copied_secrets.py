"""`imagepull:index:CopiedSecrets`: between Pulumi's inputs and outputs and the copies of External Secrets Operator."""

from dataclasses import replace

from imagepull.differences import find_differences
from imagepull.errors import ClusterError, Forbidden
from imagepull.inputs import NAMESPACE, OBJECT_NAME, Reader, require_known
from imagepull.kubernetes.ownership import Owner
from imagepull.kubernetes.progress import WriteOutcome

from .completion import collect_reasons, delete
from .operations import DiffAnswer, Operation, Partial, State, Values

__all__ = ["CopiedSecretsResource"]

_INPUTS = ("name", "namespaces", "clusterExternalSecret", "identity", "sourceNamespace", "sourceDigest")


class CopiedSecretsResource:
    """See `provider.operations.Resource`. It waits for copies, and cleans namespaces that no longer get one."""

    def check(self, inputs: Values) -> None:
        reader = Reader(values=inputs)
        reader.refuse_others(_INPUTS)
        for key in ("name", "clusterExternalSecret"):
            reader.read_text(key, OBJECT_NAME, required=True)
        reader.read_texts("namespaces", NAMESPACE, required=True)
        reader.read_text("sourceNamespace", NAMESPACE, required=True)
        for key in ("identity", "sourceDigest"):
            reader.read_text(key, required=True)
        reader.raise_problems()

    def diff(self, run: Operation, old: State, new: Values) -> DiffAnswer:
        found = find_differences(old.inputs, new, sets={"namespaces": None})
        outputs = ("unlabelled",) if _keep_texts(old.outputs.get("unlabelled")) else ()
        return DiffAnswer(differences=found, outputs=outputs, replaces=("name",) if "name" in found else ())

    def preview(self, old: State | None, new: Values) -> Values:
        return {} if old is None else {**old.outputs, "unlabelled": []}

    async def create(self, run: Operation, inputs: Values) -> State:
        return await self._apply(run, inputs, [])

    async def update(self, run: Operation, old: State, inputs: Values) -> State:
        before = {*_keep_texts(old.outputs.get("written")), *_keep_texts(old.outputs.get("unlabelled"))}
        return await self._apply(run, inputs, sorted(before))

    async def read(self, run: Operation, old: State) -> State | None:
        if not old.inputs:
            return None
        unlabelled = await _find_unlabelled(run, old)
        if unlabelled:
            run.report.warn(
                f"namespace {', '.join(unlabelled)}: has lost the label by which it gets Secret {old.id}; the next"
                " `pulumi up` deletes the copy, and the finalizer that would keep the namespace from being deleted"
            )
        return State(id=old.id, inputs=old.inputs, outputs={**old.outputs, "unlabelled": unlabelled})

    async def delete(self, run: Operation, old: State) -> None:
        """Only what the operator would leave: the copies end with the ClusterExternalSecret, and the Secrets with the
        RegistrySecret."""
        from imagepull.registry_secret import copied

        unlabelled, outcome = await _find_unlabelled(run, old), WriteOutcome()
        copies, owner = str(old.inputs.get("clusterExternalSecret")), _make_owner_of_copies(run, old.inputs)
        cluster = run.clusters.connect()
        work = copied.release_namespaces(cluster, old.id, copies, unlabelled, owner, outcome, run.report)
        await delete(run, f"Secret {old.id}", work, outcome)

    async def _apply(self, run: Operation, inputs: Values, before: list[str]) -> State:
        from imagepull.registry_secret import copied
        from imagepull.renewal.operator_source import wait_for_source

        name, copies, identity, home = (
            str(require_known(inputs).get(key))
            for key in ("name", "clusterExternalSecret", "identity", "sourceNamespace")
        )
        namespaces, cluster, outcome = _keep_texts(inputs.get("namespaces")), run.clusters.connect(), WriteOutcome()
        dropped = [place for place in before if place not in namespaces]

        async def work() -> None:
            try:
                await wait_for_source(cluster, name, home)
            except ClusterError as error:
                outcome.started = True
                outcome.problems.append(str(error))
            else:
                await copied.wait_for_copies(cluster, name, namespaces, identity, outcome)
            owner = _make_owner_of_copies(run, inputs)
            await copied.release_namespaces(cluster, name, copies, dropped, owner, outcome, run.report)

        reasons = await collect_reasons(work(), outcome)
        left = sorted({*namespaces, *(place for place in dropped if place in outcome.failures)})
        state = State(id=name, inputs=inputs, outputs={"written": left, "unlabelled": []})
        if reasons:
            raise Partial(state, reasons)
        return state


async def _find_unlabelled(run: Operation, old: State) -> list[str]:
    """See `copied.find_unlabelled`; none where namespaces may not be listed."""
    from imagepull.registry_secret import copied

    try:
        return await copied.find_unlabelled(run.clusters.connect(), str(old.inputs.get("clusterExternalSecret")))
    except Forbidden as error:
        run.report.warn(f"which namespaces have lost their label is not known: {error}")
        return []


def _make_owner_of_copies(run: Operation, inputs: Values) -> Owner:
    """The RegistrySecret whose identity the copies carry. RegistryAccess gives both resources one name."""
    return replace(Owner.of_urn(run.urn), identity=str(inputs.get("identity")))


def _keep_texts(value: object) -> list[str]:
    return [str(each) for each in value] if isinstance(value, list) else []
