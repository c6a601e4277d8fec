"""Writing and releasing ServiceAccounts in the cluster: all namespaces at once, each on its own."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from imagepull.errors import ClusterError
from imagepull.kubernetes.client import Cluster, for_each, retry_on_conflict
from imagepull.kubernetes.kinds import DEFAULT_SERVICE_ACCOUNT, SERVICE_ACCOUNT
from imagepull.kubernetes.lookup import find_objects
from imagepull.kubernetes.ownership import Owner
from imagepull.kubernetes.progress import Report, WriteOutcome, describe_by_reason
from imagepull.redaction import clean
from imagepull.service_accounts import claims
from imagepull.service_accounts import spec as service_accounts
from imagepull.service_accounts.claims import CLAIM, Account
from imagepull.service_accounts.earlier_pods import wait_for_earlier_pods
from imagepull.service_accounts.missing_secrets import describe_missing_secrets
from imagepull.service_accounts.secret_lookup import find_missing_secrets
from imagepull.service_accounts.spec import ALL, AccountsSpec

__all__ = ["AccountsOutcome", "ExistingAccounts", "apply", "find", "remove"]

_DEFAULT_POLLS: Final = 10
_DEFAULT_POLL: Final = 0.5
"""Seconds. The controller makes `default` anew at once; after a thousand new namespaces it needs a while."""


@dataclass(kw_only=True)
class AccountsOutcome(WriteOutcome):
    """A WriteOutcome, with the listed names without a Secret, by `namespace/account`."""

    missing: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ExistingAccounts:
    """What the cluster holds: accounts by (namespace, name); namespaces that may not be looked into, and why."""

    accounts: Mapping[tuple[str, str], Account]
    denied: Mapping[str, str]


async def find(cluster: Cluster, namespaces: Collection[str] | None, names: Collection[str]) -> ExistingAccounts:
    """The accounts of these names (`*`: all) in these namespaces (None: all), with as few requests as rights allow."""
    selected = None if ALL in names else names
    looked = await find_objects(cluster, SERVICE_ACCOUNT, selected, namespaces, Account.of)
    asked = None if namespaces is None else frozenset(namespaces)
    accounts = {key: one for key, one in looked.objects.items() if asked is None or key[0] in asked}
    return ExistingAccounts(accounts=accounts, denied=looked.denied)


async def apply(
    cluster: Cluster,
    spec: AccountsSpec,
    owner: Owner,
    previous: AccountsSpec | None,
    outcome: AccountsOutcome,
    report: Report,
) -> None:
    """Brings every account of the spec to it, then releases those that are no longer in it.

    What could not be done is in `outcome`; a namespace that fails holds up no other. An account that changes from the
    node's role to Secrets has both until the Pods that were made before have their images.

    Args:
        owner: With its identity.
    """
    namespaces, names = {*spec.namespaces}, {*spec.accounts}
    if previous is not None:
        namespaces |= {*previous.namespaces}
        names |= {*previous.accounts}
    found = await find(cluster, namespaces, names)
    unseen = [(namespace, name) for namespace in found.denied for name in spec.accounts]
    missing = service_accounts.find_missing_accounts(spec, {*found.accounts, *unseen})
    wanted = service_accounts.choose_accounts(spec, found.accounts)
    outcome.failures.update({place: why for place, why in found.denied.items() if place in wanted})
    report.begin("written", len(wanted))
    taken: dict[str, str] = {}
    both: dict[str, list[Account]] = {}

    async def put(namespace: str) -> None:
        absent = missing.get(namespace, [])
        for name in wanted[namespace]:
            if name not in absent:
                account = found.accounts.get((namespace, name))
                if account is not None and account.list_claims_of_earlier_runs(owner):
                    taken[namespace] = f"an earlier run of {owner.title}, replaced or cut short, left its names there"
                first = spec
                if account is not None and (role := _find_former_role(account, owner, spec)):
                    first = replace(spec, node_role=role)
                    both.setdefault(namespace, []).append(account)
                await _write(cluster, account, namespace, name, owner, first, outcome)
        if absent:
            raise ClusterError(
                f"there is no ServiceAccount {', '.join(absent)}; create it first, or take it out of serviceAccounts"
            )

    await for_each([place for place in wanted if place not in found.denied], outcome.record_failures_of(put, report))
    for sentence in describe_by_reason(taken):
        report.warn(f"ServiceAccounts in {sentence}; they are this run's now")
    asked = {(namespace, name) for namespace, names in wanted.items() for name in names}
    await _release(cluster, found, owner, asked, outcome, report)
    former = () if previous is None else previous.secret_names  # just taken out
    there = [account for key, account in found.accounts.items() if key in asked]
    outcome.missing = await find_missing_secrets(cluster, there, {*spec.secret_names, *former})
    for sentence in describe_missing_secrets(outcome.missing):
        report.warn(sentence)
    if both:
        await _remove_roles(cluster, both, owner, spec, outcome, report)


async def remove(
    cluster: Cluster,
    spec: AccountsSpec,
    owner: Owner,
    outcome: WriteOutcome,
    report: Report,
) -> None:
    """Takes the owner's names out of every account; what others added or ask for stays.

    So do names that the owner's other runs claim; `outcome.left` has their identities.
    """
    outcome.started = True
    found = await find(cluster, spec.namespaces, spec.accounts)
    outcome.failures.update(found.denied)
    await _release(cluster, found, owner, set(), outcome, report)
    for (namespace, _), account in found.accounts.items():
        outcome.note_left(namespace, (key.removeprefix(CLAIM) for key in account.list_claims_of_earlier_runs(owner)))


async def _release(
    cluster: Cluster,
    found: ExistingAccounts,
    owner: Owner,
    asked: Collection[tuple[str, str]],
    outcome: WriteOutcome,
    report: Report,
) -> None:
    claimed: dict[str, list[str]] = {}
    for (namespace, name), account in found.accounts.items():
        if account.list_claims(owner) and not account.is_being_deleted and (namespace, name) not in asked:
            claimed.setdefault(namespace, []).append(name)
    report.begin("released", len(claimed))

    async def take(namespace: str) -> None:
        for name in claimed[namespace]:
            await _write(cluster, found.accounts[namespace, name], namespace, name, owner, None, outcome)

    await for_each(claimed, outcome.record_failures_of(take, report))


def _find_former_role(account: Account, owner: Owner, spec: AccountsSpec) -> str:
    """The role that has opened the account's images until now, where Secrets that it lacks are to; empty otherwise."""
    listed = set(spec.secret_names) <= set(account.listed)
    return "" if spec.node_role or listed else account.find_role(owner)


