"""Kinds of Kubernetes objects, and where the API server has them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

__all__ = [
    "DEFAULT_NAMESPACE",
    "DEFAULT_SERVICE_ACCOUNT",
    "EVERY_NAMESPACE",
    "KINDS",
    "NAMESPACE",
    "SECRET",
    "SERVICE_ACCOUNT",
    "Kind",
    "is_possible_name",
]

DEFAULT_NAMESPACE: Final = "default"
"""Where an object goes that names no namespace, unless the kubeconfig's context says otherwise."""
DEFAULT_SERVICE_ACCOUNT: Final = "default"
"""The ServiceAccount of a Pod that names none."""

EVERY_NAMESPACE: Final = "*"
"""In place of a namespace's name: the whole cluster."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of object.

    Attributes:
        name: `kind` in a manifest: `Secret`.
        plural: In paths: `secrets`.
        api_version: `v1`, or with a group `apps/v1`.
        namespaced: False for kinds whose objects are in no namespace.
    """

    name: str
    plural: str
    api_version: str = "v1"
    namespaced: bool = True

    def make_path(self, namespace: str, name: str | None = None) -> str:
        """Path of the object, or of the list without a name; `namespace` counts for kinds that have one.

        Names are percent-encoded: what somebody wrote into a Pod's or ServiceAccount's `imagePullSecrets` may be any
        text, and must lead to no other path.
        """
        root = "/apis" if "/" in self.api_version else "/api"
        place = f"/namespaces/{_encode(namespace)}" if self.namespaced and namespace != EVERY_NAMESPACE else ""
        return f"{root}/{self.api_version}{place}/{self.plural}" + (f"/{_encode(name)}" if name is not None else "")


def is_possible_name(name: str) -> bool:
    """Whether a name can stand in a path at all (kubernetes/apimachinery pkg/api/validation/path/name.go)."""
    return name not in ("", ".", "..") and "/" not in name and "%" not in name


def _encode(name: str) -> str:
    return quote(name, safe="")


SECRET: Final = Kind(name="Secret", plural="secrets")
SERVICE_ACCOUNT: Final = Kind(name="ServiceAccount", plural="serviceaccounts")
NAMESPACE: Final = Kind(name="Namespace", plural="namespaces", namespaced=False)

KINDS: Final[Mapping[str, Kind]] = {
    kind.name: kind
    for kind in (
        SECRET,
        SERVICE_ACCOUNT,
        NAMESPACE,
        Kind(name="Pod", plural="pods"),
        Kind(name="Event", plural="events"),
        Kind(name="ConfigMap", plural="configmaps"),
        Kind(name="Node", plural="nodes", namespaced=False),
        Kind(name="Deployment", plural="deployments", api_version="apps/v1"),
        Kind(name="StatefulSet", plural="statefulsets", api_version="apps/v1"),
        Kind(name="DaemonSet", plural="daemonsets", api_version="apps/v1"),
        Kind(name="Job", plural="jobs", api_version="batch/v1"),
        Kind(name="CronJob", plural="cronjobs", api_version="batch/v1"),
        Kind(name="Role", plural="roles", api_version="rbac.authorization.k8s.io/v1"),
        Kind(name="RoleBinding", plural="rolebindings", api_version="rbac.authorization.k8s.io/v1"),
        Kind(name="ClusterRole", plural="clusterroles", api_version="rbac.authorization.k8s.io/v1", namespaced=False),
        Kind(
            name="ClusterRoleBinding",
            plural="clusterrolebindings",
            api_version="rbac.authorization.k8s.io/v1",
            namespaced=False,
        ),
    )
}
"""By name."""
