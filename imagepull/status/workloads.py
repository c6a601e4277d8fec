"""What makes Pods: the kinds that are read, and the Pod that each makes next."""

from typing import Final

from imagepull.diagnosis.fields import Json, read_items, read_mapping, read_text
from imagepull.diagnosis.objects import Container, ContainerKind
from imagepull.diagnosis.parsing import parse_pod
from imagepull.pull_plan.manifest import WORKLOAD_KINDS as POD_SPEC_PATHS
from imagepull.status.inventory import ClusterWorkload

__all__ = ["WORKLOAD_KINDS", "find_controller", "format_container_title", "parse_workload"]

WORKLOAD_KINDS: Final = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob")
"""Kinds that make Pods over and over. A ReplicaSet is a Deployment's, nearly always: its Pods say enough of it."""

_ROLES: Final = {ContainerKind.INIT: "init ", ContainerKind.MAIN: "", ContainerKind.EPHEMERAL: "ephemeral "}
_OVER: Final = frozenset({"Complete", "Failed"})


def parse_workload(kind: str, document: Json) -> ClusterWorkload | None:
    """The workload; None for one that starts no further Pod on its own account: a Job that is over, or a CronJob's."""
    if kind == "Job" and (_is_over(document) or find_controller(kind, document)):
        return None
    metadata = read_mapping(document, "metadata")
    name = read_text(metadata, "name")
    template = {
        "metadata": {"namespace": read_text(metadata, "namespace"), "name": name},
        "spec": read_mapping(document, *POD_SPEC_PATHS[kind]),
    }
    return ClusterWorkload(kind=kind, name=name, template=parse_pod(template))


def find_controller(kind: str, document: Json) -> tuple[tuple[str, str], str] | None:
    """Namespace and title of the object, and the title of what controls it: `Job/tidy-28` and `CronJob/tidy`."""
    metadata = read_mapping(document, "metadata")
    owner = next((each for each in read_items(metadata, "ownerReferences") if each.get("controller")), None)
    if owner is None:
        return None
    title = f"{kind}/{read_text(metadata, 'name')}"
    return (read_text(metadata, "namespace"), title), f"{read_text(owner, 'kind')}/{read_text(owner, 'name')}"


def format_container_title(container: Container) -> str:
    """The container's name, with its role in front unless it is an ordinary one: `init migrate`."""
    return _ROLES[container.kind] + container.name


def _is_over(document: Json) -> bool:
    conditions = read_items(read_mapping(document, "status"), "conditions")
    return any(read_text(each, "type") in _OVER and read_text(each, "status") == "True" for each in conditions)
