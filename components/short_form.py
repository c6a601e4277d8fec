"""The short form of a workload: one container, as a whole manifest.

The result has the API's own keys. Any value may be a Pulumi Output, and is passed on as it is.
"""

from collections.abc import Mapping
from typing import Any

from .lifting import lift

__all__ = ["SHORT_FORM_FIELDS", "manifest"]

SHORT_FORM_FIELDS = (
    "image",
    "image_pull_policy",
    "port",
    "replicas",
    "schedule",
    "command",
    "arguments",
    "env",
    "resources",
    "service_account_name",
    "probes",
    "restricted",
)

# https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
_RESTRICTED_POD = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
_RESTRICTED_CONTAINER = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}

_STARTUP_SECONDS = 300
_STARTUP_PERIOD = 2


def manifest(kind: str, name: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    """`metadata` and `spec` of a workload with one container.

    Args:
        kind: Pod, Deployment, StatefulSet, DaemonSet, Job or CronJob.
        name: Name of the workload, of its container, and value of the label `app.kubernetes.io/name`.
        fields: Those of `WorkloadArgs`.
    """
    labels = {"app.kubernetes.io/name": name}
    metadata = lift(
        fields.get("metadata"),
        lambda metadata: {"name": name, **(metadata or {}), "labels": _all_labels(labels, metadata)},
    )
    if fields.get("namespace") is not None:
        metadata = lift(metadata, lambda metadata: {**metadata, "namespace": fields["namespace"]})
    template = {"metadata": {"labels": labels}, "spec": _pod_spec(kind, name, fields)}
    return {"metadata": metadata, "spec": _SPECS[kind](name, labels, template, fields)}


def _all_labels(ours: Mapping[str, str], metadata: Any) -> Any:
    return lift((metadata or {}).get("labels"), lambda theirs: {**ours, **(theirs or {})})


def _pod_spec(kind: str, name: str, fields: Mapping[str, Any]) -> dict[str, Any]:
    container: dict[str, Any] = {
        "name": name,
        "image": fields["image"],
        "imagePullPolicy": fields.get("image_pull_policy"),
        "command": fields.get("command"),
        "args": fields.get("arguments"),
        "env": lift(fields.get("env"), _environment),
        "resources": fields.get("resources"),
    }
    port = fields.get("port")
    if port is not None:
        container["ports"] = [{"containerPort": port}]
        if fields.get("probes", True):
            container |= _probes(port)
    spec: dict[str, Any] = {"serviceAccountName": fields.get("service_account_name")}
    if fields.get("restricted", True):
        spec["securityContext"] = _RESTRICTED_POD
        container["securityContext"] = _RESTRICTED_CONTAINER
    if kind in ("Job", "CronJob"):
        spec["restartPolicy"] = "Never"
    spec["containers"] = [_present(container)]
    return _present(spec)


def _environment(env: Any) -> Any:
    if env is None:
        return None
    return [{"name": name, "value": value} for name, value in env.items()]


def _probes(port: Any) -> dict[str, Any]:
    """Ready while the port answers; restarted when it no longer does, but not before it first did (up to 5 minutes)."""
    answers = {"tcpSocket": {"port": port}}
    return {
        "startupProbe": {
            **answers,
            "periodSeconds": _STARTUP_PERIOD,
            "failureThreshold": _STARTUP_SECONDS // _STARTUP_PERIOD,
        },
        "readinessProbe": {**answers, "periodSeconds": 5},
        "livenessProbe": {**answers, "periodSeconds": 10},
    }


def _pod(name: str, labels: Any, template: Any, fields: Mapping[str, Any]) -> Any:
    return template["spec"]


def _replicated(name: str, labels: Any, template: Any, fields: Mapping[str, Any]) -> Any:
    spec = {"replicas": fields.get("replicas"), "selector": {"matchLabels": labels}, "template": template}
    return _present(spec)


def _stateful(name: str, labels: Any, template: Any, fields: Mapping[str, Any]) -> Any:
    return {**_replicated(name, labels, template, fields), "serviceName": name}


def _job(name: str, labels: Any, template: Any, fields: Mapping[str, Any]) -> Any:
    return {"template": template}


def _cron_job(name: str, labels: Any, template: Any, fields: Mapping[str, Any]) -> Any:
    return {"schedule": fields["schedule"], "jobTemplate": {"spec": {"template": template}}}


_SPECS = {
    "Pod": _pod,
    "Deployment": _replicated,
    "StatefulSet": _stateful,
    "DaemonSet": _replicated,
    "Job": _job,
    "CronJob": _cron_job,
}


def _present(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
