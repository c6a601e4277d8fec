"""Private images, pulled: what a Pulumi program imports."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .plan import image_pull_plan
from .registry_access import RegistryAccess
from .stack_references import AccessReference, cluster_providers, exported_access
from .transform import explicit_image_pulls

if TYPE_CHECKING:
    from .kinds import CronJob, DaemonSet, Deployment, Job, Pod, StatefulSet

__all__ = [
    "AccessReference",
    "CronJob",
    "DaemonSet",
    "Deployment",
    "Job",
    "Pod",
    "RegistryAccess",
    "StatefulSet",
    "cluster_providers",
    "explicit_image_pulls",
    "exported_access",
    "image_pull_plan",
]


def __getattr__(name: str) -> Any:
    """A workload component at its first use: pulumi_kubernetes takes a quarter of a second to import."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(".kinds", __name__), name)
