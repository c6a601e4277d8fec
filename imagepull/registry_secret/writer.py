"""Writing and removing a RegistrySecret in the cluster: all its namespaces at once, each on its own."""

import asyncio
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Final

from imagepull.errors import ClusterError, CredentialError
from imagepull.kubernetes.client import Cluster, for_each, retry_on_conflict
from imagepull.kubernetes.kinds import SECRET
from imagepull.kubernetes.lookup import find_objects
from imagepull.kubernetes.ownership import IDENTITY_LABEL, Owner, Standing
from imagepull.kubernetes.progress import Report, WriteOutcome, describe_by_reason
from imagepull.registries import lifetimes as renewal
from imagepull.registries.ecr_tokens import TokenSource
from imagepull.registries.lifetimes import Lifetime
from imagepull.registry_secret import secret_object
from imagepull.registry_secret.existing import Existing
from imagepull.registry_secret.secret_object import SecretDecision, SecretGoal, SecretRequest
from imagepull.registry_secret.spec import RegistrySource, SecretSpec
from imagepull.registry_secret.state import Previous
from imagepull.registry_secret.trust import TrustedEntry, find_last_good

__all__ = ["ExistingSecrets", "SecretOutcome", "apply", "find", "read_secret", "remove"]

_DELETION_POLLS: Final = 10
_DELETION_POLL: Final = 0.5
"""Seconds. The garbage collector needs one or two for a deletion that somebody began a moment ago."""
_MOST_NAMED: Final = 5
"""Finalizers that an error names: whoever may write the Secret decides how many there are."""


@dataclass(kw_only=True)
class SecretOutcome(WriteOutcome):
    """A WriteOutcome, with the Secrets' UIDs by namespace and the shortest lifetime of each host's tokens."""

    uids: dict[str, str] = field(default_factory=dict)
    lifetimes: dict[str, Lifetime] = field(default_factory=dict)

    def note_lifetimes(self, lifetimes: Mapping[str, Lifetime]) -> None:
        """Keeps the earlier of two expiries."""
        for host, lifetime in lifetimes.items():
            if host not in self.lifetimes or lifetime.expires < self.lifetimes[host].expires:
                self.lifetimes[host] = lifetime


@dataclass(frozen=True, kw_only=True)
class ExistingSecrets:
    """What the cluster holds. `secrets`: by namespace; `denied`: namespaces that may not be looked into, and why."""

    secrets: Mapping[str, Existing]
    denied: Mapping[str, str]


async def find(cluster: Cluster, name: str, namespaces: Collection[str] | None) -> ExistingSecrets:
    """The Secrets of a name in these namespaces (None: in all), with as few requests as the rights allow."""
    looked = await find_objects(cluster, SECRET, [name], namespaces, Existing.of)
    secrets = {namespace: secret for (namespace, _), secret in looked.objects.items()}
    if namespaces is not None:
        asked = frozenset(namespaces)
        secrets = {namespace: secret for namespace, secret in secrets.items() if namespace in asked}
    return ExistingSecrets(secrets=secrets, denied=looked.denied)


async def apply(
    cluster: Cluster,
    tokens: TokenSource,
    spec: SecretSpec,
    owner: Owner,
    previous: Previous,
    outcome: SecretOutcome,
    report: Report,
) -> None:
    """Brings every namespace to the spec, then removes the Secret from namespaces that are no longer in it.

    What is done, and what could not be, is in `outcome` at any time. A namespace that fails holds up no other; one that
    has failed before is left alone. Nothing is written when no registry has a credential.

    Args:
        owner: With its identity and its key.
    """
    outcome.uids.update(previous.uids)
    found, fetched = await asyncio.gather(
        find(cluster, spec.name, {*spec.namespaces, *previous.all_namespaces}), _fetch(tokens, spec)
    )
    wanted = _decide_entries(spec, owner, previous, fetched, found.secrets.values(), outcome, report)
    if not wanted.fresh and not wanted.last_good:
        return
    outcome.failures.update({place: found.denied[place] for place in spec.namespaces if place in found.denied})
    report.begin("written", len(spec.namespaces))
    writing = _Writing(cluster, wanted, found, outcome)
    await for_each(
        [place for place in spec.namespaces if place not in outcome.failures],
        outcome.record_failures_of(writing.put, report),
    )
    for sentence in writing.list_remarks():
        report.warn(f"Secret {spec.name} in {sentence}")
    stale = [found.secrets[place] for place in found.secrets.keys() - {*spec.namespaces}]
    await _remove(cluster, stale, owner, previous, outcome, report)
    for namespace in set(previous.uids) - set(spec.namespaces) - found.secrets.keys() - found.denied.keys():
        outcome.uids.pop(namespace, None)


