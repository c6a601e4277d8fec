"""The custom resources of the `imagepull` provider, as a Python program declares them.

The provider itself is the plugin in `provider/`; this module only names the resources, their inputs and outputs. The
docstrings of the fields below are the descriptions in the plugin's schema: one place for both.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NotRequired, Optional, TypedDict

import pulumi

from imagepull.inputs import to_camel_case
from imagepull.registries import inputs
from imagepull.registries.secret_properties import REGISTRY_SECRETS, SECRETS_BY_NAME
from imagepull.resource_types import COPIED_SECRETS, PACKAGE, REGISTRY_SECRET, RENEWAL_RIGHTS, SERVICE_ACCOUNTS

__all__ = [
    "REGISTRY_SECRET_OUTPUTS",
    "CopiedSecrets",
    "CopiedSecretsArgs",
    "Provider",
    "ProviderArgs",
    "PullSecretArgs",
    "Registry",
    "RegistrySecret",
    "RegistrySecretArgs",
    "RenewalRights",
    "RenewalRightsArgs",
    "ServiceAccountImagePullSecrets",
    "ServiceAccountImagePullSecretsArgs",
]


Registry = inputs.Registry[pulumi.Input[str]]
"""One registry: each input of `imagepull.registries.inputs.Registry` is a text or a Pulumi Output of one."""


class PullSecretArgs(TypedDict):
    """What a named pull Secret (`kubernetes.io/dockerconfigjson`) in a set of namespaces opens, and how it is kept."""

    registries: pulumi.Input[Sequence[pulumi.Input[Registry]]]
    """Registries to open: at least one, each host once."""
    namespaces: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Namespaces to open them for. They must exist by the time of `pulumi up`."""
    refresh_before: NotRequired[pulumi.Input[str]]
    """Time left to the earliest expiry from which on `pulumi up` renews the tokens: `6h`, `90m`, `1h30m`, `45s`.
    Default: half of the token's life."""
    renewal: NotRequired[pulumi.Input[str]]
    """Who keeps ECR tokens alive: `pulumi` (each `pulumi up` when due), `cronJob` (imagepull in a CronJob that
    RegistryAccess declares), `externalSecrets` (External Secrets Operator) or `external` (somebody else). Default:
    `pulumi`; for the others, a renewal is never due
    in a preview."""
    labels: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """Labels to put on the Secrets, besides our own. Default: none."""
    annotations: NotRequired[pulumi.Input[Mapping[str, pulumi.Input[str]]]]
    """Annotations to put on the Secrets, besides our own. Default: none."""
    adopt: NotRequired[pulumi.Input[bool]]
    """Take over Secrets of that name that somebody else made; entries of other registries in them stay.
    Default: false, such a Secret is an error."""


class RegistrySecretArgs(PullSecretArgs):
    """One named pull Secret (`kubernetes.io/dockerconfigjson`) in a set of namespaces."""

    name: pulumi.Input[str]
    """`metadata.name` of the Secret, the same in every namespace. Another name is another Secret: the new one is
    written before the old one is deleted."""


class ServiceAccountImagePullSecretsArgs(TypedDict):
    """Names of pull Secrets in the `imagePullSecrets` of ServiceAccounts, beside whatever else is there."""

    secret_names: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """Names to append where they are absent: at least one, unless there is `node_role_arn`."""
    namespaces: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Namespaces of the ServiceAccounts."""
    service_accounts: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """ServiceAccounts in each namespace; `["*"]` is every one there is at the time of `pulumi up`. `default` is created
    where the cluster has not done so yet, any other missing one is an error. Default: `["default"]`."""
    node_role_arn: NotRequired[pulumi.Input[str]]
    """IAM role with which nodes pull for the accounts' Pods, as the annotation `eks.amazonaws.com/ecr-role-arn` says it
    (`renewal` by `node`). What was there before comes back at the end. Default: none, the annotation stays as it is."""


class CopiedSecretsArgs(TypedDict):
    """Copies of one Secret that External Secrets Operator makes: what to wait for, and where to clean up."""

    name: pulumi.Input[str]
    """Name of the Secret."""
    namespaces: pulumi.Input[Sequence[pulumi.Input[str]]]
    """The program's own namespaces that get a copy. One that is taken out loses the copy, and the operator's mark."""
    cluster_external_secret: pulumi.Input[str]
    """Name of the ClusterExternalSecret that copies."""
    identity: pulumi.Input[str]
    """The RegistrySecret's output `identity`, which the copies carry as a label."""
    source_namespace: pulumi.Input[str]
    """Namespace of the ExternalSecret, called as the Secret, that fetches the tokens; it is waited for first."""
    source_digest: pulumi.Input[str]
    """Differs between sources: one that has changed is waited for again."""


