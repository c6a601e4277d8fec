"""Private images, pulled: what a Pulumi program imports."""

from components.kinds import CronJob, DaemonSet, Deployment, Job, Pod, StatefulSet
from components.plan import image_pull_plan
from components.registry_access import RegistryAccess
from components.transform import explicit_image_pulls

__all__ = [
    "CronJob",
    "DaemonSet",
    "Deployment",
    "Job",
    "Pod",
    "RegistryAccess",
    "StatefulSet",
    "explicit_image_pulls",
    "image_pull_plan",
]
