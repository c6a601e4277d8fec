"""A cluster of a watch's tests: workloads and Pods by namespace, which a test changes as time passes."""

from collections.abc import Callable, Mapping
from typing import Any, cast

from imagepull.errors import Forbidden
from imagepull.kubernetes.client import Cluster
from imagepull.kubernetes.kinds import Kind
from imagepull.kubernetes.objects import KubernetesObject

__all__ = ["FakeCluster", "make_deployment", "make_pod"]

BACK_OFF = 'Back-off pulling image "{}": ErrImagePull: failed to resolve reference: {}: not found'


class FakeCluster:
    """What the cluster holds, by kind; `forbidden`: kinds that may not be listed."""

    namespace = "default"

    def __init__(self, *objects: dict[str, Any], forbidden: tuple[str, ...] = ()) -> None:
        self.objects = list(objects)
        self.forbidden = forbidden
        self.requests: list[str] = []

    @property
    def cluster(self) -> Cluster:
        """Itself, as the type that it stands for."""
        return cast(Cluster, self)

    async def list(
        self,
        kind: Kind,
        *,
        name: str | None = None,
        namespace: str = "*",
        fields: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
        parse: Callable[[Any], Any],
    ) -> list[Any]:
        self.requests.append(f"list {kind.name}")
        if kind.name in self.forbidden:
            raise Forbidden("RBAC forbids it", status=403)
        found = [each for each in self.objects if each["kind"] == kind.name]
        return [parse(each) for each in found if namespace in ("*", each["metadata"].get("namespace"))]

    async def get(self, kind: Kind, name: str, namespace: str) -> KubernetesObject | None:
        return None


def make_deployment(name: str = "web", *, image: str = "ghcr.io/a/web:1", replicas: int = 1, updated: int = 1) -> Any:
    return {
        "kind": "Deployment",
        "metadata": {"name": name, "namespace": "shop", "generation": 1},
        "spec": {"replicas": replicas, "template": {"spec": {"containers": [{"name": "app", "image": image}]}}},
        "status": {"observedGeneration": 1, "updatedReplicas": updated},
    }


def make_pod(
    owner: str = "ReplicaSet/web-5d8c",
    *,
    image: str = "ghcr.io/a/web:1",
    state: Mapping[str, Any] | None = None,
    name: str = "web-5d8c-x",
    reason: str = "",
) -> Any:
    """A Pod; with `reason` one whose image cannot be pulled."""
    kind, _, owner_name = owner.partition("/")
    owners = [{"kind": kind, "name": owner_name, "controller": True}] if owner else []
    waiting = {"waiting": {"reason": reason, "message": BACK_OFF.format(image, image)}}
    now: Mapping[str, Any] = state if state is not None else waiting if reason else {"running": {}}
    return {
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": "shop",
            "uid": f"uid-{name}",
            "ownerReferences": owners,
            "creationTimestamp": "2026-01-01T00:00:00Z",
        },
        "spec": {"containers": [{"name": "app", "image": image, "imagePullPolicy": "Always"}]},
        "status": {"phase": "Pending", "containerStatuses": [{"name": "app", "state": now}]},
    }
