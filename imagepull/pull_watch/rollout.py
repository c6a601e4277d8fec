"""How far a roll-out has come, as far as images go: which Pods belong to it, and which of them have theirs. Pure.

Fields: kubernetes/api apps/v1 and batch/v1 `types.go`, core/v1 ContainerState.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from imagepull.diagnosis.fields import Json, read_integer, read_items, read_mapping, read_text
from imagepull.diagnosis.objects import Container, ContainerKind
from imagepull.diagnosis.parsing import parse_pod
from imagepull.diagnosis.selection import list_owners
from imagepull.diagnosis.symptoms import NO_IMAGE_REASONS
from imagepull.diagnosis.texts import is_error_text
from imagepull.pull_plan.manifest import WORKLOAD_KINDS
from imagepull.pull_watch.spec import WatchedWorkload

__all__ = ["PodProgress", "Rollout", "find_workload", "has_all_images", "parse_pod_progress", "parse_rollout"]

_AFTER_PULL: Final = frozenset(
    {
        "CrashLoopBackOff",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
        "PostStartHookError",
    }
)
"""Reasons of a container that waits although its image is there (kubernetes pkg/kubelet/kuberuntime)."""


@dataclass(frozen=True, kw_only=True, slots=True)
class PodProgress:
    """A Pod on its way to its images.

    Attributes:
        owners: kind and name of what it may belong to: its controller, and what that is named after. A bare Pod
            belongs to itself.
        images: that its spec names.
        ready: every container has its image.
        failing: names of the containers of which the kubelet says that their image cannot be pulled.
        leaving: it is being deleted.
    """

    namespace: str
    name: str
    uid: str
    owners: tuple[tuple[str, str], ...]
    images: frozenset[str]
    ready: bool
    failing: tuple[str, ...]
    leaving: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class Rollout:
    """A workload as the cluster has it.

    Attributes:
        images: that its Pods are to have.
        complete: so many Pods of this version exist as are wanted now.
        wants_pods: it wants at least one Pod now.
    """

    kind: str
    namespace: str
    name: str
    images: frozenset[str]
    complete: bool
    wants_pods: bool


def parse_pod_progress(document: Json) -> PodProgress:
    """A Pod as the API server has it."""
    pod = parse_pod(document)
    ended = pod.phase in ("Succeeded", "Failed")
    pulled = [each for each in pod.containers if each.kind is not ContainerKind.EPHEMERAL]
    return PodProgress(
        namespace=pod.namespace,
        name=pod.name,
        uid=pod.uid,
        owners=list_owners(pod),
        images=pod.images,
        ready=ended or (bool(pulled) and all(map(_has_image, pulled))),
        failing=() if ended else tuple(each.name for each in pulled if _is_failing(each)),
        leaving="deletionTimestamp" in read_mapping(document, "metadata"),
    )


def parse_rollout(kind: str, document: Json) -> Rollout:
    """A workload of one of `WorkloadKind`, as the API server has it."""
    metadata, spec, status = (read_mapping(document, part) for part in ("metadata", "spec", "status"))
    wanted, there = _COUNTS[kind](spec, status)
    is_seen = "observedGeneration" not in status or read_integer(status, "observedGeneration") >= read_integer(
        metadata, "generation"
    )
    return Rollout(
        kind=kind,
        namespace=read_text(metadata, "namespace"),
        name=read_text(metadata, "name"),
        images=parse_pod({"spec": read_mapping(document, *WORKLOAD_KINDS[kind])}).images,
        complete=is_seen and there >= wanted,
        wants_pods=wanted > 0,
    )


def find_workload(workloads: Iterable[WatchedWorkload], pod: PodProgress) -> WatchedWorkload | None:
    """The workload, of those in the Pod's namespace, that the Pod belongs to; None for Pods of others."""
    return next((each for each in workloads for kind, name in pod.owners if each.is_called(kind, name)), None)


def has_all_images(workload: WatchedWorkload, pods: Sequence[PodProgress], rollout: Rollout | None) -> bool:
    """Whether nothing of a workload waits for an image any more.

    Args:
        workload: As it is to be.
        pods: Its own, those of earlier versions too.
        rollout: What the cluster has of it; None where that is not there or may not be read.
    """
    current = [each for each in pods if not each.leaving and each.images >= workload.images]
    if rollout is None:
        return (workload.kind == "CronJob" or bool(current)) and all(each.ready for each in current)
    if not rollout.complete or not rollout.images >= workload.images:
        return False
    if not current and rollout.wants_pods:
        # An admission webhook may have rewritten the Pods' images.
        current = [each for each in pods if not each.leaving]
        return bool(current) and all(each.ready for each in current)
    return all(each.ready for each in current)


def _has_image(container: Container) -> bool:
    if _is_failing(container):
        return False
    started = container.running or container.ended is not None or bool(container.image_id)
    return started or container.waiting_reason in _AFTER_PULL


def _is_failing(container: Container) -> bool:
    return container.waiting_reason in NO_IMAGE_REASONS or is_error_text(container.waiting_reason)


def _count_replicas(spec: Json, status: Json) -> tuple[int, int]:
    wanted = 0 if spec.get("paused") else read_integer(spec, "replicas")
    return wanted, read_integer(status, "updatedReplicas")


def _count_stateful(spec: Json, status: Json) -> tuple[int, int]:
    strategy = read_mapping(spec, "updateStrategy")
    partition = read_integer(read_mapping(strategy, "rollingUpdate"), "partition")
    by_hand = read_text(strategy, "type") == "OnDelete"
    return 0 if by_hand else max(read_integer(spec, "replicas") - partition, 0), read_integer(status, "updatedReplicas")


def _count_on_nodes(spec: Json, status: Json) -> tuple[int, int]:
    if "observedGeneration" not in status:
        return 1, 0  # its controller has not seen it yet
    by_hand = read_text(read_mapping(spec, "updateStrategy"), "type") == "OnDelete"
    return 0 if by_hand else read_integer(status, "desiredNumberScheduled"), read_integer(
        status, "updatedNumberScheduled"
    )


def _count_runs(spec: Json, status: Json) -> tuple[int, int]:
    ended = {
        read_text(each, "type") for each in read_items(status, "conditions") if read_text(each, "status") == "True"
    }
    if spec.get("suspend") or ended & {"Complete", "Failed", "Suspended"}:
        return 0, 0
    parallel = read_integer(spec, "parallelism")
    wanted = min(parallel, read_integer(spec, "completions")) if spec.get("completions") is not None else parallel
    return wanted, sum(read_integer(status, key) for key in ("active", "succeeded", "failed"))


_COUNTS: Final[Mapping[str, Callable[[Json, Json], tuple[int, int]]]] = {
    "Deployment": _count_replicas,
    "StatefulSet": _count_stateful,
    "DaemonSet": _count_on_nodes,
    "Job": _count_runs,
    "CronJob": lambda spec, status: (0, 0),
    "Pod": lambda spec, status: (1, 1),
}
"""How many Pods of its newest version a workload wants now, and how many there are."""
