"""Access by the node with a ServiceAccount's role (`renewal: node`): what a cluster shows of it, and what is missing.

The kubelet's own configuration is on the nodes and no API gives it. What an API gives: the ServiceAccount's annotation,
and the right without which a kubelet gets no token of the ServiceAccount for AWS (kubernetes/kubernetes
plugin/pkg/admission/noderestriction, ServiceAccountNodeAudienceRestriction). Without that right Events say only 401.
"""

import asyncio
from collections.abc import Iterable
from typing import Final

from imagepull.diagnosis.fields import Json, read_items, read_mapping, read_strings, read_text
from imagepull.diagnosis.objects import Missing, ServiceAccount
from imagepull.errors import Forbidden
from imagepull.images.reference import ImageReference
from imagepull.kubernetes.client import Cluster
from imagepull.kubernetes.kinds import KINDS
from imagepull.registries.ecr_hosts import parse_host
from imagepull.renewal.node import AUDIENCE, AUDIENCE_VERB, is_role

__all__ = ["find_node_role", "find_role_fault", "is_audience_granted", "read_audience_right"]

_KUBELETS: Final = frozenset({"system:nodes", "system:authenticated"})
"""Groups that every kubelet is in."""
_KUBELET: Final = "system:node:"
"""What the name of a kubelet's user begins with."""


def find_node_role(account: ServiceAccount | Missing, reference: ImageReference) -> str | None:
    """The role with which the node is to pull the image for the ServiceAccount's Pods; None where it names none.

    The credential provider is asked for images of private ECR only. An annotation without a value is an empty role.
    """
    host = parse_host(reference.domain)
    if isinstance(account, Missing) or host is None or host.public:
        return None
    return account.node_role


def find_role_fault(role: str, audience_granted: bool | None) -> str | None:
    """The code of what keeps nodes from pulling with a role; None when nothing is seen to.

    Args:
        role: as `find_node_role` gives it.
        audience_granted: as in `Case`.
    """
    if not is_role(role):
        return "node-role-invalid"
    return "node-audience-missing" if audience_granted is False else None


async def read_audience_right(cluster: Cluster) -> bool | None:
    """Whether a ClusterRole lets kubelets ask for ServiceAccounts' tokens for AWS; None when that may not be read."""
    kinds = (KINDS["ClusterRole"], KINDS["ClusterRoleBinding"])
    try:
        roles, bindings = await asyncio.gather(*(cluster.list(kind, parse=_keep_rights) for kind in kinds))
    except Forbidden:
        return None
    return is_audience_granted(roles, bindings)


def is_audience_granted(roles: Iterable[Json], bindings: Iterable[Json]) -> bool:
    """Whether one of the ClusterRoles grants it, and a ClusterRoleBinding gives that role to kubelets."""
    bound = {
        read_text(read_mapping(binding, "roleRef"), "name")
        for binding in bindings
        if any(map(_is_kubelet, read_items(binding, "subjects")))
    }
    return any(
        read_text(read_mapping(role, "metadata"), "name") in bound and any(map(_is_right, read_items(role, "rules")))
        for role in roles
    )


def _keep_rights(document: Json) -> Json:
    return {key: document[key] for key in ("metadata", "rules", "roleRef", "subjects") if key in document}


def _is_kubelet(subject: Json) -> bool:
    kind, name = read_text(subject, "kind"), read_text(subject, "name")
    return name in _KUBELETS if kind == "Group" else kind == "User" and name.startswith(_KUBELET)


def _is_right(rule: Json) -> bool:
    wanted = {"verbs": AUDIENCE_VERB, "apiGroups": "", "resources": AUDIENCE}
    return not read_strings(rule, "resourceNames") and all(
        not {"*", value}.isdisjoint(read_strings(rule, key)) for key, value in wanted.items()
    )