async def remove(
    cluster: Cluster,
    name: str,
    owner: Owner,
    previous: Previous,
    outcome: SecretOutcome,
    report: Report,
    heirs: Mapping[str, Owner] | None = None,
) -> None:
    """Deletes what is the owner's in the namespaces that the state knows; what others have in a Secret stays.

    Secrets of the owner's other runs stay, too; `outcome.left` has their identities.

    Args:
        heirs: By namespace, other resources of the program that ask for the Secret there: it becomes theirs.
    """
    outcome.uids.update(previous.uids)
    outcome.started = True
    found = await find(cluster, name, previous.all_namespaces)
    outcome.failures.update(found.denied)
    await _remove(cluster, found.secrets.values(), owner, previous, outcome, report, heirs or {})
    for place, secret in found.secrets.items():
        if secret.find_standing(owner, previous.known_uids) is Standing.EARLIER:
            outcome.note_left(place, [secret.labels[IDENTITY_LABEL]])


class _Writing:
    """The writes of one `apply`."""

    def __init__(self, cluster: Cluster, wanted: SecretGoal, found: ExistingSecrets, outcome: SecretOutcome) -> None:
        self._cluster = cluster
        self._wanted = wanted
        self._found = found
        self._outcome = outcome
        self._new: SecretDecision | None = None
        self._remarks: dict[str, list[str]] = {}

    async def put(self, namespace: str) -> None:
        name = self._wanted.spec.name
        self._outcome.uids[namespace] = await retry_on_conflict(
            f"Secret {name}",
            self._found.secrets.get(namespace),
            partial(self._attempt, namespace),
            partial(read_secret, self._cluster, name, namespace),
        )

    def list_remarks(self) -> list[str]:
        """What there is to say of the Secrets, a sentence for each kind of remark."""
        return [
            sentence
            for remark, places in self._remarks.items()
            for sentence in describe_by_reason(dict.fromkeys(places, remark))
        ]

    async def _attempt(self, namespace: str, existing: Existing | None) -> str:
        name = self._wanted.spec.name
        if existing is not None and existing.is_being_deleted:
            existing = await _wait_until_gone(self._cluster, existing)
        decision = self._decide(existing)
        uid = "" if existing is None else existing.uid
        if decision.change is not None:
            self._outcome.started = True
            uid = await _send(self._cluster, name, namespace, decision.change)
        self._outcome.note_lifetimes(decision.lifetimes)
        for remark in decision.remarks:
            self._remarks.setdefault(remark, []).append(namespace)
        return uid

    def _decide(self, existing: Existing | None) -> SecretDecision:
        if existing is not None:
            return secret_object.write(existing, self._wanted)
        # A new Secret is the same in every namespace.
        self._new = self._new or secret_object.write(None, self._wanted)
        return self._new