async def _remove_roles(
    cluster: Cluster,
    both: Mapping[str, Collection[Account]],
    owner: Owner,
    spec: AccountsSpec,
    outcome: AccountsOutcome,
    report: Report,
) -> None:
    """Takes the role out of accounts (by namespace) that list the Secrets now, once earlier Pods have their images."""
    written = {place: accounts for place, accounts in both.items() if place not in outcome.failures}
    await wait_for_earlier_pods(
        cluster, [account for accounts in written.values() for account in accounts], spec.secret_names, report
    )
    # They were counted when they had both.
    outcome.done -= len(written)
    report.begin("changed from the node to Secrets", len(written))

    async def end(namespace: str) -> None:
        for account in written[namespace]:
            seen = await _read(cluster, account.name, namespace)
            if seen is not None:
                await _write(cluster, seen, namespace, account.name, owner, spec, outcome)

    await for_each(written, outcome.record_failures_of(end, report))


async def _write(
    cluster: Cluster,
    seen: Account | None,
    namespace: str,
    name: str,
    owner: Owner,
    spec: AccountsSpec | None,
    outcome: WriteOutcome,
) -> None:
    """Writes one account as the spec says, or releases it (None)."""
    names, role = (spec.secret_names, spec.node_role) if spec is not None else ((), "")
    read = partial(_read, cluster, name, namespace)
    was_there = seen is not None

    async def attempt(account: Account | None) -> None:
        nonlocal was_there
        if spec is None and (account is None or account.is_being_deleted):
            return
        if account is None and was_there:
            # Somebody deleted it meanwhile. Only the cluster's own controller may bring one back.
            account = await _wait_for_default(name, read)
        if account is not None and account.is_being_deleted:
            raise ClusterError(f"ServiceAccount {name} is being deleted; wait until it is gone")
        was_there = was_there or account is not None
        rival = claims.find_rival(account, owner, role) if account is not None and role else None
        if rival is not None:
            raise ClusterError(
                f"ServiceAccount {name} has role {clean(rival[1])} of {clean(rival[0])}, and an account has one role;"
                " take the account out of one of the two, or give both the same role"
            )
        body = claims.write(account, owner, names, role)
        if body is None:
            return
        outcome.started = True
        if account is None:
            metadata = {**body["metadata"], "name": name, "namespace": namespace}
            await cluster.create(SERVICE_ACCOUNT, {**body, "metadata": metadata})
        else:
            await cluster.patch(SERVICE_ACCOUNT, name, namespace, body)

    await retry_on_conflict(f"ServiceAccount {name}", seen, attempt, read)


async def _wait_for_default(name: str, read: Callable[[], Awaitable[Account | None]]) -> Account:
    for _ in range(_DEFAULT_POLLS if name == DEFAULT_SERVICE_ACCOUNT else 0):
        if (account := await read()) is not None:
            return account
        await asyncio.sleep(_DEFAULT_POLL)
    raise ClusterError(f"ServiceAccount {name} was deleted meanwhile; create it, or take it out of serviceAccounts")


async def _read(cluster: Cluster, name: str, namespace: str) -> Account | None:
    account = await cluster.get(SERVICE_ACCOUNT, name, namespace)
    return None if account is None else Account.of(account)
