"""The short form of a workload: one container, as a whole manifest.

The result has the API's own keys. Any value may be a Pulumi Output, and is passed on as it is.
"""

from collections.abc import Mapping
from typing import Final

from imagepull.errors import InvalidInput, Problem
from imagepull.inputs import describe_value
from imagepull.pull_plan.kinds import ONLY_FOR, WorkloadKind

from .arguments import lift
from .workload_args import ShortFormArgs

__all__ = ["SHORT_FORM_FIELDS", "manifest"]

SHORT_FORM_FIELDS: Final = (*ShortFormArgs.__annotations__, *ONLY_FOR)

_Fields = Mapping[str, object]

# https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
_RESTRICTED_POD = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
_RESTRICTED_CONTAINER = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}

_STARTUP_SECONDS = 300
_STARTUP_PERIOD = 2


def manifest(kind: WorkloadKind, name: str, fields: Mapping[str, object]) -> dict[str, object]:
    """`metadata` and `spec` of a workload with one container.

    Args:
        kind: Pod, Deployment, StatefulSet, DaemonSet, Job or CronJob.
        name: Name of the workload, of its container, and value of the label `app.kubernetes.io/name`.
        fields: Those of `WorkloadArgs`.
    """
    labels = {"app.kubernetes.io/name": name}
    metadata = lift(
        fields.get("metadata"),
        lambda metadata: _make_metadata(name, labels, _read_mapping("metadata", metadata), fields.get("namespace")),
    )
    template = {"metadata": {"labels": labels}, "spec": _make_pod_spec(kind, name, fields)}
    return {"metadata": metadata, "spec": _SPECS[kind](name, labels, template, fields)}


def _make_metadata(
    name: str, labels: Mapping[str, str], given: Mapping[str, object], namespace: object
) -> Mapping[str, object]:
    all_labels = lift(given.get("labels"), lambda theirs: {**labels, **_read_mapping("metadata.labels", theirs)})
    place = {} if namespace is None else {"namespace": namespace}
    return {"name": name, **given, "labels": all_labels, **place}


def _read_mapping(field: str, value: object) -> Mapping[str, object]:
    """The value of an argument that is a mapping, or absent."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidInput([Problem(path=field, reason=f"is {describe_value(value)}; write a mapping")])
    return value


def _make_pod_spec(kind: WorkloadKind, name: str, fields: Mapping[str, object]) -> dict[str, object]:
    container: dict[str, object] = {
        "name": name,
        "image": fields["image"],
        "imagePullPolicy": fields.get("image_pull_policy"),
        "command": fields.get("command"),
        "args": fields.get("arguments"),
        "env": lift(fields.get("env"), _make_environment),
        "resources": fields.get("resources"),
    }
    port = fields.get("port")
    if port is not None:
        container["ports"] = [{"containerPort": port}]
        if fields.get("probes", True):
            container |= _make_probes(port)
    spec: dict[str, object] = {"serviceAccountName": fields.get("service_account_name")}
    if fields.get("restricted", True):
        spec["securityContext"] = _RESTRICTED_POD
        container["securityContext"] = _RESTRICTED_CONTAINER
    if kind in (WorkloadKind.JOB, WorkloadKind.CRON_JOB):
        spec["restartPolicy"] = "Never"
    spec["containers"] = [_drop_none(container)]
    return _drop_none(spec)


def _make_environment(env: object) -> object:
    if env is None:
        return None
    return [{"name": name, "value": value} for name, value in _read_mapping("env", env).items()]


def _make_probes(port: object) -> dict[str, object]:
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


def _make_pod(name: str, labels: object, template: _Fields, fields: _Fields) -> object:
    return template["spec"]


def _make_replicated(name: str, labels: object, template: _Fields, fields: _Fields) -> dict[str, object]:
    spec = {"replicas": fields.get("replicas"), "selector": {"matchLabels": labels}, "template": template}
    return _drop_none(spec)


def _make_stateful(name: str, labels: object, template: _Fields, fields: _Fields) -> object:
    return {**_make_replicated(name, labels, template, fields), "serviceName": name}


def _make_job(name: str, labels: object, template: _Fields, fields: _Fields) -> object:
    return {"template": template}


def _make_cron_job(name: str, labels: object, template: _Fields, fields: _Fields) -> object:
    return {"schedule": fields["schedule"], "jobTemplate": {"spec": {"template": template}}}


_SPECS = {
    WorkloadKind.POD: _make_pod,
    WorkloadKind.DEPLOYMENT: _make_replicated,
    WorkloadKind.STATEFUL_SET: _make_stateful,
    WorkloadKind.DAEMON_SET: _make_replicated,
    WorkloadKind.JOB: _make_job,
    WorkloadKind.CRON_JOB: _make_cron_job,
}


def _drop_none(fields: Mapping[str, object]) -> dict[str, object]:
    return {name: value for name, value in fields.items() if value is not None}
