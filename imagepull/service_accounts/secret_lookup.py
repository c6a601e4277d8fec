"""Asks the cluster which of the Secrets that ServiceAccounts list are there."""

from collections.abc import Collection, Iterable
from contextlib import suppress

from imagepull.errors import ClusterError
from imagepull.kubernetes.client import Cluster
from imagepull.kubernetes.kinds import SECRET
from imagepull.kubernetes.listing import get_objects
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
    absent: frozenset[tuple[str, str]] = frozenset()
    if asked:
        with suppress(ClusterError):
            # Of a Secret nothing is kept.
            absent = (await get_objects(cluster, SECRET, asked, lambda document: None, whole=True)).absent
    return group_by_account(each for each in listed if not each.possible or (each.namespace, each.name) in absent)
