"""What the provider must be allowed to do in a cluster, as Roles to apply: the one table of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

__all__ = ["Grantee", "make_role", "make_roles"]

_GROUP: Final = "rbac.authorization.k8s.io"
_NAME: Final = "imagepull"
_RULES: Final[tuple[tuple[str, str, str, bool], ...]] = (
    # API group, resource, verbs, needed for renewal by CronJob only.
    ("", "secrets", "get list create patch delete", False),
    ("", "serviceaccounts", "get list create patch", False),
    (_GROUP, "roles", "get list create patch delete", True),
    (_GROUP, "rolebindings", "get list create patch delete", True),
)
_IDENTITY: Final = {"apiGroups": [""], "resources": ["namespaces"], "resourceNames": ["kube-system"], "verbs": ["get"]}
"""The UID of `kube-system` identifies a cluster; without this right only the kubeconfig's entry does."""


@dataclass(frozen=True, kw_only=True)
class Grantee:
    """Who gets the rights. `kind`: `User`, `Group` or `ServiceAccount`; `namespace`: a ServiceAccount's."""

    kind: str
    name: str
    namespace: str | None = None


def make_roles(namespaces: Sequence[str], grantee: Grantee | None, *, renewal: bool) -> list[dict[str, Any]]:
    """Manifests of the Roles, and of their bindings where the grantee is known.

    Args:
        namespaces: Where to allow it; none for the whole cluster, in which one list finds what is there, `["*"]` as
            service accounts and imports included.
        renewal: Whether the rights are to include those for `renewal: cronJob`.
    """
    rules = [
        {"apiGroups": [group], "resources": [resource], "verbs": verbs.split()}
        for group, resource, verbs, for_renewal in _RULES
        if renewal or not for_renewal
    ]
    if not namespaces:
        return make_role(_NAME, None, [*rules, _IDENTITY], grantee)
    found = [document for namespace in namespaces for document in make_role(_NAME, namespace, rules, grantee)]
    return [*found, *make_role(_NAME, "kube-system", [_IDENTITY], grantee)]


def make_role(
    name: str, namespace: str | None, rules: Sequence[Mapping[str, object]], grantee: Grantee | None
) -> list[dict[str, Any]]:
    """A Role with these rules and, where the grantee is known, its binding, both of this name.

    Args:
        namespace: None for a ClusterRole.
    """
    scope = "Cluster" if namespace is None else ""
    metadata = {"name": name} if namespace is None else {"name": name, "namespace": namespace}
    version = f"{_GROUP}/v1"
    role = {"apiVersion": version, "kind": f"{scope}Role", "metadata": metadata, "rules": [*rules]}
    if grantee is None:
        return [role]
    subject = {"kind": grantee.kind, "name": grantee.name}
    subject |= {"apiGroup": _GROUP} if grantee.namespace is None else {"namespace": grantee.namespace}
    reference = {"apiGroup": _GROUP, "kind": f"{scope}Role", "name": name}
    binding = {"apiVersion": version, "kind": f"{scope}RoleBinding", "metadata": metadata}
    return [role, {**binding, "roleRef": reference, "subjects": [subject]}]
