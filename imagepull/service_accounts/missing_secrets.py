"""Names in ServiceAccounts' lists of which there is no Secret, such as a former program leaves. Pure.

They are reported and never touched: whoever listed them may still mean to make the Secret.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from imagepull.inputs import OBJECT_NAME
from imagepull.kubernetes.progress import describe_by_reason
from imagepull.redaction import clean
from imagepull.service_accounts.claims import Account

__all__ = ["ListedName", "describe_missing_secrets", "find_listed_names", "group_by_account", "read_missing_secrets"]

_MOST: Final = 20
"""Names of one account that are looked up: whoever may write the account decides how many there are."""
_LONGEST: Final = 60


@dataclass(frozen=True, kw_only=True)
class ListedName:
    """A name in one ServiceAccount's list.

    Attributes:
        name: As it is there: the API server checks no name in this list.
        possible: Whether a Secret can have that name.
    """

    namespace: str
    account: str
    name: str

    @property
    def possible(self) -> bool:
        return len(self.name) <= OBJECT_NAME.longest and OBJECT_NAME.pattern.fullmatch(self.name) is not None


def find_listed_names(accounts: Iterable[Account], ours: Collection[str]) -> list[ListedName]:
    """The names in the accounts' lists that are not ours."""
    return [
        ListedName(namespace=account.namespace, account=account.name, name=name)
        for account in accounts
        for name in [each for each in dict.fromkeys(account.listed) if each and each not in ours][:_MOST]
    ]


def group_by_account(missing: Iterable[ListedName]) -> dict[str, list[str]]:
    """The names by `namespace/account`, fit to be shown."""
    grouped: dict[str, list[str]] = {}
    for each in sorted(missing, key=lambda each: (each.namespace, each.account, each.name)):
        shown = each.name if each.possible else clean(each.name)[:_LONGEST]
        grouped.setdefault(f"{each.namespace}/{each.account}", []).append(shown)
    return grouped


def read_missing_secrets(output: object) -> dict[str, list[str]]:
    """What `group_by_account` made, read from a resource's output; empty for anything else."""
    if not isinstance(output, Mapping):
        return {}
    return {
        place: [each for each in names if isinstance(each, str)]
        for place, names in output.items()
        if isinstance(place, str) and isinstance(names, Sequence) and not isinstance(names, str)
    }


def describe_missing_secrets(missing: Mapping[str, Sequence[str]]) -> list[str]:
    """A sentence for the namespaces whose accounts list the same names. `missing`: as `group_by_account` has it."""
    lists: dict[str, list[str]] = {}
    for place, names in sorted(missing.items()):  # the engine hands mappings over in any order
        namespace, _, account = place.partition("/")
        lists.setdefault(namespace, []).append(f"ServiceAccount {account} lists {', '.join(names)}")
    reasons = {
        namespace: f"{' and '.join(each)}, and no such Secret is there; if nothing is to make it, take the name out of "
        "imagePullSecrets"
        for namespace, each in lists.items()
    }
    return describe_by_reason(reasons)
