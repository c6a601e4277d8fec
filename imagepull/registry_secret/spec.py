"""What a RegistrySecret is: its inputs parsed, and what a change of them means. Pure: no AWS, no cluster, no clock."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from imagepull.differences import Difference, find_differences
from imagepull.inputs import ANY_TEXT, LABEL_VALUE, NAMESPACE, OBJECT_NAME, Reader, TextPattern
from imagepull.kubernetes import ownership
from imagepull.registries import docker_config, ecr_hosts
from imagepull.registries import lifetimes as renewal
from imagepull.registries.docker_config import Credential
from imagepull.registries.ecr_tokens import Principal, TokenRequest
from imagepull.registries.inputs import REGISTRY_INPUTS
from imagepull.registries.lifetimes import Due, Lifetime

__all__ = [
    "INPUTS",
    "Diff",
    "RegistrySource",
    "Renewal",
    "SecretSpec",
    "diff",
    "holds_tokens",
    "list_hosts",
    "parse",
    "parse_registries",
]

INPUTS: Final = ("name", "namespaces", "registries", "refreshBefore", "renewal", "labels", "annotations", "adopt")
_AWS_INPUTS: Final = tuple(each.wire_name for each in REGISTRY_INPUTS if each.limits.aws)
_OUR_PREFIX: Final = "imagepull/"


class Renewal(StrEnum):
    """Who keeps the tokens alive: `pulumi up` when due, a CronJob of ours, an operator, the node, or somebody else."""

    PULUMI = "pulumi"
    CRON_JOB = "cronJob"
    EXTERNAL_SECRETS = "externalSecrets"
    NODE = "node"
    EXTERNAL = "external"


_RENEWED: Final = [each.value for each in Renewal if each is not Renewal.NODE]
"""Ways of renewal of a Secret: the node has none."""


@dataclass(frozen=True, kw_only=True)
class RegistrySource:
    """One registry by its host, with either a token to ask for or a fixed credential."""

    host: str
    token: TokenRequest | None = None
    fixed: Credential | None = field(default=None, repr=False)


@dataclass(frozen=True, kw_only=True)
class SecretSpec:
    """A RegistrySecret as asked for. When a renewal is due is not in it: `diff` says that."""

    name: str
    namespaces: tuple[str, ...]
    registries: tuple[RegistrySource, ...]
    renewal: Renewal
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    adopt: bool


@dataclass(frozen=True, kw_only=True)
class Diff:
    """What an update would change.

    Attributes:
        differences: Of the inputs, by path.
        renewal: The most urgent renewal that is due, if one is.
        unknown: A host of whose token it is not known how long it lives, if there is one. It is due.
    """

    differences: Mapping[str, Difference]
    renewal: Due | None
    unknown: str | None = None

    @property
    def replaces(self) -> bool:
        """Whether another Secret takes the old one's place: its name differs."""
        return "name" in self.differences


def parse(inputs: Mapping[str, object], *, required: bool = True) -> SecretSpec:
    """The inputs as a SecretSpec: what is not known yet is right, and not in it (see `imagepull.inputs.known`).

    Args:
        inputs: As they are in the program, or recorded.
        required: Whether there must be a namespace and a registry: a refresh may have emptied recorded inputs.

    Raises:
        InvalidInput: with every wrong input.
    """
    reader = Reader(values=inputs)
    reader.refuse_others(INPUTS)
    # Checked here, read by `diff`: what is not known yet must not make a renewal due.
    reader.read_text("refreshBefore", renewal.DURATION)
    spec = SecretSpec(
        name=reader.read_text("name", OBJECT_NAME, required=True) or "",
        namespaces=reader.read_texts("namespaces", NAMESPACE, required=required),
        registries=tuple(_read_registries(reader, required)),
        renewal=Renewal(
            reader.read_choice(
                "renewal", [each.value for each in Renewal if each is not Renewal.NODE], Renewal.PULUMI.value
            )
        ),
        labels=_read_metadata(reader, "labels", LABEL_VALUE),
        annotations=_read_metadata(reader, "annotations", ANY_TEXT),
        adopt=reader.read_flag("adopt"),
    )
    reader.raise_problems()
    return spec


def parse_registries(registries: Sequence[object]) -> tuple[RegistrySource, ...]:
    """A list of registries on its own; raises InvalidInput with every wrong input (`registries[1].host`)."""
    reader = Reader(values={"registries": registries})
    found = tuple(_read_registries(reader, required=True))
    reader.raise_problems()
    return found


def list_hosts(inputs: Mapping[str, object]) -> list[object]:
    """The registries' hosts in order, from inputs that were checked; some may be UNKNOWN."""
    registries = inputs.get("registries")
    if not isinstance(registries, list):
        return []
    return [registry.get("host") for registry in registries if isinstance(registry, Mapping)]


def holds_tokens(inputs: Mapping[str, object]) -> bool:
    """Whether a credential in the Secret does, from inputs that were checked: a token, not a password."""
    registries = inputs.get("registries")
    if not isinstance(registries, list):
        return True
    return any(not isinstance(registry, Mapping) or "password" not in registry for registry in registries)


