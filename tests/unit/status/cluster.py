"""A small cluster in memory, as the API server would list it."""

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from imagepull.diagnosis.objects import Node, Pod, Secret, Secrets, ServiceAccount
from imagepull.diagnosis.parsing import parse_node, parse_pod, parse_service_account
from imagepull.diagnosis.secrets import parse_secret
from imagepull.registries.lifetimes import format_time
from imagepull.renewal.node import ROLE_ANNOTATION
from imagepull.status.inventory import ClusterWorkload, Inventory
from imagepull.status.workloads import parse_workload

__all__ = ["ECR", "NOW", "ROLE", "account", "deployment", "inventory", "node", "pod", "pull_secret"]

NOW: Final = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
ECR: Final = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
ROLE: Final = "arn:aws:iam::123456789012:role/puller"


def pod(
    name: str,
    image: str,
    *,
    policy: str = "IfNotPresent",
    secrets: Sequence[str] = (),
    account: str = "default",
    running: bool = True,
    owner: str = "",
    waiting: tuple[str, str] = ("", ""),
    on: str = "one",
) -> Pod:
    """A Pod of one container in namespace `shop`. `owner`: kind and name; `waiting`: reason and message."""
    kind, _, owner_name = owner.partition("/")
    state: dict[str, Any] = {"running": {"startedAt": format_time(NOW)}} if running else {}
    if waiting[0]:
        state = {"waiting": {"reason": waiting[0], "message": waiting[1]}}
    return parse_pod(
        {
            "metadata": {
                "namespace": "shop",
                "name": name,
                "ownerReferences": [{"kind": kind, "name": owner_name, "controller": True}] if owner else [],
            },
            "spec": {
                "nodeName": on,
                "serviceAccountName": account,
                "imagePullSecrets": [{"name": secret} for secret in secrets],
                "containers": [{"name": "app", "image": image, "imagePullPolicy": policy}],
            },
            "status": {"phase": "Running", "containerStatuses": [{"name": "app", "state": state}]},
        }
    )


def deployment(
    name: str,
    image: str,
    *,
    policy: str = "IfNotPresent",
    secrets: Sequence[str] = (),
) -> ClusterWorkload:
    """A Deployment in namespace `shop`."""
    template = {
        "imagePullSecrets": [{"name": secret} for secret in secrets],
        "containers": [{"name": "app", "image": image, "imagePullPolicy": policy}],
    }
    document = {"metadata": {"namespace": "shop", "name": name}, "spec": {"template": {"spec": template}}}
    found = parse_workload("Deployment", document)
    assert found is not None
    return found


def pull_secret(
    name: str,
    key: str,
    *,
    hours_left: float | None = None,
    written: datetime = NOW - timedelta(hours=1),
    controller: str = "",
    owned_by: str = "",
    type_: str = "kubernetes.io/dockerconfigjson",
    content: bytes | None = None,
) -> Secret:
    """A pull Secret of one entry; `hours_left` until its token expires, None for a password."""
    auths = {key: {"username": "AWS", "password": "not-a-real-password"}}
    data = content if content is not None else json.dumps({"auths": auths}).encode()
    annotations = {"imagepull/owned-by": owned_by} if owned_by else {}
    if hours_left is not None:
        annotations["imagepull/hosts"] = json.dumps(
            {key: {"issued": format_time(written), "expires": format_time(NOW + timedelta(hours=hours_left))}}
        )
    kind, _, owner = controller.partition("/")
    return parse_secret(
        {
            "metadata": {
                "namespace": "shop",
                "name": name,
                "annotations": annotations,
                "managedFields": [{"time": format_time(written)}],
                "ownerReferences": [{"kind": kind, "name": owner, "controller": True}] if controller else [],
            },
            "type": type_,
            "data": {".dockerconfigjson": base64.b64encode(data).decode()},
        }
    )


def account(name: str, *secrets: str, role: str | None = None) -> ServiceAccount:
    """A ServiceAccount in namespace `shop`. `role`: that nodes pull with for its Pods."""
    annotations = {} if role is None else {ROLE_ANNOTATION: role}
    return parse_service_account(
        {
            "metadata": {"namespace": "shop", "name": name, "annotations": annotations},
            "imagePullSecrets": [{"name": secret} for secret in secrets],
        }
    )


def node(name: str, *images: str, kubelet: str = "v1.36.3") -> Node:
    """A node that reports these images."""
    status = {"nodeInfo": {"kubeletVersion": kubelet}, "images": [{"names": list(images)}]}
    return parse_node({"metadata": {"name": name}, "status": status})


def inventory(
    *,
    pods: Sequence[Pod] = (),
    workloads: Sequence[ClusterWorkload] = (),
    secrets: Sequence[Secret] | None = (),
    accounts: Sequence[ServiceAccount] | None = (),
    nodes: Sequence[Node] = (),
    controllers: Mapping[tuple[str, str], str] | None = None,
    **more: Any,
) -> Inventory:
    """An inventory of namespace `shop`; `secrets` or `accounts` None: they may not be read."""
    found = None if secrets is None else Secrets(found={each.name: each for each in secrets}, complete=True)
    return Inventory(
        scope="namespace shop",
        at=NOW,
        pods=tuple(pods),
        workloads=tuple(workloads),
        secrets={} if found is None else {"shop": found},
        accounts={} if accounts is None else {"shop": {each.name: each for each in accounts}},
        nodes={each.name: each for each in nodes},
        controllers=controllers or {},
        **more,
    )
