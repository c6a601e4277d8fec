"""Access to private registries for every team's namespace: made and renewed here, used by application stacks."""

import pulumi
from pulumi_kubernetes.core.v1 import Namespace

from components import RegistryAccess, exported_access

config = pulumi.Config()
teams: list[str] = config.require_object("teams")

namespaces = [Namespace(team, metadata={"name": team}) for team in teams]
access = RegistryAccess(
    "registry-access",
    registries=[{"host": host} for host in config.require_object("registries")],
    namespaces=teams,
    opts=pulumi.ResourceOptions(depends_on=namespaces),
)

# Names, hosts and the expiry: no credential leaves this stack.
pulumi.export("access", exported_access(access))
