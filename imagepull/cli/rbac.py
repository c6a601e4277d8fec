"""`python -m imagepull rbac`: the rights that `pulumi up` needs in a cluster, as YAML for `kubectl apply`.

With --engine the rights of who renews in place of `pulumi up`.
"""

import argparse
from typing import Any, Final

from imagepull.errors import InvalidInput, Problem
from imagepull.inputs import NAMESPACE
from imagepull.kubernetes.rights import Grantee, make_role, make_roles
from imagepull.renewal.operator_rights import list_operator_rules

__all__ = ["add"]

_OPERATOR: Final = "external-secrets"


def add(subparsers: Any) -> None:
    """Declare the subcommand."""
    parser: argparse.ArgumentParser = subparsers.add_parser(
        "rbac", help="print the rights that pulumi up needs in a cluster", description=__doc__
    )
    parser.add_argument(
        "-n",
        "--namespace",
        action="append",
        default=[],
        metavar="NAMESPACE",
        help="a Role in this namespace; may be repeated (default: one ClusterRole)",
    )
    parser.add_argument("--renewal", action="store_true", help="include what `renewal: cronJob` needs")
    parser.add_argument(
        "--engine",
        choices=[_OPERATOR],
        help="the rights of External Secrets Operator, with which `renewal: externalSecrets` works",
    )
    who = parser.add_mutually_exclusive_group()
    who.add_argument("--user", help="bind the rights to this user")
    who.add_argument("--group", help="bind the rights to this group")
    who.add_argument("--service-account", metavar="NAMESPACE/NAME", help="bind the rights to this ServiceAccount")
    parser.set_defaults(run=_print_roles)


def _print_roles(given: argparse.Namespace) -> int:
    import yaml

    problems = [
        Problem(path="--namespace", reason=f"is {name!r}; write {NAMESPACE.expected}")
        for name in given.namespace
        if not NAMESPACE.admits(name)
    ]
    for option in ("namespace", "renewal"):
        if given.engine is not None and getattr(given, option):
            reason = "is not for --engine: the operator writes in namespaces that come later, too; leave it out"
            problems.append(Problem(path=f"--{option}", reason=reason))
    if problems:
        raise InvalidInput(problems)
    if given.engine is not None:
        documents = make_role(given.engine, None, list_operator_rules(), _parse_grantee(given))
    else:
        documents = make_roles(given.namespace, _parse_grantee(given), renewal=given.renewal)
    print(yaml.safe_dump_all(documents, sort_keys=False, default_flow_style=None), end="")
    return 0


def _parse_grantee(given: argparse.Namespace) -> Grantee | None:
    if given.service_account is not None:
        namespace, slash, name = given.service_account.partition("/")
        if not slash or not namespace or not name:
            reason = f"is {given.service_account!r}; write NAMESPACE/NAME"
            raise InvalidInput([Problem(path="--service-account", reason=reason)])
        return Grantee(kind="ServiceAccount", name=name, namespace=namespace)
    if given.user is not None:
        return Grantee(kind="User", name=given.user)
    return None if given.group is None else Grantee(kind="Group", name=given.group)
