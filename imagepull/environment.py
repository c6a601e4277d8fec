"""What one environment asks for: a stack's configuration, parsed once, every problem of it found at once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from imagepull.inputs import ANY_TEXT, NAMESPACE, OBJECT_NAME, Reader
from imagepull.pull_policy import PullPolicy
from imagepull.rules import MutableTagPolicy, RuleException, RuleName, Rules

__all__ = ["CONFIG_KEYS", "Environment", "Namespace", "WorkloadSpec", "parse"]

WORKLOAD_FIELDS: Mapping[str, str] = {
    "namespace": "namespace",
    "image": "image",
    "imagePullPolicy": "image_pull_policy",
    "port": "port",
    "replicas": "replicas",
    "schedule": "schedule",
    "command": "command",
    "arguments": "arguments",
    "env": "env",
    "resources": "resources",
    "serviceAccountName": "service_account_name",
    "probes": "probes",
    "restricted": "restricted",
}
"""The short form's fields: name in the configuration to name of the component's argument."""

CONFIG_KEYS = (
    "registries",
    "namespaces",
    "serviceAccounts",
    "secretName",
    "refreshBefore",
    "renewal",
    "workloads",
    "rules",
)
_KINDS = ("Deployment", "Pod", "StatefulSet", "DaemonSet", "Job", "CronJob")
_REPLICATED = ("Deployment", "StatefulSet")


@dataclass(frozen=True, kw_only=True)
class Namespace:
    """A namespace that gets access; `create` when the program makes it."""

    name: str
    create: bool


@dataclass(frozen=True, kw_only=True)
class WorkloadSpec:
    """A workload in the short form: kind, name, and the component's arguments."""

    kind: str
    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Environment:
    """What a stack's configuration asks for."""

    namespaces: tuple[Namespace, ...]
    access: Mapping[str, Any]
    """The arguments of the access component. The registries are as configured: the provider checks them."""
    workloads: tuple[WorkloadSpec, ...]
    rules: Rules


def parse(config: Mapping[str, Any]) -> Environment:
    """The environment that a stack's configuration describes.

    Args:
        config: The values of `CONFIG_KEYS`, those that are there.

    Raises:
        InvalidInput: with every problem and its path (`workloads[1].port`).
    """
    reader = Reader(values=config)
    reader.refuse_others(CONFIG_KEYS)
    registries = [dict(registry.values) for registry in reader.children("registries")]
    namespaces = tuple(_namespace(entry) for entry in reader.children("namespaces"))
    known = tuple(namespace.name for namespace in namespaces)
    workloads = tuple(_workload(entry, known) for entry in _optional_children(reader, "workloads"))
    access = {
        "registries": registries,
        "namespaces": list(known),
        "service_accounts": list(reader.texts("serviceAccounts", ANY_TEXT)) if reader.has("serviceAccounts") else None,
        "secret_name": reader.text("secretName", OBJECT_NAME),
        "refresh_before": reader.text("refreshBefore"),
        "renewal": reader.text("renewal"),
    }
    environment = Environment(
        namespaces=namespaces,
        access={field: value for field, value in access.items() if value is not None},
        workloads=workloads,
        rules=_rules(reader),
    )
    _refuse_twice(reader, "namespaces", known)
    _refuse_twice(reader, "workloads", [f"{workload.kind} {workload.name}" for workload in workloads])
    reader.raise_problems()
    return environment


def _namespace(entry: Reader) -> Namespace:
    entry.refuse_others(("name", "create"))
    return Namespace(name=entry.text("name", NAMESPACE, required=True) or "", create=entry.flag("create"))


def _workload(entry: Reader, namespaces: Sequence[str]) -> WorkloadSpec:
    entry.refuse_others(("kind", "name", *WORKLOAD_FIELDS))
    kind = entry.choice("kind", _KINDS, "Deployment")
    name = entry.text("name", OBJECT_NAME, required=True) or ""
    namespace = entry.text("namespace", NAMESPACE, required=True)
    if namespace and namespace not in namespaces:
        entry.problem("namespace", f"is {namespace!r}, which is not among namespaces; add it there")
    entry.text("image", required=True)
    if entry.has("imagePullPolicy"):
        entry.choice("imagePullPolicy", [policy.value for policy in PullPolicy], "")
    if entry.has("schedule") != (kind == "CronJob"):
        entry.problem("schedule", "is for a CronJob, which needs it; write when to run, as '0 3 * * *'")
    if entry.has("replicas") and kind not in _REPLICATED:
        entry.problem("replicas", f"is not for a {kind}; leave it out")
    _integer(entry, "port", 1, 65535)
    _integer(entry, "replicas", 0, 1_000_000)
    for field in ("command", "arguments"):
        entry.texts(field, ANY_TEXT)
    entry.mapping("env", ANY_TEXT)
    for field in ("probes", "restricted"):
        entry.flag(field)
    for field in ("schedule", "serviceAccountName"):
        entry.text(field)
    arguments = {WORKLOAD_FIELDS[field]: entry.values[field] for field in WORKLOAD_FIELDS if entry.has(field)}
    return WorkloadSpec(kind=kind, name=name, arguments=arguments)


def _rules(reader: Reader) -> Rules:
    rules = _child(reader, "rules")
    rules.refuse_others((*(rule.value for rule in RuleName), "exceptions"))
    mutable = rules.choice(RuleName.MUTABLE_TAG_POLICY, [each.value for each in MutableTagPolicy], "")
    return Rules(
        forbid_latest=rules.flag(RuleName.FORBID_LATEST),
        require_digest=rules.flag(RuleName.REQUIRE_DIGEST),
        mutable_tag_policy=MutableTagPolicy(mutable) if mutable else None,
        forbid_never=rules.flag(RuleName.FORBID_NEVER),
        allowed_registries=rules.texts(RuleName.ALLOWED_REGISTRIES, ANY_TEXT),
        exceptions=tuple(_exception(entry) for entry in _optional_children(rules, "exceptions")),
    )


def _exception(entry: Reader) -> RuleException:
    entry.refuse_others(("reason", "rules", "namespace", "workload", "image"))
    names = [name.value for name in RuleName]
    excepted = []
    for index, rule in enumerate(entry.texts("rules", ANY_TEXT)):
        if rule in names:
            excepted.append(RuleName(rule))
        else:
            entry.problem(f"rules[{index}]", f"is {rule!r}; write one of {', '.join(names)}")
    return RuleException(
        reason=entry.text("reason", required=True) or "",
        rules=tuple(excepted) or tuple(RuleName),
        **{field: entry.text(field) or "*" for field in ("namespace", "workload", "image")},
    )


def _child(reader: Reader, key: str) -> Reader:
    """A reader for the mapping under `key`, an empty one when there is none."""
    value = reader.values.get(key)
    if value is None:
        value = {}
    elif not isinstance(value, Mapping):
        reader.problem(key, "is not a mapping; write a mapping")
        value = {}
    return Reader(values=value, path=reader.at(key), problems=reader.problems)


def _optional_children(reader: Reader, key: str) -> list[Reader]:
    return [] if reader.values.get(key) in (None, []) else list(reader.children(key))


def _integer(entry: Reader, key: str, least: int, most: int) -> None:
    value = entry.values.get(key)
    if value is not None and (isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most):
        entry.problem(key, f"is not a whole number from {least} to {most}; write one")


def _refuse_twice(reader: Reader, key: str, names: Sequence[str]) -> None:
    for index, name in enumerate(names):
        if name and name in names[:index]:
            reader.problem(f"{key}[{index}]", f"is {name} a second time; name each once")
