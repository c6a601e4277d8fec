"""Private images, pulled: what a Pulumi program imports."""

from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from .kinds import CronJob, DaemonSet, Deployment, Job, Pod, StatefulSet
    from .plan import image_pull_plan
    from .pull_watch import watch_pulls
    from .registry_access import RegistryAccess
    from .stack_references import AccessReference, cluster_providers, exported_access
    from .transform import explicit_image_pulls

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
    "watch_pulls",
]


_MODULES: Final = {
    "image_pull_plan": ".plan",
    "watch_pulls": ".pull_watch",
    "RegistryAccess": ".registry_access",
    "AccessReference": ".stack_references",
    "cluster_providers": ".stack_references",
    "exported_access": ".stack_references",
    "explicit_image_pulls": ".transform",
}
"""Where a name is from, unless it is a kind of workload."""


def __getattr__(name: str) -> Any:
    """A name at its first use: every preview waits for the imports, and pulumi_kubernetes alone takes 0.25 s."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES.get(name, ".kinds"), __name__), name)
