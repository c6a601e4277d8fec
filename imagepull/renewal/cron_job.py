"""The objects of `renewal: cronJob`: imagepull itself in a CronJob, and a first Job that `pulumi up` waits for.

Pure: plain manifests, which the component declares.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from imagepull.errors import Problem
from imagepull.kubernetes.ownership import MANAGED_BY, MANAGED_BY_LABEL
from imagepull.renewal import schedule
from imagepull.renewal.document import DIGEST_KEY_VARIABLE, FILE_NAME
from imagepull.renewal.rights import make_policy_rules
from imagepull.renewal.schedule import CronSchedule
from imagepull.renewal.settings import CronJobSettings

__all__ = [
    "DIGEST_KEY_NAME",
    "RENEWER_LABELS",
    "CronJobObjects",
    "choose_schedule",
    "find_profiles",
    "make_cluster_rights",
    "make_default_name",
    "make_objects",
]

RENEWER_LABELS: Final = {MANAGED_BY_LABEL: MANAGED_BY, "app.kubernetes.io/name": "imagepull-renewer"}
"""Labels of the CronJob, and of the ConfigMap beside it that says what it renews."""
DIGEST_KEY_NAME: Final = "digest-key"
"""Key in the renewer's own Secret, which is called like its ConfigMap."""
_USER_ID: Final = 65532
_DOCUMENT_FOLDER: Final = "/etc/imagepull"
_TOKEN_FOLDER: Final = "/var/run/secrets/sts.amazonaws.com/serviceaccount"  # noqa: S105 (a folder)
_AUDIENCE: Final = "sts.amazonaws.com"
_LONGEST_NAME: Final = 52
"""Of a CronJob: it appends 11 characters for its Jobs (k8s.io/kubernetes pkg/apis/batch/validation)."""
_SHORTEST_DEADLINE: Final = timedelta(seconds=200)
_LONGEST_DEADLINE: Final = timedelta(hours=2)
_RUN_SECONDS: Final = 600
"""Seconds that one run may take: ten thousand namespaces take less than a minute."""
_RESOURCES: Final = {"requests": {"cpu": "50m", "memory": "96Mi"}, "limits": {"memory": "256Mi"}}


@dataclass(frozen=True, kw_only=True)
class CronJobObjects:
    """Manifests, in the order in which they need each other. `namespace_object`: None where it is there already."""

    namespace_object: Mapping[str, Any] | None
    service_account: Mapping[str, Any]
    config_map: Mapping[str, Any]
    key_secret: Mapping[str, Any]
    cron_job: Mapping[str, Any]
    first_job: Mapping[str, Any]


def make_default_name(secret_name: str) -> str:
    """Name of all objects of the renewer of a Secret, and of the namespace that is made for it."""
    return shorten(f"{secret_name.replace('.', '-')}-renewal")


def shorten(name: str) -> str:
    """The name, or its beginning with a digest of the whole where it is too long for a CronJob and a namespace."""
    if len(name) <= _LONGEST_NAME:
        return name
    return f"{name[: _LONGEST_NAME - 9].rstrip('-')}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def choose_schedule(settings: CronJobSettings, owner: str) -> CronSchedule:
    """The schedule on which the renewer starts."""
    found = schedule.parse(settings.schedule or schedule.choose(owner))
    assert isinstance(found, CronSchedule)  # checked where the settings were parsed
    return found


