"""Access without a Secret: what RegistryAccess declares for `renewal: node`."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NotRequired, TypedDict

import pulumi

from imagepull.errors import InvalidInput
from imagepull.inputs import to_camel_case
from imagepull.kubernetes.kinds import DEFAULT_SERVICE_ACCOUNT

from .ordering import order_after
from .resources import ServiceAccountImagePullSecrets

if TYPE_CHECKING:
    from imagepull.renewal.settings import NodeSettings

__all__ = ["NodeRenewal", "declare_node_access", "parse_node_access"]


class NodeRenewal(TypedDict):
    """Whose AWS role the nodes pull with."""

    role_arn: NotRequired[str]
    """IAM role of the ServiceAccounts: each of `service_accounts` is annotated with it, and only their Pods pull. Needs
    Kubernetes 1.34 or newer. Default: the role of the node, with which every Pod on it pulls."""


_OF_SECRETS: Final = ("secret_name", "refresh_before", "labels", "annotations", "adopt")
"""Arguments that have no meaning without a Secret."""


def parse_node_access(given: Mapping[str, Any]) -> "NodeSettings":
    """The arguments of RegistryAccess for `renewal: node`.

    Raises:
        pulumi.RunError: with every problem.
    """
    from imagepull.renewal import node
    from imagepull.renewal.settings import NodeSettings, parse_node

    problems: list[str] = []
    settings = NodeSettings()
    try:
        settings = parse_node({to_camel_case(key): value for key, value in (given.get("node") or {}).items()}, "node")
    except InvalidInput as error:
        problems += map(str, error.problems)
    registries = given["registries"]
    if isinstance(registries, Sequence):
        plain = [
            {to_camel_case(key): one for key, one in each.items()} for each in registries if isinstance(each, Mapping)
        ]
        problems += map(str, node.find_unfit_registries(plain))
    for field in _OF_SECRETS:
        if given.get(field) is not None:
            problems.append(f"{field}: is for a Secret, and with renewal 'node' there is none; leave it out")
    if settings.role_arn is None and given.get("service_accounts") is not None:
        problems.append(
            "service_accounts: the node's own role opens images of every Pod; leave it out, or give node.role_arn"
        )
    if problems:
        raise pulumi.RunError("; ".join(problems))
    return settings


def declare_node_access(
    name: str, settings: "NodeSettings", given: Mapping[str, Any], opts: pulumi.ResourceOptions
) -> None:
    """Declares the ServiceAccounts' annotation and the kubelets' right to their tokens; nothing for the node's role.

    Args:
        name: Name of the RegistryAccess.
        given: Its arguments.
        opts: Options of each resource: its parent.
    """
    from imagepull.renewal import node

    if settings.role_arn is None:
        return
    # Lazily: pulumi_kubernetes takes a quarter of a second to import, and other ways of renewal do without.
    from pulumi_kubernetes.rbac.v1 import ClusterRole, ClusterRoleBinding

    role, binding = node.make_audience_rights()
    # The rights are the cluster's, and several stacks may ask for them.
    own = f"imagepull:{pulumi.get_project()}:{pulumi.get_stack()}:{name}"
    metadata: Any = {**role["metadata"], "name": own}
    title = f"{name}-token-audience"
    made = ClusterRole(title, metadata=metadata, rules=role["rules"], opts=opts)
    reference: Any = {**binding["roleRef"], "name": own}
    bound = ClusterRoleBinding(
        title, metadata=metadata, role_ref=reference, subjects=binding["subjects"], opts=order_after(opts, made)
    )
    accounts = given.get("service_accounts", [DEFAULT_SERVICE_ACCOUNT])
    if accounts != []:
        annotated: Any = {
            "node_role_arn": settings.role_arn,
            "namespaces": given["namespaces"],
            "service_accounts": accounts,
        }
        ServiceAccountImagePullSecrets(name, annotated, order_after(opts, made, bound))
