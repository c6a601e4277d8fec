"""Writing, reading and removing a RegistrySecret in the cluster: all its namespaces at once, each on its own."""

import asyncio
import base64
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial

from imagepull.errors import CredentialError, ImagePullError
from imagepull.kubernetes.client import Cluster, for_each, retry_on_conflict
from imagepull.kubernetes.kinds import SECRET
from imagepull.kubernetes.lookup import find_objects
from imagepull.kubernetes.objects import KubernetesObject
from imagepull.kubernetes.ownership import Owner
from imagepull.kubernetes.progress import Outcome, Report
from imagepull.registries import lifetimes as renewal
from imagepull.registries.ecr_tokens import TokenSource
from imagepull.registries.lifetimes import Lifetime
from imagepull.registry_secret import secret_object
from imagepull.registry_secret.secret_object import DATA_KEY, Change, Entry, Existing
from imagepull.registry_secret.spec import Registry, Spec


@dataclass(frozen=True, kw_only=True)
class Previous:
    """What an earlier run left. `uids`: by namespace; `metadata_keys`: of the labels and annotations asked for."""

    namespaces: Collection[str] = ()
    uids: Mapping[str, str] = field(default_factory=dict)
    metadata_keys: Collection[str] = ()


@dataclass(kw_only=True)
class SecretOutcome(Outcome):
    """An Outcome, with the Secrets' UIDs by namespace and the tokens' lifetimes by host."""

    uids: dict[str, str] = field(default_factory=dict)
    lifetimes: dict[str, Lifetime] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Found:
    """What the cluster holds. `secrets`: by namespace; `denied`: namespaces that may not be looked into, and why."""

    secrets: Mapping[str, Existing]
    denied: Mapping[str, str]


async def find(cluster: Cluster, name: str, namespaces: Iterable[str]) -> Found:
    """The Secrets of a name: with one request from the whole cluster, else one by one from the namespaces given."""
    looked = await find_objects(cluster, SECRET, [name], namespaces, _existing)
    return Found(secrets={namespace: secret for (namespace, _), secret in looked.objects.items()}, denied=looked.denied)


async def apply(
    cluster: Cluster,
    tokens: TokenSource,
    spec: Spec,
    owner: Owner,
    previous: Previous,
    outcome: SecretOutcome,
    report: Report,
) -> None:
    """Brings every namespace to the spec, then removes the Secret from namespaces that are no longer in it.

    What is done, and what could not be, is in `outcome` at any time. Nothing is written when any Secret that is there
    must not be touched, or when no registry has a credential.
    """
    outcome.uids.update(previous.uids)
    found, fetched = await asyncio.gather(
        find(cluster, spec.name, {*spec.namespaces, *previous.namespaces, *previous.uids}), _fetch(tokens, spec)
    )
    uids = set(previous.uids.values())
    ours = [secret for secret in found.secrets.values() if secret.belongs_to(owner, uids)]
    entries = _entries(spec, fetched, ours, outcome, report)
    if not entries:
        return
    dropped = set(previous.metadata_keys) - {*spec.labels, *spec.annotations}
    decide = partial(secret_object.write, spec=spec, owner=owner, entries=entries, uids=uids, dropped=dropped)
    # All decided before the first is written; a new Secret is the same in every namespace.
    decided: dict[str, Change | None] = {}
    new: Change | None = None
    for namespace in spec.namespaces:
        existing = found.secrets.get(namespace)
        try:
            if existing is not None:
                decided[namespace] = decide(existing)
            else:
                decided[namespace] = new = new or decide(None)
        except ImagePullError as error:
            outcome.failures[namespace] = str(error)
    if outcome.failures:
        return
    outcome.failures.update(
        {namespace: found.denied[namespace] for namespace in spec.namespaces if namespace in found.denied}
    )
    outcome.started = True
    outcome.lifetimes.update({host: entry.lifetime for host, entry in entries.items() if entry.lifetime is not None})
    report.begin("written", len(spec.namespaces))

    async def put(namespace: str) -> None:
        async def attempt(existing: Existing | None) -> str:
            change = decided.pop(namespace) if namespace in decided else decide(existing)
            if change is None:
                assert existing is not None
                return existing.uid
            if change.create:
                metadata = {**change.body["metadata"], "name": spec.name, "namespace": namespace}
                written = await cluster.create(SECRET, {**change.body, "metadata": metadata})
            else:
                written = await cluster.patch(SECRET, spec.name, namespace, change.body)
            return written.uid

        read = partial(read_secret, cluster, spec.name, namespace)
        outcome.uids[namespace] = await retry_on_conflict(
            f"Secret {spec.name}", found.secrets.get(namespace), attempt, read
        )

    await for_each([n for n in spec.namespaces if n not in outcome.failures], outcome.noting(put, report))
    stale = [secret for secret in ours if secret.namespace not in spec.namespaces]
    await _remove(cluster, stale, owner, uids, previous.metadata_keys, outcome, report)
    for namespace in set(previous.uids) - set(spec.namespaces) - found.secrets.keys() - found.denied.keys():
        outcome.uids.pop(namespace, None)


