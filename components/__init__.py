"""Private images, pulled: what a Pulumi program imports."""

from components.kinds import CronJob, DaemonSet, Deployment, Job, Pod, StatefulSet
from components.plan import image_pull_plan
from components.registry_access import RegistryAccess
from components.stack_references import AccessReference, cluster_providers, exported_access
from components.transform import explicit_image_pulls

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