class RenewalRightsArgs(TypedDict):
    """The right to read and patch one Secret, and nothing else: a Role and a RoleBinding in each namespace."""

    name: pulumi.Input[str]
    """`metadata.name` of the Roles and RoleBindings."""
    secret_name: pulumi.Input[str]
    """Name of the Secret."""
    namespaces: pulumi.Input[Sequence[pulumi.Input[str]]]
    """Namespaces of the Secrets. They must exist by the time of `pulumi up`."""
    service_account: pulumi.Input[str]
    """ServiceAccount that gets the right."""
    service_account_namespace: pulumi.Input[str]
    """Namespace of that ServiceAccount."""


class ProviderArgs(TypedDict):
    """How to reach the cluster. Default: `KUBECONFIG`, `~/.kube/config`, or the Pod's own ServiceAccount."""

    kubeconfig: NotRequired[pulumi.Input[str]]
    """A kubeconfig's text, or the path of one. Always treated as a Pulumi secret."""
    context: NotRequired[pulumi.Input[str]]
    """Context in the kubeconfig. Default: its current context."""
    cluster_identifier: NotRequired[pulumi.Input[str]]
    """A name of your choice for the cluster. With it only another name means another cluster, and the address in the
    kubeconfig may change. Default: all resources are replaced when the kubeconfig's entry of the cluster changes."""


class Provider(pulumi.ProviderResource):
    """An explicit provider, for `opts=pulumi.ResourceOptions(provider=...)`: one per cluster.

    Args:
        resource_name: Name of the Pulumi resource.
        kubeconfig: See `ProviderArgs`.
        context: See `ProviderArgs`.
        cluster_identifier: See `ProviderArgs`.
    """

    def __init__(
        self,
        resource_name: str,
        *,
        kubeconfig: Optional[pulumi.Input[str]] = None,
        context: Optional[pulumi.Input[str]] = None,
        cluster_identifier: Optional[pulumi.Input[str]] = None,
        opts: Optional[pulumi.ResourceOptions] = None,
    ) -> None:
        place = {"kubeconfig": kubeconfig, "context": context, "clusterIdentifier": cluster_identifier}
        marked = {
            name: pulumi.Output.secret(value) if name in SECRETS_BY_NAME and value is not None else value
            for name, value in place.items()
        }
        super().__init__(PACKAGE, resource_name, marked, opts)


class _ResourceWithOutputs(pulumi.CustomResource):
    def _get_output(self, name: str) -> pulumi.Output[Any]:
        """An output by its name in the schema."""
        output: pulumi.Output[Any] = self.__dict__[name]
        return output


class RegistrySecret(_ResourceWithOutputs):
    """One named pull Secret in a set of namespaces, kept alive without its token ever entering Pulumi's state.

    Args:
        resource_name: Name of the Pulumi resource.
        args: See `RegistrySecretArgs`.
    """

    def __init__(
        self, resource_name: str, args: RegistrySecretArgs, opts: Optional[pulumi.ResourceOptions] = None
    ) -> None:
        props = {**_to_wire_inputs(RegistrySecretArgs, args), "registries": _to_wire(args["registries"])}
        outputs = dict.fromkeys([*map(to_camel_case, REGISTRY_SECRET_OUTPUTS), "lifetimes"])
        super().__init__(REGISTRY_SECRET, resource_name, {**outputs, **props}, opts)

    @property
    def expires_at(self) -> pulumi.Output[Optional[str]]:
        """When the first of the tokens expires: RFC 3339, UTC. None when no registry's credential expires."""
        return self._get_output("expiresAt")

    @property
    def hosts(self) -> pulumi.Output[Sequence[str]]:
        """Hosts that the Secret opens: the keys written to it."""
        return self._get_output("hosts")

    @property
    def uids(self) -> pulumi.Output[Mapping[str, str]]:
        """`metadata.uid` of the Secret per namespace: it stays the same through every renewal."""
        return self._get_output("uids")

    @property
    def owner(self) -> pulumi.Output[str]:
        """Title of the owner that stands on the Secrets: `project/stack/name`."""
        return self._get_output("owner")

    @property
    def identity(self) -> pulumi.Output[str]:
        """What the Secrets of this incarnation carry as label `imagepull/identity`: 16 hex digits."""
        return self._get_output("identity")

    @property
    def digest_key(self) -> pulumi.Output[str]:
        """Key of the digests by which a token in a Secret is believed. For renewers only; a Pulumi secret."""
        return self._get_output("digestKey")