async def remove(
    cluster: Cluster, name: str, owner: Owner, previous: Previous, outcome: SecretOutcome, report: Report
) -> None:
    """Deletes what is the owner's, in whatever namespace; entries of others in a Secret stay, and so the Secret."""
    outcome.uids.update(previous.uids)
    outcome.started = True
    found = await find(cluster, name, {*previous.namespaces, *previous.uids})
    outcome.failures.update(found.denied)
    uids = set(previous.uids.values())
    ours = [secret for secret in found.secrets.values() if secret.belongs_to(owner, uids)]
    await _remove(cluster, ours, owner, uids, previous.metadata_keys, outcome, report)


async def _remove(
    cluster: Cluster,
    secrets: Collection[Existing],
    owner: Owner,
    uids: Collection[str],
    metadata_keys: Collection[str],
    outcome: SecretOutcome,
    report: Report,
) -> None:
    by_namespace = {secret.namespace: secret for secret in secrets}
    report.begin("deleted", len(by_namespace))

    async def take(namespace: str) -> None:
        name = by_namespace[namespace].name

        async def attempt(existing: Existing | None) -> None:
            if existing is None or not existing.belongs_to(owner, uids):
                return
            change = secret_object.release(existing, metadata_keys)
            if change is None:
                await cluster.delete(SECRET, name, namespace)
            else:
                await cluster.patch(SECRET, name, namespace, change.body)

        await retry_on_conflict(
            f"Secret {name}", by_namespace[namespace], attempt, partial(read_secret, cluster, name, namespace)
        )
        outcome.uids.pop(namespace, None)

    await for_each(by_namespace, outcome.noting(take, report))


async def _fetch(tokens: TokenSource, spec: Spec) -> dict[str, Entry | CredentialError]:
    """The entry of each registry by its host, or why there is none."""

    async def fetch(registry: Registry) -> Entry | CredentialError:
        if registry.fixed is not None:
            return Entry(credential=registry.fixed)
        assert registry.token is not None
        try:
            token = await tokens.get(registry.token)
        except CredentialError as error:
            return error
        return Entry(credential=token.credential, lifetime=token.lifetime)

    fetched = await asyncio.gather(*(fetch(registry) for registry in spec.registries))
    return {registry.host: entry for registry, entry in zip(spec.registries, fetched, strict=True)}


def _entries(
    spec: Spec,
    fetched: Mapping[str, Entry | CredentialError],
    ours: Collection[Existing],
    outcome: SecretOutcome,
    report: Report,
) -> dict[str, Entry]:
    """What to write: where AWS failed, the last good entry while it lives."""
    now = datetime.now(UTC)
    entries = {}
    for registry in spec.registries:
        entry = fetched[registry.host]
        if isinstance(entry, CredentialError):
            why = f"{registry.host}: {entry.cause}"
            good = secret_object.last_good(ours, registry.host, now)
            if good is None or good.lifetime is None:
                outcome.problems.append(f"{why}, and no earlier token of it is alive; {entry.advice}")
                continue
            left = renewal.time_left((good.lifetime.expires - now).total_seconds())
            report.warn(f"{why}; its earlier token stays, {left}; {entry.advice}")
            entry = good
        entries[registry.host] = entry
    return entries


async def read_secret(cluster: Cluster, name: str, namespace: str) -> Existing | None:
    secret = await cluster.get(SECRET, name, namespace)
    return None if secret is None else _existing(secret)


def _existing(secret: KubernetesObject) -> Existing:
    config = secret.texts("data").get(DATA_KEY)
    return Existing(
        namespace=secret.namespace,
        name=secret.name,
        uid=secret.uid,
        resource_version=secret.resource_version,
        type=secret.text("type") or "Opaque",
        immutable=secret.document.get("immutable") is True,
        labels=secret.labels,
        annotations=secret.annotations,
        config=None if config is None else base64.b64decode(config),
    )