async def _remove(
    cluster: Cluster,
    secrets: Iterable[Existing],
    owner: Owner,
    previous: Previous,
    outcome: SecretOutcome,
    report: Report,
    heirs: Mapping[str, Owner] | None = None,
) -> None:
    by_namespace = {
        secret.namespace: secret
        for secret in secrets
        if secret.find_standing(owner, previous.known_uids) is Standing.OURS and not secret.is_being_deleted
    }
    report.begin("deleted", len(by_namespace))

    async def take(namespace: str) -> None:
        name = by_namespace[namespace].name

        async def attempt(existing: Existing | None) -> None:
            if existing is None or existing.find_standing(owner, previous.known_uids) is not Standing.OURS:
                return
            heir = (heirs or {}).get(namespace)
            change = (
                secret_object.release(existing, previous)
                if heir is None
                else secret_object.change_owner(existing, heir)
            )
            outcome.started = True
            if change is None:
                await cluster.delete(
                    SECRET, name, namespace, uid=existing.uid, resource_version=existing.resource_version
                )
            else:
                await cluster.patch(SECRET, name, namespace, change.body)

        await retry_on_conflict(
            f"Secret {name}", by_namespace[namespace], attempt, partial(read_secret, cluster, name, namespace)
        )
        outcome.uids.pop(namespace, None)

    await for_each(by_namespace, outcome.record_failures_of(take, report))


async def _send(cluster: Cluster, name: str, namespace: str, change: SecretRequest) -> str:
    """The UID of what is written."""
    if change.create:
        metadata = {**change.body["metadata"], "name": name, "namespace": namespace}
        written = await cluster.create(SECRET, {**change.body, "metadata": metadata})
    else:
        written = await cluster.patch(SECRET, name, namespace, change.body)
    return written.uid


async def _wait_until_gone(cluster: Cluster, existing: Existing) -> Existing | None:
    """What is there once the Secret that is being deleted has gone."""
    for _ in range(_DELETION_POLLS):
        await asyncio.sleep(_DELETION_POLL)
        found = await read_secret(cluster, existing.name, existing.namespace)
        if found is None or not found.is_being_deleted:
            return found
    held = f", and {', '.join(existing.finalizers[:_MOST_NAMED])} holds that up" if existing.finalizers else ""
    raise ClusterError(
        f"Secret {existing.name} is being deleted{held}; wait until it is gone, or take its finalizers away"
    )


async def _fetch(tokens: TokenSource, spec: SecretSpec) -> dict[str, TrustedEntry | CredentialError]:
    """The entry of each registry by its host, or why there is none."""

    async def fetch(registry: RegistrySource) -> TrustedEntry | CredentialError:
        if registry.fixed is not None:
            return TrustedEntry(credential=registry.fixed)
        assert registry.token is not None
        try:
            token = await tokens.get(registry.token)
        except CredentialError as error:
            return error
        return TrustedEntry(credential=token.credential, lifetime=token.lifetime)

    fetched = await asyncio.gather(*(fetch(registry) for registry in spec.registries))
    return {registry.host: entry for registry, entry in zip(spec.registries, fetched, strict=True)}


def _decide_entries(
    spec: SecretSpec,
    owner: Owner,
    previous: Previous,
    fetched: Mapping[str, TrustedEntry | CredentialError],
    found: Collection[Existing],
    outcome: SecretOutcome,
    report: Report,
) -> SecretGoal:
    """What to write: where AWS failed, the last good token while it lives."""
    now = datetime.now(UTC)
    places = frozenset(spec.namespaces)
    ours = [secret for secret in found if secret.namespace in places and secret.uid in previous.known_uids]
    last_good = {}
    for host, entry in fetched.items():
        if not isinstance(entry, CredentialError):
            continue
        why = f"{host}: {entry.cause}"
        good = find_last_good(ours, host, owner.digest_key, now)
        if good is None or good.lifetime is None:
            outcome.problems.append(f"{why}, and no earlier token of it is alive; {entry.advice}")
            continue
        left = renewal.describe_time_left((good.lifetime.expires - now).total_seconds())
        report.warn(f"{why}; its earlier token stays, {left}; {entry.advice}")
        last_good[host] = good
    fresh = {host: entry for host, entry in fetched.items() if isinstance(entry, TrustedEntry)}
    return SecretGoal(spec=spec, owner=owner, fresh=fresh, last_good=last_good, previous=previous, now=now)


async def read_secret(cluster: Cluster, name: str, namespace: str) -> Existing | None:
    secret = await cluster.get(SECRET, name, namespace)
    return None if secret is None else Existing.of(secret)
