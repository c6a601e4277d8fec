"""Steps of a preview, for the tests of this room."""

from datetime import UTC, datetime
from typing import Any

from imagepull.preview.engine_events import Step

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
NOT_KNOWN = "(known after up)"


def step(op: str, type_: str, name: str = "pull", **told: Any) -> Step:
    return Step(op=op, urn=f"urn:pulumi:s::p::{type_}::{name}", type=type_, **told)


def secret(*hosts: str, namespaces: Any = ("shop",), **more: Any) -> dict[str, Any]:
    spaces = list(namespaces) if isinstance(namespaces, tuple) else namespaces
    return {"name": "pull", "registries": [{"host": host} for host in hosts], "namespaces": spaces, **more}


def accounts(*names: str, secrets: Any = ("pull",), namespaces: Any = ("shop",)) -> dict[str, Any]:
    wanted = {"serviceAccounts": list(names)} if names else {}
    return {"secretNames": list(secrets), "namespaces": list(namespaces), **wanted}


def pod(name: str, image: Any = "ghcr.io/a/b:1", policy: Any = "IfNotPresent", **more: Any) -> dict[str, Any]:
    container = {"name": "app", "image": image, "imagePullPolicy": policy}
    metadata = {"name": name, "namespace": more.pop("namespace", "shop")}
    return {"kind": "Pod", "metadata": metadata, "spec": {"containers": [container], **more}}


ONE, TWO = "ghcr.io/a/b:1", "ghcr.io/a/b:2"