def make_objects(
    settings: CronJobSettings, image: str, secret_name: str, owner: str, *, document: Any, digest: Any, digest_key: Any
) -> CronJobObjects:
    """The manifests of the renewer of one Secret.

    Args:
        image: The renewer's image.
        owner: Title of the Secret's owner; its schedule follows from it.
        document: The renewal document, a text or a promise of one.
        digest: A text that differs between documents, likewise.
        digest_key: Key by which Pulumi believes what the renewer writes, likewise. It is not in the document, because
            whoever may view a cluster may read its ConfigMaps.
    """
    name = make_default_name(secret_name)
    namespace = settings.namespace or name
    labels = dict(RENEWER_LABELS)
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    role = {} if settings.role_arn is None else {"annotations": {"eks.amazonaws.com/role-arn": settings.role_arn}}
    started = choose_schedule(settings, owner)
    regular = _make_pod_template(settings, image, name, labels, ["--json"])
    first = _make_pod_template(settings, image, name, labels, ["--now"])
    # A Job cannot change. The digest makes it another one, which runs, whenever what it is to try has changed.
    first["metadata"]["annotations"] = {"imagepull/document-digest": digest}
    return CronJobObjects(
        namespace_object=None if settings.namespace is not None else _make_namespace(namespace, labels),
        service_account={"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {**metadata, **role}},
        config_map={"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {FILE_NAME: document}},
        key_secret={
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": metadata,
            "stringData": {DIGEST_KEY_NAME: digest_key},
        },
        cron_job={
            "apiVersion": "batch/v1",
            "kind": "CronJob",
            "metadata": metadata,
            "spec": {
                "schedule": started.text,
                "timeZone": settings.time_zone,
                "concurrencyPolicy": "Forbid",
                "startingDeadlineSeconds": _choose_starting_deadline(started),
                "successfulJobsHistoryLimit": 1,
                "failedJobsHistoryLimit": 3,
                "jobTemplate": {"metadata": {"labels": labels}, "spec": _make_job_spec(regular, retries=2)},
            },
        },
        first_job={
            "apiVersion": "batch/v1",
            "kind": "Job",
            "metadata": {
                **metadata,
                "name": f"{name}-first-run",
                # pulumi-kubernetes: a Job that failed is made anew by the next `pulumi up`.
                "annotations": {"pulumi.com/replaceUnready": "true"},
            },
            # One retry, ten seconds later: IAM takes as long to know a new role. `pulumi up` waits for it.
            "spec": _make_job_spec(first, retries=1),
        },
    )


def find_profiles(registries: Sequence[Mapping[str, object]], path: str = "registries") -> list[Problem]:
    """Registries whose AWS profile the renewer's Pod cannot have.

    Args:
        registries: Their inputs.
        path: Where they stand.
    """
    reason = (
        "is in a file on your machine, which the renewer's Pod does not have; write roleArn, or keep the registry in a "
        "RegistryAccess of its own"
    )
    return [
        Problem(path=f"{path}[{position}].profile", reason=reason)
        for position, registry in enumerate(registries)
        if registry.get("profile") is not None
    ]


def make_cluster_rights(secret_name: str, namespace: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """`scope: cluster`: ClusterRole and ClusterRoleBinding, limited to Secrets of the one name."""
    name = make_default_name(secret_name)
    metadata = {"name": f"imagepull:{namespace}:{name}", "labels": {MANAGED_BY_LABEL: MANAGED_BY}}
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": metadata,
        "rules": make_policy_rules(secret_name),
    }
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": metadata,
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": metadata["name"]},
        "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": namespace}],
    }
    return role, binding


def _make_namespace(name: str, labels: Mapping[str, str]) -> dict[str, Any]:
    restricted = {"pod-security.kubernetes.io/enforce": "restricted"}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": {**labels, **restricted}}}


def _choose_starting_deadline(started: CronSchedule) -> int:
    """Seconds by which a start may be late, after the cluster slept: until the next one, within bounds.

    Below 100 starts, which is where the controller gives up counting (pkg/controller/cronjob/utils.go).
    """
    gap = started.find_longest_gap(datetime.now(UTC)) or _LONGEST_DEADLINE
    return round(min(max(gap, _SHORTEST_DEADLINE), _LONGEST_DEADLINE).total_seconds())


def _make_job_spec(template: Mapping[str, Any], *, retries: int) -> dict[str, Any]:
    return {"backoffLimit": retries, "activeDeadlineSeconds": _RUN_SECONDS, "template": template}


def _make_pod_template(
    settings: CronJobSettings, image: str, service_account: str, labels: Mapping[str, str], options: list[str]
) -> dict[str, Any]:
    volumes: list[dict[str, Any]] = [{"name": "document", "configMap": {"name": service_account}}]
    mounts: list[dict[str, Any]] = [{"name": "document", "mountPath": _DOCUMENT_FOLDER, "readOnly": True}]
    env = dict(settings.env)
    if settings.role_arn is not None:
        # As EKS's webhook does it, which leaves alone what is there: so it works in clusters without the webhook, too.
        env |= {"AWS_ROLE_ARN": settings.role_arn, "AWS_WEB_IDENTITY_TOKEN_FILE": f"{_TOKEN_FOLDER}/token"}
        token = {"audience": _AUDIENCE, "expirationSeconds": 3600, "path": "token"}
        volumes.append({"name": "aws-token", "projected": {"sources": [{"serviceAccountToken": token}]}})
        mounts.append({"name": "aws-token", "mountPath": _TOKEN_FOLDER, "readOnly": True})
    container: dict[str, Any] = {
        "name": "renew",
        "image": image,
        "imagePullPolicy": "IfNotPresent",
        "args": ["renew", f"{_DOCUMENT_FOLDER}/{FILE_NAME}", *options],
        "env": [
            {
                "name": DIGEST_KEY_VARIABLE,
                "valueFrom": {"secretKeyRef": {"name": service_account, "key": DIGEST_KEY_NAME}},
            },
            *({"name": key, "value": value} for key, value in env.items()),
        ],
        "resources": _RESOURCES,
        "securityContext": {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        },
        # What it printed last is the reason that `pulumi up` and `kubectl describe` show.
        "terminationMessagePolicy": "FallbackToLogsOnError",
        "volumeMounts": mounts,
    }
    if settings.credentials_secret is not None:
        container["envFrom"] = [{"secretRef": {"name": settings.credentials_secret}}]
    pod: dict[str, Any] = {
        "serviceAccountName": service_account,
        "restartPolicy": "Never",
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": _USER_ID,
            "runAsGroup": _USER_ID,
            "fsGroup": _USER_ID,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "containers": [container],
        "volumes": volumes,
    }
    if settings.image_pull_secrets:
        pod["imagePullSecrets"] = [{"name": name} for name in settings.image_pull_secrets]
    return {"metadata": {"labels": dict(labels)}, "spec": pod}
