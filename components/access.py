"""What workloads need of access to registries, whichever stack made it."""

from collections.abc import Mapping, Sequence
from typing import Final, Optional

import pulumi

from imagepull.inputs import describe_value, to_camel_case
from imagepull.kubernetes.kinds import DEFAULT_NAMESPACE
from imagepull.pull_plan.manifest import Lifted

__all__ = ["ACCESS_OUTPUTS", "Access", "check_access"]


class Access(pulumi.ComponentResource):
    """Access to private registries: this stack's own (`RegistryAccess`) or another's (`AccessReference`)."""

    image_pull_secrets: pulumi.Output[Sequence[str]]
    """Names for a Pod's `imagePullSecrets`."""
    namespaces: pulumi.Output[Sequence[str]]
    """Namespaces that have access."""
    service_accounts: pulumi.Output[Sequence[str]]
    """ServiceAccounts, in each of the namespaces, that list the Secret."""
    hosts: pulumi.Output[Sequence[str]]
    """Hosts that the Secret opens."""
    expires_at: pulumi.Output[Optional[str]]
    """When the first of the tokens expires: RFC 3339, UTC. None when no registry's credential expires."""

    @property
    def wire_outputs(self) -> Mapping[str, pulumi.Output[object]]:
        """The outputs above by their names in the schema."""
        return {to_camel_case(name): getattr(self, name) for name in ACCESS_OUTPUTS}

    def secrets_in(self, namespace: Lifted[Optional[str]]) -> Lifted[Sequence[str]]:
        """Names for `imagePullSecrets` of a Pod in this namespace: none where there is no access.

        None, a manifest's lack of a namespace, is taken for `default`.
        """
        known = pulumi.Output.all(
            secrets=self.image_pull_secrets, namespaces=self.namespaces, namespace=pulumi.Output.from_input(namespace)
        )
        return known.apply(
            lambda known: known["secrets"] if (known["namespace"] or DEFAULT_NAMESPACE) in known["namespaces"] else []
        )


ACCESS_OUTPUTS: Final = tuple(Access.__annotations__)
"""Names of the outputs in Python."""


def check_access(value: object) -> Optional[str]:
    """What is wrong with the argument `access`, in one sentence; None when nothing is, or none is given."""
    if value is None or isinstance(value, Access):
        return None
    return (
        f"access is {describe_value(value)}; pass a RegistryAccess or an AccessReference,"
        " or name a Secret that is there already: image_pull_secrets=['...']"
    )
