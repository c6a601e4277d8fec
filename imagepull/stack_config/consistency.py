"""What must hold between the values of a stack's configuration, and what people write in place of something else."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from difflib import get_close_matches
from typing import Any, Final

from imagepull.errors import InvalidInput, Problem
from imagepull.inputs import NAMESPACE, Reader, describe_value, to_camel_case
from imagepull.kubernetes.cluster_inputs import CLUSTER_IDENTIFIER, CLUSTER_INPUTS
from imagepull.plain_text import to_one_line
from imagepull.pull_plan.kinds import ONLY_FOR, REQUIRED_FOR, WorkloadKind
from imagepull.registries.secret_properties import REGISTRY_SECRETS
from imagepull.registry_secret import spec as registry_secret
from imagepull.registry_secret.spec import Renewal
from imagepull.renewal.cron_job import find_profiles
from imagepull.renewal.node import find_unfit_registries
from imagepull.renewal.settings import (
    CRON_JOB_INPUTS,
    EXTERNAL_SECRETS_INPUTS,
    NODE_INPUTS,
    parse_cron_job,
    parse_external_secrets,
    parse_node,
)
from imagepull.stack_config.environment import Environment, Verify
from imagepull.stack_config.stack_file import report_plain_secret

__all__ = [
    "check_clusters",
    "check_combinations",
    "check_mappings",
    "check_passwords",
    "check_prefixes",
    "check_registries",
]

_ACCESS: Final = [key for key in registry_secret.INPUTS if key not in ("name", "namespaces")]
_RENEWAL_SETTINGS: Final[Mapping[str, tuple[Renewal, Sequence[str], Callable[[Mapping[str, object], str], object]]]] = {
    "cronJob": (Renewal.CRON_JOB, CRON_JOB_INPUTS, parse_cron_job),
    "externalSecrets": (Renewal.EXTERNAL_SECRETS, EXTERNAL_SECRETS_INPUTS, parse_external_secrets),
    "node": (Renewal.NODE, NODE_INPUTS, parse_node),
}
_FOR_REGISTRIES: Final[Mapping[str, Callable[[Sequence[Mapping[str, object]]], list[Problem]]]] = {
    Renewal.CRON_JOB.value: find_profiles,
    Renewal.NODE.value: find_unfit_registries,
}
"""What a way of renewal cannot do with a registry."""
_PROVIDER: Final = "imagepull"


def check_clusters(config: Mapping[str, str], elsewhere: bool) -> Iterator[Problem]:
    """The Secrets (`imagepull`) and the workloads (`kubernetes`) go to one cluster."""
    for key in CLUSTER_INPUTS:
        ours, theirs = f"imagepull:{key}", f"kubernetes:{key}"
        for each in (ours, theirs):
            if elsewhere and each in config:
                instead = "write it under cluster" if key == CLUSTER_IDENTIFIER else "leave one of them out"
                yield Problem(path=each, reason=f"is not used where cluster names a stack; {instead}")
        if not elsewhere and config.get(ours) != config.get(theirs):
            yield Problem(
                path=ours, reason=f"is not what {theirs} is; write the same in both: they are for one cluster"
            )


def check_prefixes(config: Mapping[str, str], project: str) -> Iterator[Problem]:
    """Our keys under another namespace than the project's: `imagepull:registries`, or the project misspelt."""
    known = [to_camel_case(each.name) for each in fields(Environment)]
    for key in config:
        namespace, _, name = key.partition(":")
        if namespace == project or name not in known:
            continue
        if namespace == _PROVIDER or get_close_matches(namespace, [project], cutoff=0.8):
            yield Problem(path=key, reason=f"is read by nobody; write {project}:{name}")


def check_passwords(registries: Any, project: str) -> Iterator[Problem]:
    """Each registry's password, where none of them is encrypted."""
    for place, registry in enumerate(registries if isinstance(registries, list) else []):
        for name in REGISTRY_SECRETS.intersection(registry if isinstance(registry, Mapping) else ()):
            if registry[name]:
                yield report_plain_secret(project, place, name)


