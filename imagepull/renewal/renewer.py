"""Renews the tokens of Secrets that are there: in place, only what is due, one AWS call per principal and region.

A renewer creates and deletes nothing. What it cannot renew it leaves as it is, and reports.
"""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Final

from imagepull.causes.table import get_cause
from imagepull.errors import ClusterError, CredentialError, ImagePullError
from imagepull.kubernetes.client import Cluster, for_each, retry_on_conflict
from imagepull.kubernetes.kinds import SECRET
from imagepull.kubernetes.ownership import Standing
from imagepull.registries import lifetimes
from imagepull.registries.ecr_tokens import TokenSource
from imagepull.registry_secret import secret_object
from imagepull.registry_secret.drift import find_drift, find_lifetimes
from imagepull.registry_secret.existing import Existing
from imagepull.registry_secret.secret_object import SecretGoal
from imagepull.registry_secret.spec import RegistrySource, Renewal, SecretSpec
from imagepull.registry_secret.state import Previous
from imagepull.registry_secret.trust import TrustedEntry
from imagepull.registry_secret.writer import find, read_secret
from imagepull.renewal.document import RenewedSecret

__all__ = ["Failure", "Options", "SecretResult", "renew"]

_ANOTHERS: Final = (
    "the Secret does not carry the identity in the document; `pulumi up --refresh` says whose it is, and mends both"
)


