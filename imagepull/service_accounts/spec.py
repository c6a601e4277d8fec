"""What ServiceAccountImagePullSecrets are: their inputs parsed, and the accounts that they mean. Pure."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final

from imagepull.differences import Difference, find_differences
from imagepull.inputs import NAMESPACE, OBJECT_NAME, Reader, TextPattern
from imagepull.kubernetes.kinds import DEFAULT_SERVICE_ACCOUNT
from imagepull.registries.inputs import ROLE_ARN

__all__ = ["ALL", "INPUTS", "AccountsSpec", "choose_accounts", "diff", "find_missing_accounts", "parse"]

_LISTS: Final = ("secretNames", "namespaces", "serviceAccounts")
INPUTS: Final = (*_LISTS, "nodeRoleArn")
ALL: Final = "*"
"""Every account there is."""
_ACCOUNT = TextPattern(
    pattern=OBJECT_NAME.pattern,
    longest=OBJECT_NAME.longest,
    expected="a ServiceAccount's name such as 'default', or '*' alone for every one there is",
)


@dataclass(frozen=True, kw_only=True)
class AccountsSpec:
    """ServiceAccountImagePullSecrets as asked for.

    Attributes:
        accounts: `(ALL,)` for every account.
        node_role: The role with which nodes pull for the accounts' Pods; empty for none.
    """

    secret_names: tuple[str, ...]
    namespaces: tuple[str, ...]
    accounts: tuple[str, ...]
    node_role: str = ""


def parse(inputs: Mapping[str, object], *, required: bool = True) -> AccountsSpec:
    """The inputs as a AccountsSpec: what is not known yet is right, and not in it (see `imagepull.inputs.known`).

    Args:
        inputs: As they are in the program, or recorded.
        required: Whether there must be a namespace: a refresh may have emptied recorded inputs.

    Raises:
        InvalidInput: with every wrong input.
    """
    reader = Reader(values=inputs)
    reader.refuse_others(INPUTS)
    accounts: tuple[str, ...] = (ALL,)
    if inputs.get("serviceAccounts") != [ALL]:
        accounts = reader.read_texts("serviceAccounts", _ACCOUNT) or (DEFAULT_SERVICE_ACCOUNT,)
    spec = AccountsSpec(
        secret_names=reader.read_texts(
            "secretNames", OBJECT_NAME, required=required and inputs.get("nodeRoleArn") is None
        ),
        namespaces=reader.read_texts("namespaces", NAMESPACE, required=required),
        accounts=accounts,
        node_role=reader.read_text("nodeRoleArn", ROLE_ARN) or "",
    )
    reader.raise_problems()
    return spec


def diff(old: Mapping[str, object], new: Mapping[str, object]) -> dict[str, Difference]:
    """Differences of the inputs by path; the lists are sets."""
    return find_differences(old, new, sets=dict.fromkeys(_LISTS))


def find_missing_accounts(spec: AccountsSpec, there: Collection[tuple[str, str]]) -> dict[str, list[str]]:
    """Accounts asked for by name that are not there, by namespace; `default` is made when needed.

    Args:
        there: (namespace, name) of each account.
    """
    absent = {
        namespace: [
            name
            for name in spec.accounts
            if name not in (DEFAULT_SERVICE_ACCOUNT, ALL) and (namespace, name) not in there
        ]
        for namespace in spec.namespaces
    }
    return {namespace: names for namespace, names in absent.items() if names}


def choose_accounts(spec: AccountsSpec, there: Collection[tuple[str, str]]) -> dict[str, list[str]]:
    """The accounts to write, by namespace. A namespace without any will have `default`."""
    if spec.accounts != (ALL,):
        return {namespace: list(spec.accounts) for namespace in spec.namespaces}
    found: dict[str, list[str]] = {namespace: [] for namespace in spec.namespaces}
    for namespace, name in sorted(there):
        if namespace in found:
            found[namespace].append(name)
    return {namespace: names or [DEFAULT_SERVICE_ACCOUNT] for namespace, names in found.items()}
