"""`imagepull:index:RegistrySecret`: between Pulumi's inputs and outputs and the domain."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import cast

from imagepull.inputs import UNKNOWN, require_known
from imagepull.kubernetes.ownership import Owner
from imagepull.registries import lifetimes as renewal
from imagepull.registry_secret import spec as registry_secret
from imagepull.registry_secret.spec import Renewal, SecretSpec
from imagepull.registry_secret.state import Previous

from .completion import begin_write, collect_reasons, delete, make_owner, note_identity
from .operations import DiffAnswer, Operation, Partial, State, Values

__all__ = ["RegistrySecretResource"]


class RegistrySecretResource:
    """See `provider.operations.Resource`."""

    def __init__(self) -> None:
        self._writers: dict[tuple[object, object], str] = {}
        """URN of the resource that has each Secret, by name and namespace, as far as this process has seen."""
        self._owners: dict[str, Owner] = {}
        """Owners in the state, by URN, of the resources that the program still declares."""

    def check(self, inputs: Values) -> None:
        registry_secret.parse(inputs)

    def diff(self, run: Operation, old: State, new: Values) -> DiffAnswer:
        note_identity(run, old)
        self._find_rivals(run.urn, new)
        self._owners[run.urn] = make_owner(run, old)
        found = registry_secret.diff(
            old.inputs, new, renewal.parse_lifetimes(old.outputs.get("lifetimes")), datetime.now(UTC)
        )
        if found.renewal is not None and not found.replaces:
            left = renewal.describe_time_left(found.renewal.seconds_left)
            run.report.info(f"renewal due: {left} for {found.renewal.host}")
        elif found.unknown is not None and not found.replaces:
            run.report.info(f"renewal due: it is not known how long the token of {found.unknown} lives")
        return DiffAnswer(
            differences=found.differences,
            outputs=() if found.renewal is None and found.unknown is None else ("expiresAt",),
            replaces=("name",) if found.replaces else (),
        )

    def preview(self, old: State | None, new: Values) -> Values:
        uids: object = UNKNOWN
        if old is not None and isinstance(new.get("namespaces"), list):
            before = _keep_texts(old.outputs.get("uids"))
            uids = {str(each): before.get(str(each), UNKNOWN) for each in cast(list[object], new["namespaces"])}
        known = {} if old is None else old.outputs
        return {
            "name": new.get("name"),
            "hosts": registry_secret.list_hosts(new),
            "uids": uids,
            "lifetimes": UNKNOWN,
            "expiresAt": UNKNOWN if registry_secret.holds_tokens(new) else None,
            **{key: known.get(key) or UNKNOWN for key in ("owner", "identity", "digestKey")},
        }

    async def create(self, run: Operation, inputs: Values) -> State:
        return await self._apply(run, inputs, None)

    async def update(self, run: Operation, old: State, inputs: Values) -> State:
        return await self._apply(run, inputs, old)

    async def read(self, run: Operation, old: State) -> State | None:
        from imagepull.registry_secret import reader as secret_reader

        owner = make_owner(run, old)
        if not old.inputs:
            imported = await secret_reader.discover(run.clusters.connect(), old.id, owner, run.report)
            return State(
                id=old.id,
                inputs={
                    "name": old.id,
                    "namespaces": sorted(imported.uids),
                    "registries": [{"host": host} for host in imported.ecr_hosts],
                },
                # Whoever had the key is gone, so no lifetime is believed: the tokens are due.
                outputs=_make_outputs(
                    old.id, imported.ecr_hosts, replace(owner, identity=imported.identity), imported.uids
                ),
            )
        spec = registry_secret.parse(old.inputs, required=False)
        if _is_left_to_operator(old):
            return await self._leave_to_operator(run, old.inputs, spec, owner, _read_previous(old))
        held = await secret_reader.read(run.clusters.connect(), spec, owner, _read_previous(old), run.report)
        if not held.uids:
            return None
        hosts = [registry.host for registry in spec.registries]
        return State(
            id=old.id,
            inputs={**old.inputs, "namespaces": held.intact},
            outputs=_make_outputs(spec.name, hosts, owner, held.uids, held.lifetimes),
        )

    async def delete(self, run: Operation, old: State) -> None:
        from imagepull.registry_secret import writer as secret_writer

        outcome = secret_writer.SecretOutcome()
        cluster, owner = run.clusters.connect(), make_owner(run, old)
        if _is_left_to_operator(old):
            from imagepull.registry_secret import copied
            from imagepull.renewal.external_secrets import make_source_name

            copies, places = make_source_name(old.id), _read_previous(old).all_namespaces
            work = copied.release_namespaces(cluster, old.id, copies, places, owner, outcome, run.report)
        else:
            previous = _read_previous(old)
            heirs = self._find_heirs(run.urn, old.id, previous)
            work = secret_writer.remove(cluster, old.id, owner, previous, outcome, run.report, heirs)
        await delete(run, f"Secret {old.id}", work, outcome)

    async def _apply(self, run: Operation, inputs: Values, old: State | None) -> State:
        from imagepull.registry_secret import writer as secret_writer

        spec, owner = registry_secret.parse(require_known(inputs)), begin_write(run, old)
        previous = Previous() if old is None else _read_previous(old)
        if spec.renewal is Renewal.EXTERNAL_SECRETS:
            return await self._leave_to_operator(run, inputs, spec, owner, previous)
        outcome = secret_writer.SecretOutcome()
        cluster = run.clusters.connect()
        outcome.failures.update(self._find_rivals(run.urn, inputs))
        work = secret_writer.apply(cluster, run.tokens, spec, owner, previous, outcome, run.report)
        reasons = await collect_reasons(work, outcome)
        hosts = [registry.host for registry in spec.registries]
        outputs = _make_outputs(spec.name, hosts, owner, outcome.uids, outcome.lifetimes)
        state = State(id=spec.name, inputs=inputs, outputs=outputs)
        if reasons:
            raise Partial(state, reasons)
        return state

    def _find_rivals(self, urn: str, inputs: Values) -> dict[str, str]:
        """Namespaces in which another resource of this program has the same Secret, and what to do about it.

        The cluster does not show which: both may have one title, and one of them could be the other's replacement.
        """
        namespaces, found = inputs.get("namespaces"), {}
        for namespace in namespaces if isinstance(namespaces, list) else []:
            if not isinstance(namespace, str) or not isinstance(inputs.get("name"), str):
                continue
            writer = self._writers.setdefault((inputs["name"], namespace), urn)
            if writer != urn:
                found[namespace] = (
                    f"{writer} of this program writes Secret {inputs['name']} there, too; give one of them another name"
                )
        return found

    def _find_heirs(self, urn: str, name: str, previous: Previous) -> dict[str, Owner]:
        """By namespace, the resource of this program that had the Secret before this one took it over, and asks for it.

        So it is when a resource moved without an alias, the update was cut short, and the program is as it was before:
        the resource that is there again has nothing to change, and would lose its Secret with the other's deletion.
        """
        writers = {place: self._writers.get((name, place), urn) for place in previous.all_namespaces}
        return {place: self._owners[one] for place, one in writers.items() if one != urn and one in self._owners}

    async def _leave_to_operator(
        self, run: Operation, inputs: Values, spec: SecretSpec, owner: Owner, previous: Previous
    ) -> State:
        """Writes nothing: a Secret has one writer. What is there stays until the operator takes it over."""
        from imagepull.registry_secret import copied

        places = {*spec.namespaces, *previous.all_namespaces}
        uids = await copied.find_uids(run.clusters.connect(), spec.name, places, owner.identity, previous.uids)
        hosts = [registry.host for registry in spec.registries]
        return State(id=spec.name, inputs=inputs, outputs=_make_outputs(spec.name, hosts, owner, uids))


def _is_left_to_operator(old: State) -> bool:
    return old.inputs.get("renewal") == Renewal.EXTERNAL_SECRETS


def _read_previous(old: State) -> Previous:
    namespaces, hosts = (
        each if isinstance(each, list) else [] for each in (old.inputs.get("namespaces"), old.outputs.get("hosts"))
    )
    digest_key = old.outputs.get("digestKey")
    return Previous(
        namespaces=[str(each) for each in namespaces],
        uids=_keep_texts(old.outputs.get("uids")),
        hosts=[str(each) for each in hosts],
        labels=_keep_texts(old.inputs.get("labels")).keys(),
        annotations=_keep_texts(old.inputs.get("annotations")).keys(),
        digest_key=digest_key if isinstance(digest_key, str) and digest_key else None,
    )


def _make_outputs(
    name: str,
    hosts: list[str],
    owner: Owner,
    uids: Mapping[str, str],
    lifetimes: Mapping[str, renewal.Lifetime] | None = None,
) -> Values:
    expires = renewal.find_earliest_expiry(lifetimes or {})
    return {
        "name": name,
        "hosts": hosts,
        "owner": owner.title,
        "identity": owner.identity,
        "digestKey": owner.digest_key,
        "uids": dict(sorted(uids.items())),
        "lifetimes": renewal.format_lifetimes(lifetimes or {}),
        "expiresAt": None if expires is None else renewal.format_time(expires),
    }


def _keep_texts(value: object) -> dict[str, str]:
    return {str(key): str(each) for key, each in value.items()} if isinstance(value, Mapping) else {}