def check_mappings(values: Mapping[str, Any]) -> Iterator[Problem]:
    """`- shop` where `- {name: shop}` is wanted: the most likely meaning is shown."""
    for key, field in (("namespaces", "name"), ("registries", "host")):
        entries = values.get(key)
        for i, entry in enumerate(entries if isinstance(entries, list) else []):
            if isinstance(entry, str) and entry:
                reason = f"is {describe_value(entry)}; write a mapping: {{{field}: {to_one_line(entry, 80)}}}"
                yield Problem(path=f"{key}[{i}]", reason=reason)


def check_registries(values: Mapping[str, Any]) -> Sequence[Problem]:
    """What the provider itself would have against the registries and the Secret."""
    try:
        registry_secret.parse({"name": "any", "namespaces": ["any"], **{key: values.get(key) for key in _ACCESS}})
    except InvalidInput as error:
        return error.problems
    return ()


def check_combinations(values: Mapping[str, Any]) -> Iterator[Problem]:
    """Values that are right each by itself, and not with the others."""
    reader = Reader(values=values)
    for key in ("platforms", "largestImage"):
        if reader.has(key) and values.get("verify", Verify.OFF.value) == Verify.OFF:
            yield Problem(path=key, reason="is for verify, which is off; write verify: warning, or leave it out")
    yield from _check_renewal(reader)
    namespaces = [(str(entry.values.get("name")), entry) for entry in reader.read_children("namespaces")]
    workloads = list(reader.read_children("workloads"))
    named = values.get("namespaces")
    # Where a namespace is wrong itself, a workload in it is no second mistake.
    all_right = isinstance(named, list) and len(named) == len(namespaces)
    all_right = all_right and all(NAMESPACE.admits(name) and entry.has("name") for name, entry in namespaces)
    reader.problems.clear()  # pydantic reports them
    for workload in workloads:
        namespace = workload.values.get("namespace")
        if all_right and namespace is not None and namespace not in [name for name, _ in namespaces]:
            workload.add_problem(
                "namespace", f"is {describe_value(namespace)}, which is not among namespaces; add it there"
            )
        _check_kind(workload)
    yield from reader.problems
    yield from _find_named_twice(namespaces)
    yield from _find_named_twice([(f"{_read_kind(each)} {each.values.get('name')}", each) for each in workloads])


def _check_renewal(reader: Reader) -> Iterator[Problem]:
    for key, (way, known, parse) in _RENEWAL_SETTINGS.items():
        values = reader.values.get(key)
        if not isinstance(values, Mapping):
            continue
        if reader.values.get("renewal") != way:
            yield Problem(path=key, reason=f"is for renewal: {way}; write that, or leave it out")
        try:
            parse({name: value for name, value in values.items() if name in known}, key)
        except InvalidInput as error:
            yield from error.problems
    registries = reader.values.get("registries")
    find_problems = _FOR_REGISTRIES.get(str(reader.values.get("renewal")))
    if find_problems is not None and isinstance(registries, list):
        yield from find_problems([each for each in registries if isinstance(each, Mapping)])


def _check_kind(workload: Reader) -> None:
    """What a workload says that its kind has no use for, or lacks; nothing where the kind is not known."""
    kind = _read_kind(workload)
    if kind is None:
        return
    for key, kinds in ONLY_FOR.items():
        if workload.has(key) and kind not in kinds:
            workload.add_problem(key, f"is not for a {kind}; leave it out, or write kind: {' or '.join(kinds)}")
    required = REQUIRED_FOR.get(kind)
    if required and not workload.has(required):
        workload.add_problem(required, f"is missing; a {kind} needs one: write when to run, as '0 3 * * *'")


def _read_kind(workload: Reader) -> WorkloadKind | None:
    """The workload's kind; None where what it says is none, or it says so under a key that is misspelt."""
    if not workload.has("kind"):
        misspelt = get_close_matches("kind", [str(key).lower() for key in workload.values])
        return None if misspelt else WorkloadKind.DEPLOYMENT
    written = workload.values["kind"]
    return next((kind for kind in WorkloadKind if kind == written), None)


def _find_named_twice(named: Iterable[tuple[str, Reader]]) -> Iterator[Problem]:
    seen = set()
    for name, entry in named:
        if entry.has("name") and name in seen:
            yield Problem(path=entry.path, reason=f"is {name} a second time; name each once")
        seen.add(name)
