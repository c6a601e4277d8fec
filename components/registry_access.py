"""Access to private registries for a set of namespaces: the pull Secrets, and the ServiceAccounts that list them."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NotRequired, Optional, Unpack, overload

import pulumi

from imagepull.kubernetes.kinds import DEFAULT_NAMESPACE, DEFAULT_SERVICE_ACCOUNT
from imagepull.pull_plan.manifest import Lifted
from imagepull.registry_secret.spec import Renewal
from imagepull.resource_types import REGISTRY_ACCESS
from imagepull.service_accounts.spec import ALL

from .access import Access
from .arguments import lift, make_output
from .external_secrets import ExternalSecretsRenewal, declare_external_secrets
from .node_access import NodeRenewal, declare_node_access, parse_node_access
from .ordering import order_after
from .renewal import CronJobRenewal, RenewalSettings, declare_renewal, parse_renewal, plan_renewal
from .resources import PullSecretArgs, RegistrySecret, ServiceAccountImagePullSecrets

if TYPE_CHECKING:
    from imagepull.renewal.settings import NodeSettings

__all__ = ["RegistryAccess", "RegistryAccessArgs"]


class RegistryAccessArgs(PullSecretArgs):
    """Which registries, for whom."""

    service_accounts: NotRequired[pulumi.Input[Sequence[pulumi.Input[str]]]]
    """ServiceAccounts in each namespace whose new Pods get the Secret without naming it; `["*"]` is every one there is
    at the time of `pulumi up`, `[]` is none. Default: `["default"]`."""
    secret_name: NotRequired[pulumi.Input[str]]
    """`metadata.name` of the Secret, the same in every namespace. Default: the name of the resource."""
    cron_job: NotRequired[CronJobRenewal]
    """How the renewer runs, for `renewal` by `cronJob`."""
    external_secrets: NotRequired[ExternalSecretsRenewal]
    """How External Secrets Operator renews, for `renewal` by `externalSecrets`."""
    node: NotRequired[NodeRenewal]
    """Whose role the nodes pull with, for `renewal` by `node`."""


_SECRET_FIELDS: Final = PullSecretArgs.__annotations__.keys()
_REQUIRED: Final = sorted(RegistryAccessArgs.__required_keys__, reverse=True)


class RegistryAccess(Access):
    """Access to private registries for a set of namespaces.

    Pods get it by naming the Secret (`image_pull_secrets`, which the workload components and the transform write), or
    through their ServiceAccount, which reaches only Pods that name no Secret and are created later.

    Args:
        name: Name of the Pulumi resource.
        args: See `RegistryAccessArgs`; or its fields as keyword arguments.
    """

    credential_provider_config: pulumi.Output[Optional[str]]
    """Configuration of the kubelets, as `imagepull node-config` prints it; None unless `renewal` is `node`."""

    @overload
    def __init__(self, name: str, args: RegistryAccessArgs, opts: Optional[pulumi.ResourceOptions] = None) -> None: ...

    @overload
    def __init__(
        self, name: str, *, opts: Optional[pulumi.ResourceOptions] = None, **fields: Unpack[RegistryAccessArgs]
    ) -> None: ...

    def __init__(
        self,
        name: str,
        args: Optional[RegistryAccessArgs] = None,
        opts: Optional[pulumi.ResourceOptions] = None,
        **fields: Any,
    ) -> None:
        super().__init__(REGISTRY_ACCESS, name, None, opts)
        given: Mapping[str, Any] = {**(args or {}), **fields}
        known = RegistryAccessArgs.__annotations__
        wrong = [f"no argument {field}; there are {', '.join(known)}" for field in given if field not in known]
        wrong += [f"{field} is missing" for field in _REQUIRED if given.get(field) is None]
        if wrong:
            raise pulumi.RunError(f"RegistryAccess {name}: {'; '.join(wrong)}")
        secret_name = given.get("secret_name", name)
        try:
            renewal = parse_renewal(given, secret_name)
            by_node = parse_node_access(given) if renewal.renewal is Renewal.NODE else None
        except pulumi.RunError as error:
            raise pulumi.RunError(f"RegistryAccess {name}: {error}") from None
        options = pulumi.ResourceOptions(parent=self, depends_on=opts.depends_on if opts else None)
        self.credential_provider_config = pulumi.Output.from_input(None)
        self._namespaces = given["namespaces"]
        self._missing: pulumi.Output[Any] = pulumi.Output.from_input({})
        self.namespaces = make_output(given["namespaces"])
        if by_node is not None:
            self._open_by_node(name, by_node, given, options)
        else:
            self._open_by_secret(name, renewal, {**given, "secret_name": secret_name}, options)
        self.register_outputs({**self.wire_outputs, "credentialProviderConfig": self.credential_provider_config})

    def _open_by_secret(
        self, name: str, renewal: RenewalSettings, given: Mapping[str, Any], options: pulumi.ResourceOptions
    ) -> None:
        """Declares the Secret, what renews it, and the ServiceAccounts that list it; sets the outputs."""
        secret_args: Any = {field: value for field, value in given.items() if field in _SECRET_FIELDS}
        secret_args["name"] = given["secret_name"]
        secret = RegistrySecret(name, secret_args, options)
        below = pulumi.ResourceOptions(parent=self)
        if renewal.cron_job is not None:
            declare_renewal(name, renewal.cron_job, secret, secret_args, below)
        if renewal.external_secrets is not None:
            declare_external_secrets(name, renewal.external_secrets, secret, secret_args, below)
        self._secret_names = [given["secret_name"]]
        service_accounts = given.get("service_accounts", [DEFAULT_SERVICE_ACCOUNT])
        if service_accounts != []:
            listed: Any = {
                "secret_names": self._secret_names,
                "namespaces": given["namespaces"],
                "service_accounts": service_accounts,
            }
            accounts = ServiceAccountImagePullSecrets(name, listed, order_after(options, secret))
            self._missing = accounts.missing_secrets
        self.renewer = plan_renewal(renewal, given["secret_name"], name, given["registries"])
        self.image_pull_secrets = pulumi.Output.from_input(self._secret_names)
        self.service_accounts = pulumi.Output.from_input(service_accounts)
        self.hosts = secret.hosts
        self.expires_at = secret.expires_at
        self._lifetimes = secret._get_output("lifetimes")

    def _open_by_node(
        self, name: str, settings: "NodeSettings", given: Mapping[str, Any], options: pulumi.ResourceOptions
    ) -> None:
        """The outputs of an access that needs no Secret, and what it declares instead."""
        from imagepull.renewal import node

        declare_node_access(name, settings, given, options)
        self._secret_names = []
        self.renewer = None
        self._lifetimes = pulumi.Output.from_input({})
        self.image_pull_secrets = pulumi.Output.from_input(list[str]())
        # The node's role asks no ServiceAccount.
        accounts = given.get("service_accounts", [DEFAULT_SERVICE_ACCOUNT]) if settings.role_arn else [ALL]
        self.service_accounts = pulumi.Output.from_input(accounts)
        registries: Any = pulumi.Output.from_input(given["registries"])
        self.hosts = registries.apply(lambda registries: [each["host"] for each in registries])
        self.expires_at = pulumi.Output.from_input(None)
        self.credential_provider_config = self.hosts.apply(
            lambda hosts: node.make_credential_provider_config(hosts, settings)
        )

    def secrets_in(self, namespace: Lifted[Optional[str]]) -> Lifted[Sequence[str]]:
        """See `Access.secrets_in`. Plain when the namespace and the arguments of this resource are, else an Output."""

        def list_secrets(namespace: Optional[str]) -> Lifted[Sequence[str]]:
            place = namespace or DEFAULT_NAMESPACE
            return lift(self._namespaces, lambda ours: self._secret_names if place in ours else [])

        return lift(namespace, list_secrets)
