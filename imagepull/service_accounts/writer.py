"""Writing, reading and releasing ServiceAccounts in the cluster: all namespaces at once, each on its own."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import partial

from imagepull.kubernetes.client import Cluster, for_each, retry_on_conflict
from imagepull.kubernetes.kinds import SERVICE_ACCOUNT
from imagepull.kubernetes.lookup import find_objects
from imagepull.kubernetes.objects import KubernetesObject
from imagepull.kubernetes.ownership import Owner
from imagepull.kubernetes.progress import Outcome, Report
from imagepull.service_accounts import spec as service_accounts
from imagepull.service_accounts.spec import ALL, Account, Spec


@dataclass(frozen=True, kw_only=True)
class Found:
    """What the cluster holds: accounts by (namespace, name); namespaces that may not be looked into, and why."""

    accounts: Mapping[tuple[str, str], Account]
    denied: Mapping[str, str]


async def find(cluster: Cluster, namespaces: Collection[str], names: Collection[str]) -> Found:
    """The accounts of these names (`*`: all): one request for each name, else one by one from the namespaces given."""
    looked = await find_objects(cluster, SERVICE_ACCOUNT, None if ALL in names else names, namespaces, _account)
    return Found(accounts=looked.objects, denied=looked.denied)


async def apply(
    cluster: Cluster, spec: Spec, owner: Owner, previous: Spec | None, outcome: Outcome, report: Report
) -> None:
    """Brings every account of the spec to it, then releases those that are no longer in it.

    Nothing is written when an account that was asked for by name is missing; what could not be done is in `outcome`.
    """
    namespaces, names = {*spec.namespaces}, {*spec.accounts}
    if previous is not None:
        namespaces |= {*previous.namespaces}
        names |= {*previous.accounts}
    found = await find(cluster, namespaces, names)
    outcome.failures.update(service_accounts.missing(spec, [*found.accounts, *_unseen(spec, found)]))
    if outcome.failures:
        return
    wanted = service_accounts.wanted(spec, found.accounts)
    outcome.failures.update({place: why for place, why in found.denied.items() if place in wanted})
    outcome.started = True
    report.begin("written", len(wanted))

    async def put(namespace: str) -> None:
        for name in wanted[namespace]:
            await _write(cluster, found, namespace, name, owner, spec.secret_names)

    await for_each([place for place in wanted if place not in found.denied], outcome.noting(put, report))
    asked = {(namespace, name) for namespace, names in wanted.items() for name in names}
    await _release(cluster, found, owner, asked, outcome, report)


async def remove(cluster: Cluster, spec: Spec, owner: Owner, outcome: Outcome, report: Report) -> None:
    """Takes the owner's names out of every account; what others added or ask for stays."""
    outcome.started = True
    found = await find(cluster, spec.namespaces, spec.accounts)
    outcome.failures.update(found.denied)
    await _release(cluster, found, owner, set(), outcome, report)


def _unseen(spec: Spec, found: Found) -> list[tuple[str, str]]:
    """Accounts in namespaces that may not be looked into: not known to be missing."""
    return [(namespace, name) for namespace in found.denied for name in spec.accounts]


async def _release(
    cluster: Cluster, found: Found, owner: Owner, asked: Collection[tuple[str, str]], outcome: Outcome, report: Report
) -> None:
    claimed: dict[str, list[str]] = {}
    for (namespace, name), account in found.accounts.items():
        if account.is_claimed_by(owner) and (namespace, name) not in asked:
            claimed.setdefault(namespace, []).append(name)
    report.begin("released", len(claimed))

    async def take(namespace: str) -> None:
        for name in claimed[namespace]:
            await _write(cluster, found, namespace, name, owner, ())

    await for_each(claimed, outcome.noting(take, report))


async def _write(
    cluster: Cluster, found: Found, namespace: str, name: str, owner: Owner, secret_names: tuple[str, ...]
) -> None:
    async def attempt(account: Account | None) -> None:
        if account is None and not secret_names:
            return
        body = service_accounts.write(account, owner, secret_names)
        if body is None:
            return
        if account is None:
            metadata = {**body["metadata"], "name": name, "namespace": namespace}
            await cluster.create(SERVICE_ACCOUNT, {**body, "metadata": metadata})
        else:
            await cluster.patch(SERVICE_ACCOUNT, name, namespace, body)

    read = partial(_read, cluster, name, namespace)
    await retry_on_conflict(f"ServiceAccount {name}", found.accounts.get((namespace, name)), attempt, read)


async def _read(cluster: Cluster, name: str, namespace: str) -> Account | None:
    account = await cluster.get(SERVICE_ACCOUNT, name, namespace)
    return None if account is None else _account(account)


def _account(account: KubernetesObject) -> Account:
    return Account(
        namespace=account.namespace,
        name=account.name,
        resource_version=account.resource_version,
        annotations=account.annotations,
        listed=account.names("imagePullSecrets"),
    )
