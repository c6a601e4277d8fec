"""Workloads and Pods of a watch's tests."""

from collections.abc import Mapping
from typing import Any

__all__ = ["make_deployment", "make_pod"]

BACK_OFF = 'Back-off pulling image "{}": ErrImagePull: failed to resolve reference: {}: not found'


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