@dataclass(frozen=True, kw_only=True)
class Options:
    """What of a document is renewed, and how.

    Attributes:
        namespaces: Only these; None for all that the document names.
        now: Renew also what is not due.
        dry_run: Ask neither AWS for tokens nor the cluster to change anything.
    """

    namespaces: frozenset[str] | None = None
    now: bool = False
    dry_run: bool = False


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why something was not renewed: `registry` of all namespaces, or `namespace` for all registries."""

    reason: str
    registry: str | None = None
    namespace: str | None = None


@dataclass(kw_only=True)
class SecretResult:
    """What became of one Secret.

    Attributes:
        renewed: Namespaces that were written; with `dry_run`, that would be.
        not_due: Namespaces in which every token has more than half of its life left.
        next_due: When the first token of them all is due (timezone-aware); None where none expires.
    """

    name: str
    renewed: list[str] = field(default_factory=list)
    not_due: list[str] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    next_due: datetime | None = None


async def renew(
    cluster: Cluster, tokens: TokenSource, secrets: Sequence[RenewedSecret], options: Options
) -> list[SecretResult]:
    """Renews what is due in the Secrets of a document.

    Raises:
        ClusterError: if the cluster cannot be asked for any Secret. Other failures are in the results.
    """
    return [await _renew_secret(cluster, tokens, secret, options) for secret in secrets]


async def _renew_secret(cluster: Cluster, tokens: TokenSource, secret: RenewedSecret, options: Options) -> SecretResult:
    result = SecretResult(name=secret.name)
    namespaces = [each for each in secret.namespaces if options.namespaces is None or each in options.namespaces]
    found = await find(cluster, secret.name, namespaces)
    now = datetime.now(UTC)
    due: dict[str, list[str]] = {}
    for namespace in namespaces:
        existing = found.secrets.get(namespace)
        if existing is None:
            reason = found.denied.get(namespace) or _describe_absence()
            result.failures.append(Failure(namespace=namespace, reason=reason))
        elif existing.find_standing(secret.owner, ()) is not Standing.OURS:
            result.failures.append(Failure(namespace=namespace, reason=_ANOTHERS))
        elif hosts := _list_due_hosts(existing, secret, now, options):
            due[namespace] = hosts
        else:
            result.not_due.append(namespace)
    if options.dry_run:
        result.renewed = list(due)
        return result
    asked = {host for hosts in due.values() for host in hosts}
    entries, refused = await _fetch(tokens, [each for each in secret.registries if each.host in asked])
    for host, error in refused.items():
        result.failures.append(
            _explain_registry_failure(host, error, secret, [found.secrets[n] for n in due if host in due[n]], now)
        )
    renewable = {n: {h: entries[h] for h in hosts if h in entries} for n, hosts in due.items()}
    await _write_all(cluster, secret, found.secrets, {n: each for n, each in renewable.items() if each}, result)
    result.next_due = _find_next_due(secret, entries, [found.secrets[n] for n in result.not_due], now)
    return result


def _list_due_hosts(existing: Existing, secret: RenewedSecret, now: datetime, options: Options) -> list[str]:
    """The registries whose tokens are to be renewed in one Secret."""
    hosts = [registry.host for registry in secret.registries]
    if options.now or find_drift(existing, _make_spec(secret), secret.owner, now) is not None:
        return hosts
    known = find_lifetimes(existing, secret.owner, now)
    return [
        host
        for host in hosts
        if host not in known or lifetimes.find_due({host: known[host]}, secret.refresh_before, now) is not None
    ]


async def _fetch(
    tokens: TokenSource, registries: Collection[RegistrySource]
) -> tuple[dict[str, TrustedEntry], dict[str, CredentialError]]:
    """New entries by host, and why there is none for others."""

    async def fetch(registry: RegistrySource) -> TrustedEntry | CredentialError:
        assert registry.token is not None
        try:
            token = await tokens.get(registry.token)
        except CredentialError as error:
            return error
        return TrustedEntry(credential=token.credential, lifetime=token.lifetime)

    fetched = await asyncio.gather(*(fetch(registry) for registry in registries))
    by_host = dict(zip([registry.host for registry in registries], fetched, strict=True))
    entries = {host: each for host, each in by_host.items() if isinstance(each, TrustedEntry)}
    return entries, {host: each for host, each in by_host.items() if isinstance(each, CredentialError)}


async def _write_all(
    cluster: Cluster,
    secret: RenewedSecret,
    existing: Mapping[str, Existing],
    entries: Mapping[str, Mapping[str, TrustedEntry]],
    result: SecretResult,
) -> None:
    spec, previous = _make_spec(secret), Previous(digest_key=secret.owner.digest_key)

    async def write(namespace: str) -> None:
        async def attempt(there: Existing | None) -> None:
            if there is None:
                raise ClusterError(_describe_absence())
            if there.find_standing(secret.owner, ()) is not Standing.OURS:
                raise ClusterError(_ANOTHERS)
            wanted = SecretGoal(
                spec=spec, owner=secret.owner, fresh=entries[namespace], previous=previous, now=datetime.now(UTC)
            )
            if (change := secret_object.write(there, wanted).change) is not None:
                await cluster.patch(SECRET, secret.name, namespace, change.body)

        read = partial(read_secret, cluster, secret.name, namespace)
        try:
            await retry_on_conflict(f"Secret {secret.name}", existing[namespace], attempt, read)
        except ImagePullError as error:
            result.failures.append(Failure(namespace=namespace, reason=str(error)))
        else:
            result.renewed.append(namespace)

    await for_each(entries, write)


def _explain_registry_failure(
    host: str, error: CredentialError, secret: RenewedSecret, secrets: Sequence[Existing], now: datetime
) -> Failure:
    """Why a registry has no new token, with the time that the old ones have left."""
    expiries = [
        lifetime.expires
        for each in secrets
        if (lifetime := find_lifetimes(each, secret.owner, now).get(host)) is not None
    ]
    left = "no earlier token of it is known"
    if expiries:
        seconds = (min(expiries) - now).total_seconds()
        left = lifetimes.describe_time_left(seconds)
        ago = left.removeprefix("expired ")
        left = f"its earlier token stays, {left}" if seconds > 0 else f"{get_cause('token-expired').clause}, {ago}"
    return Failure(registry=host, reason=f"{error.cause}; {left}; {error.advice}")


def _describe_absence() -> str:
    return f"{get_cause('secret-absent').clause}; `pulumi up --refresh` creates it"


def _find_next_due(
    secret: RenewedSecret, entries: Mapping[str, TrustedEntry], others: Sequence[Existing], now: datetime
) -> datetime | None:
    known = [entry.lifetime for entry in entries.values() if entry.lifetime is not None]
    known += [lifetime for each in others for lifetime in find_lifetimes(each, secret.owner, now).values()]
    return min((lifetimes.find_due_time(lifetime, secret.refresh_before) for lifetime in known), default=None)


def _make_spec(secret: RenewedSecret) -> SecretSpec:
    """The Secret as asked for, as far as a renewer has a say in it."""
    return SecretSpec(
        name=secret.name,
        namespaces=secret.namespaces,
        registries=(*secret.registries, *(RegistrySource(host=host) for host in secret.fixed_hosts)),
        renewal=Renewal.EXTERNAL,
        labels={},
        annotations={},
        adopt=False,
    )
