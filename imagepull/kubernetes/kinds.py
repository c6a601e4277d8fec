"""Kinds of objects that are read as the API server sends them, as mappings: nothing is built that nobody looks at."""

from collections.abc import Mapping
from typing import Any, Final

from lightkube.generic_resource import GenericGlobalResource, GenericNamespacedResource, create_api_info

__all__ = ["RAW_KINDS"]


def _namespaced(group: str, kind: str, plural: str) -> Any:
    return type(kind, (GenericNamespacedResource,), {"_api_info": create_api_info(group, "v1", kind, plural)})


RAW_KINDS: Final[Mapping[str, Any]] = {
    "Pod": _namespaced("", "Pod", "pods"),
    "Event": _namespaced("", "Event", "events"),
    "Secret": _namespaced("", "Secret", "secrets"),
    "ServiceAccount": _namespaced("", "ServiceAccount", "serviceaccounts"),
    "ConfigMap": _namespaced("", "ConfigMap", "configmaps"),
    "Deployment": _namespaced("apps", "Deployment", "deployments"),
    "StatefulSet": _namespaced("apps", "StatefulSet", "statefulsets"),
    "DaemonSet": _namespaced("apps", "DaemonSet", "daemonsets"),
    "Job": _namespaced("batch", "Job", "jobs"),
    "CronJob": _namespaced("batch", "CronJob", "cronjobs"),
    "Node": type(
        "Node",
        (GenericGlobalResource,),
        {"_api_info": create_api_info("", "v1", "Node", "nodes", ["delete", "get", "list", "patch", "post", "put"])},
    ),
}
"""By kind, for `Cluster.list` and `Cluster.get`."""
