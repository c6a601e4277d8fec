"""Asks the cluster which of the Secrets that ServiceAccounts list are there."""

from collections.abc import Collection, Iterable

from imagepull.errors import ClusterError, Forbidden
from imagepull.kubernetes.client import Cluster, for_each
from imagepull.kubernetes.kinds import SECRET
from imagepull.kubernetes.objects import Document
from imagepull.service_accounts.claims import Account
from imagepull.service_accounts.missing_secrets import find_listed_names, group_by_account

__all__ = ["find_missing_secrets"]


async def find_missing_secrets(
    cluster: Cluster, accounts: Iterable[Account], ours: Collection[str]
) -> dict[str, list[str]]:
    """Names without a Secret, by `namespace/account`. Accounts that list nothing but our names cost no request.

    It is a hint: where Secrets may not be read, or the cluster does not answer, nothing is said. Names that no Secret
    can have (somebody may have written a path there) are never part of a request.
    """
    listed = find_listed_names(accounts, ours)
    asked = {(each.namespace, each.name) for each in listed if each.possible}
    there = await _find_secrets(cluster, asked)
    return group_by_account(
        each for each in listed if not each.possible or there.get((each.namespace, each.name)) is False
    )


async def _find_secrets(cluster: Cluster, asked: Collection[tuple[str, str]]) -> dict[tuple[str, str], bool]:
    """Whether each Secret (namespace, name) is there; those of which that cannot be told are left out."""
    names = {name for _, name in asked}
    if len(names) < len(asked):  # the same names in many namespaces
        try:
            found = {place for name in names for place in await cluster.list(SECRET, name=name, parse=_read_place)}
        except Forbidden:
            pass
        except ClusterError:
            return {}
        else:
            return {place: place in found for place in asked}
    there: dict[tuple[str, str], bool] = {}

    async def look(place: tuple[str, str]) -> None:
        namespace, name = place
        try:
            there[place] = await cluster.get(SECRET, name, namespace) is not None
        except ClusterError:
            return

    await for_each(asked, look)
    return there


def _read_place(secret: Document) -> tuple[str, str]:
    """Namespace and name; the rest of the Secret is not kept."""
    metadata = secret["metadata"]
    return metadata["namespace"], metadata["name"]