def diff(
    old: Mapping[str, object], new: Mapping[str, object], lifetimes: Mapping[str, Lifetime], now: datetime
) -> Diff:
    """What becomes of a Secret with the inputs `old` and tokens of these lifetimes (by host) under the inputs `new`."""
    refresh_before = new.get("refreshBefore")
    by_pulumi = new.get("renewal", Renewal.PULUMI) == Renewal.PULUMI
    limit = renewal.parse_seconds(refresh_before) if isinstance(refresh_before, str) else None
    changed = find_differences(old, new, sets={"namespaces": None, "registries": "host"})
    if not by_pulumi:
        return Diff(differences=changed, renewal=None)
    # No ECR token lives longer than 12 hours; a day leaves room for clocks that differ.
    known = {host: lifetime for host, lifetime in lifetimes.items() if lifetime.expires <= now + timedelta(days=1)}
    unknown = sorted((_list_token_hosts(old) & _list_token_hosts(new)) - known.keys())
    return Diff(
        differences=changed, renewal=renewal.find_due(known, limit, now), unknown=unknown[0] if unknown else None
    )


def _list_token_hosts(inputs: Mapping[str, object]) -> set[str]:
    """Hosts whose credential is a token that is asked for, from inputs that were checked."""
    registries = inputs.get("registries")
    return {
        host
        for registry in (registries if isinstance(registries, list) else ())
        if isinstance(registry, Mapping)
        and "password" not in registry
        and isinstance(host := registry.get("host"), str)
    }


def _read_metadata(reader: Reader, key: str, rule: TextPattern) -> dict[str, str]:
    found = reader.read_mapping(key, rule)
    for name in found:
        if name == ownership.MANAGED_BY_LABEL or name.startswith(_OUR_PREFIX):
            reader.add_problem(f'{key}["{name}"]', "is set by imagepull itself; leave it out")
    return found


def _read_registries(reader: Reader, required: bool) -> list[RegistrySource]:
    found: dict[str, str] = {}
    registries = []
    for entry in reader.read_children("registries", required=required):
        registry = _read_registry(entry)
        if registry is None:
            continue
        key = docker_config.make_auths_key(registry.host)
        if key in found:
            entry.add_problem("host", f"opens the same registry as {found[key]}; list each registry once")
        found.setdefault(key, entry.make_path("host"))
        registries.append(registry)
    return registries


def _read_registry(entry: Reader) -> RegistrySource | None:
    given = _read_registry_inputs(entry)
    principal = Principal(
        profile=given["profile"],
        role_arn=given["role_arn"],
        external_id=given["external_id"],
        session_name=given["session_name"],
    )
    for key in ("externalId", "sessionName"):
        if entry.has(key) and not entry.has("roleArn"):
            entry.add_problem(key, "goes with a role; give roleArn, or leave it out")
    host = given["host"]
    if host is None:
        return None
    if reason := docker_config.check_host(host):
        entry.add_problem("host", reason)
        return None
    if entry.has("username") or entry.has("password"):
        return _parse_fixed(entry, host, given["username"], given["password"])
    request = _parse_token_request(entry, host, principal, given["account"], given["region"])
    return None if request is None else RegistrySource(host=host, token=request)


def _read_registry_inputs(entry: Reader) -> dict[str, str | None]:
    """The inputs of one registry by their names in Python; None where one is absent, unknown or wrong."""
    entry.refuse_others([each.wire_name for each in REGISTRY_INPUTS])
    return {
        each.name: entry.read_secret(each.wire_name)
        if each.limits.secret
        else entry.read_text(each.wire_name, each.limits.rule, required=each.required)
        for each in REGISTRY_INPUTS
    }


def _parse_fixed(entry: Reader, host: str, username: str | None, password: str | None) -> RegistrySource | None:
    for key, other in (("username", "password"), ("password", "username")):
        if not entry.has(key):
            entry.add_problem(key, f"is missing beside {other}; give both")
    for key in _AWS_INPUTS:
        if entry.has(key):
            entry.add_problem(
                key, "is for ECR, and this registry has a username and password; leave one or the other out"
            )
    found = ecr_hosts.parse_host(host)
    if found is not None and not found.public:
        entry.add_problem(
            "username", f"is for other registries: {host} is private ECR, whose token is asked for; leave it out"
        )
    if username is None or password is None:
        return RegistrySource(host=host)
    fixed = Credential(username=username, password=password)
    if reason := docker_config.check_credential(fixed):
        entry.add_problem("password", f"cannot be used: {reason}")
    return RegistrySource(host=host, fixed=fixed)


def _parse_token_request(
    entry: Reader, host: str, principal: Principal, account: str | None, region: str | None
) -> TokenRequest | None:
    found = ecr_hosts.parse_host(host)
    if found is not None:
        for key, given, true in (("account", account, found.account), ("region", region, found.region)):
            if given is not None and given != true:
                entry.add_problem(key, f"is {given}, but the host says {true or 'nothing of it'}; leave it out")
        return TokenRequest(principal=principal, region=found.region, public=found.public)
    if entry.has("account") and entry.has("region"):
        if account is None or region is None:
            return None
        return TokenRequest(principal=principal, region=region, public=False)
    for key, other in (("account", "region"), ("region", "account")):
        if entry.has(key):
            entry.add_problem(other, f"is missing beside {key}; an ECR host of your own needs both")
            return None
    if "dkr" in host and "ecr" in host:
        reason = (
            f"is {host}, which only looks like ECR; write the host exactly as in the image, or give account and region"
        )
    else:
        reason = (
            f"is {host}, which is not ECR; give username and password, or account and region for ECR by another name"
        )
    entry.add_problem("host", reason)
    return None
