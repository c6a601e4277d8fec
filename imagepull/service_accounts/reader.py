"""What the cluster holds of ServiceAccountImagePullSecrets: for a refresh, and for an import."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from imagepull.errors import ClusterError
from imagepull.kubernetes.client import Cluster
from imagepull.kubernetes.kinds import DEFAULT_SERVICE_ACCOUNT
from imagepull.kubernetes.ownership import Owner
from imagepull.kubernetes.progress import Report, describe_by_reason
from imagepull.service_accounts import spec as service_accounts
from imagepull.service_accounts.claims import ROLE_ANNOTATION
from imagepull.service_accounts.missing_secrets import describe_missing_secrets
from imagepull.service_accounts.secret_lookup import find_missing_secrets
from imagepull.service_accounts.spec import AccountsSpec
from imagepull.service_accounts.writer import find

__all__ = ["ObservedAccounts", "discover", "read"]


@dataclass(frozen=True, kw_only=True)
class ObservedAccounts:
    """What is there.

    Attributes:
        intact: Namespaces whose accounts list every name, and name the role.
        claimed: Namespaces with an account that bears the owner's mark.
        missing: Listed names without a Secret, by `namespace/account`.
    """

    intact: Sequence[str]
    claimed: Sequence[str]
    missing: Mapping[str, Sequence[str]]


async def read(cluster: Cluster, spec: AccountsSpec, owner: Owner, report: Report) -> ObservedAccounts:
    """Which namespaces are as they should be; those that may not be looked into are taken to be."""
    found = await find(cluster, spec.namespaces, spec.accounts)
    for sentence in describe_by_reason(found.denied):
        report.warn(sentence)
    wanted = service_accounts.choose_accounts(spec, found.accounts)

    def is_intact(namespace: str, name: str) -> bool:
        account = found.accounts.get((namespace, name))
        if account is None or not set(spec.secret_names) <= set(account.listed):
            return False
        if spec.node_role and account.annotations.get(ROLE_ANNOTATION) != spec.node_role:
            return False
        # An earlier run's claim would outlive a destroy; the next update takes it over.
        return not account.list_claims_of_earlier_runs(owner)

    asked = [found.accounts[key] for key in found.accounts if key[1] in wanted.get(key[0], ())]
    missing = await find_missing_secrets(cluster, asked, spec.secret_names)
    for sentence in describe_missing_secrets(missing):
        report.warn(sentence)
    return ObservedAccounts(
        intact=[
            place
            for place in spec.namespaces
            if place in found.denied or all(is_intact(place, name) for name in wanted[place])
        ],
        claimed=sorted({place for (place, _), account in found.accounts.items() if account.list_claims(owner)}),
        missing=missing,
    )


async def discover(cluster: Cluster, names: Sequence[str]) -> list[str]:
    """The namespaces whose `default` account lists every one of the names; raises ClusterError when there is none."""
    found = await find(cluster, None, [DEFAULT_SERVICE_ACCOUNT])
    places = sorted(place for (place, _), account in found.accounts.items() if set(names) <= set(account.listed))
    if not names or not places:
        raise ClusterError(
            f"no ServiceAccount {DEFAULT_SERVICE_ACCOUNT} lists {', '.join(names) or 'no name'}; write the ID as the "
            "names of pull Secrets, joined by commas"
        )
    return places