class ServiceAccountImagePullSecrets(_ResourceWithOutputs):
    """Our names in ServiceAccounts' `imagePullSecrets`: appended where absent, never in place of others' entries; or
    the role with which nodes pull for their Pods.

    Args:
        resource_name: Name of the Pulumi resource.
        args: See `ServiceAccountImagePullSecretsArgs`.
    """

    def __init__(
        self,
        resource_name: str,
        args: ServiceAccountImagePullSecretsArgs,
        opts: Optional[pulumi.ResourceOptions] = None,
    ) -> None:
        props = _to_wire_inputs(ServiceAccountImagePullSecretsArgs, args)
        super().__init__(SERVICE_ACCOUNTS, resource_name, {"missingSecrets": None, **props}, opts)

    @property
    def missing_secrets(self) -> pulumi.Output[Optional[Mapping[str, Sequence[str]]]]:
        """Names of others in the accounts' lists of which the last update or refresh found no Secret, by
        `namespace/account`. They do no harm, and the kubelet warns of them at each start of a Pod."""
        return self._get_output("missingSecrets")


class CopiedSecrets(pulumi.CustomResource):
    """Copies of one Secret that External Secrets Operator makes in a set of namespaces.

    Args:
        resource_name: Name of the Pulumi resource.
        args: See `CopiedSecretsArgs`.
    """

    def __init__(
        self, resource_name: str, args: CopiedSecretsArgs, opts: Optional[pulumi.ResourceOptions] = None
    ) -> None:
        super().__init__(COPIED_SECRETS, resource_name, _to_wire_inputs(CopiedSecretsArgs, args), opts)


class RenewalRights(pulumi.CustomResource):
    """The right to renew one Secret, as a Role and a RoleBinding in each of a set of namespaces.

    Args:
        resource_name: Name of the Pulumi resource.
        args: See `RenewalRightsArgs`.
    """

    def __init__(
        self, resource_name: str, args: RenewalRightsArgs, opts: Optional[pulumi.ResourceOptions] = None
    ) -> None:
        super().__init__(RENEWAL_RIGHTS, resource_name, _to_wire_inputs(RenewalRightsArgs, args), opts)


REGISTRY_SECRET_OUTPUTS: Final = tuple(name for name in vars(RegistrySecret) if not name.startswith("_"))
"""Names of the outputs in Python."""


def _to_wire_inputs(declared: type, args: Mapping[str, Any]) -> dict[str, Any]:
    """All inputs of a resource by their names in the schema, None for those that are not given."""
    return {to_camel_case(name): args.get(name) for name in declared.__annotations__}


def _to_wire(registries: Any) -> Any:
    """The registries with the keys that the plugin knows (camel case), each password a Pulumi secret."""
    if isinstance(registries, Sequence):
        return [_convert_registry(registry) for registry in registries]
    return pulumi.Output.from_input(registries).apply(_to_wire)


def _convert_registry(registry: Any) -> Any:
    if not isinstance(registry, Mapping):
        return pulumi.Output.from_input(registry).apply(_convert_registry)
    wire = {to_camel_case(key): value for key, value in registry.items()}
    for name in REGISTRY_SECRETS.intersection(wire):
        wire[name] = pulumi.Output.secret(wire[name])
    return wire
