"""The objects of `renewal: externalSecrets`: External Secrets Operator fetches the tokens once, and copies the Secret.

One source, copied: a generator in every namespace would call AWS once for each of them. Pure: plain manifests, which
the component declares. The operator's API: external-secrets.io/v1, generators.external-secrets.io/v1alpha1.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from imagepull.errors import InvalidInput, Problem
from imagepull.kubernetes.ownership import (
    IDENTITY_LABEL,
    MANAGED_BY,
    MANAGED_BY_LABEL,
    OWNED_BY_ANNOTATION,
    OWNER_LABEL,
    Owner,
)
from imagepull.registries import docker_config, lifetimes
from imagepull.registries.ecr_tokens import TokenRequest
from imagepull.registry_secret.existing import DATA_KEY, EXPIRES_AT_ANNOTATION, HOSTS_ANNOTATION, SECRET_TYPE
from imagepull.registry_secret.spec import RegistrySource
from imagepull.renewal.cron_job import shorten
from imagepull.renewal.settings import ExternalSecretsSettings

__all__ = [
    "ExternalSecretsObjects",
    "check_registries",
    "compute_source_digest",
    "copy_marks",
    "make_objects",
    "make_source_name",
]

_API: Final = "external-secrets.io/v1"
_GENERATORS_API: Final = "generators.external-secrets.io/v1alpha1"
_RBAC: Final = "rbac.authorization.k8s.io"
_NAME_LABEL: Final = "kubernetes.io/metadata.name"
"""On every namespace, by the API server: so the program's own namespaces need no label of ours."""


@dataclass(frozen=True, kw_only=True)
class ExternalSecretsObjects:
    """Manifests, in the order in which they need each other. `namespace_object`: None where it is there already."""

    namespace_object: Mapping[str, Any] | None
    account: Mapping[str, Any]
    role: Mapping[str, Any]
    role_binding: Mapping[str, Any]
    generators: Sequence[Mapping[str, Any]]
    source: Mapping[str, Any]
    store: Mapping[str, Any]
    copies: Mapping[str, Any]


def make_source_name(secret_name: str) -> str:
    """Name of the objects, and of the namespace that is made for the source."""
    return shorten(f"{secret_name.replace('.', '-')}-source")


def check_registries(registries: Sequence[RegistrySource]) -> None:
    """Raises InvalidInput with every registry that the operator cannot open in this layout."""
    problems = []
    for index, registry in enumerate(registries):
        path = f"registries[{index}]"
        if registry.token is None:
            reason = "has a password, and the operator asks AWS only; keep it in a RegistryAccess of its own"
            problems.append(Problem(path=path, reason=reason))
            continue
        principal = registry.token.principal
        for key, value in (("profile", principal.profile), ("externalId", principal.external_id)):
            if value is not None:
                problems.append(Problem(path=f"{path}.{key}", reason="is unknown to the operator; leave it out"))
    if problems:
        raise InvalidInput(problems)


def copy_marks(owner: Owner, hosts: Sequence[str], labels: Mapping[str, str], annotations: Mapping[str, str]) -> Any:
    """Labels and annotations of each copy: whose it is, and that nothing is known here of its tokens' lives.

    Args:
        owner: With its identity.
        labels, annotations: What the program asks for besides.
    """
    whose = {MANAGED_BY_LABEL: MANAGED_BY, OWNER_LABEL: owner.key, IDENTITY_LABEL: owner.identity or ""}
    # In place of what an earlier way of renewal left there.
    told = {
        OWNED_BY_ANNOTATION: owner.title,
        HOSTS_ANNOTATION: json.dumps({host: {} for host in hosts}, separators=(",", ":"), sort_keys=True),
        EXPIRES_AT_ANNOTATION: "",
    }
    return {"labels": {**labels, **whose}, "annotations": {**annotations, **told}}


def make_objects(
    settings: ExternalSecretsSettings,
    secret_name: str,
    registries: Sequence[RegistrySource],
    namespaces: Any,
    marks: Any,
) -> ExternalSecretsObjects:
    """The manifests for one Secret.

    Args:
        registries: Those that `check_registries` accepts.
        namespaces: The program's own namespaces: a list, or a promise of one.
        marks: `labels` and `annotations` of each copy, which say whose it is: a mapping, or a promise of one.
    """
    name = make_source_name(secret_name)
    home = settings.namespace or name
    ours = {MANAGED_BY_LABEL: MANAGED_BY}
    metadata = {"name": name, "namespace": home, "labels": ours}
    requests = list(dict.fromkeys(each.token for each in registries if each.token is not None))
    role = {"apiGroup": _RBAC, "kind": "Role", "name": name}
    return ExternalSecretsObjects(
        namespace_object=None
        if settings.namespace is not None
        else {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": home, "labels": ours}},
        account={"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata},
        role={
            "apiVersion": f"{_RBAC}/v1",
            "kind": "Role",
            "metadata": metadata,
            "rules": [{"apiGroups": [""], "resources": ["secrets"], "resourceNames": [secret_name], "verbs": ["get"]}],
        },
        role_binding={
            "apiVersion": f"{_RBAC}/v1",
            "kind": "RoleBinding",
            "metadata": metadata,
            "roleRef": role,
            "subjects": [{"kind": "ServiceAccount", "name": name, "namespace": home}],
        },
        generators=[_make_generator(settings, home, name, i, request) for i, request in enumerate(requests)],
        source=_make_source(settings, home, name, secret_name, registries, requests),
        store=_make_store(settings, home, name, namespaces),
        copies=_make_copies(settings, name, secret_name, namespaces, marks),
    )


def compute_source_digest(made: ExternalSecretsObjects) -> str:
    """Differs between sources that fetch different tokens: 16 hex digits."""
    told = json.dumps([made.source["spec"], *(each["spec"] for each in made.generators)], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def _make_generator(
    settings: ExternalSecretsSettings, home: str, name: str, index: int, request: TokenRequest
) -> dict[str, Any]:
    spec: dict[str, Any] = {"region": request.region}
    if request.public:
        spec["scope"] = "public"
    if request.principal.role_arn is not None:
        spec["role"] = request.principal.role_arn
    if settings.service_account is not None:
        spec["auth"] = {"jwt": {"serviceAccountRef": {"name": settings.service_account}}}
    metadata = {"name": f"{name}-{index}", "namespace": home, "labels": {MANAGED_BY_LABEL: MANAGED_BY}}
    return {"apiVersion": _GENERATORS_API, "kind": "ECRAuthorizationToken", "metadata": metadata, "spec": spec}


def _make_source(
    settings: ExternalSecretsSettings,
    home: str,
    name: str,
    secret_name: str,
    registries: Sequence[RegistrySource],
    requests: Sequence[TokenRequest],
) -> dict[str, Any]:
    # Every generator gives the same keys, so each gets a prefix.
    fetched = [
        {
            "sourceRef": {
                "generatorRef": {
                    "apiVersion": _GENERATORS_API,
                    "kind": "ECRAuthorizationToken",
                    "name": f"{name}-{index}",
                }
            },
            "rewrite": [{"regexp": {"source": "(.*)", "target": f"token{index}_$1"}}],
        }
        for index in range(len(requests))
    ]
    entries = {
        docker_config.make_auths_key(each.host): requests.index(each.token)
        for each in registries
        if each.token is not None
    }
    return {
        "apiVersion": _API,
        "kind": "ExternalSecret",
        "metadata": {
            "name": secret_name,
            "namespace": home,
            "labels": {MANAGED_BY_LABEL: MANAGED_BY},
        },
        "spec": {
            "refreshInterval": _format_duration(settings.source_interval),
            "target": {
                "name": secret_name,
                "template": {"engineVersion": "v2", "type": SECRET_TYPE, "data": {DATA_KEY: _make_template(entries)}},
            },
            "dataFrom": fetched,
        },
    }


def _format_duration(text: str) -> str:
    """As Go writes it (`4h0m0s`): the operator does, and every preview would show another spelling as a change."""
    seconds = round(lifetimes.parse_seconds(text))
    hours, minutes = seconds // 3600, seconds % 3600 // 60
    parts = [(hours, "h"), (minutes, "m"), (seconds % 60, "s")]
    while parts[0][0] == 0 and len(parts) > 1:
        del parts[0]
    return "".join(f"{amount}{unit}" for amount, unit in parts)


def _make_template(entries: Mapping[str, int]) -> str:
    """The dockerconfigjson, byte for byte as `docker_config.encode` writes it.

    Args:
        entries: Number of the token by key.
    """
    parts = [
        f'"{key}":{{"username":{{{{ .token{number}_username | toJson }}}},'
        f'"password":{{{{ .token{number}_password | toJson }}}},'
        f'"auth":{{{{ printf "%s:%s" .token{number}_username .token{number}_password | b64enc | toJson }}}}}}'
        for key, number in sorted(entries.items())
    ]
    return '{"auths":{' + ",".join(parts) + "}}"


def _make_store(settings: ExternalSecretsSettings, home: str, name: str, namespaces: Any) -> dict[str, Any]:
    server: dict[str, Any] = {
        "caProvider": {"type": "ConfigMap", "name": "kube-root-ca.crt", "key": "ca.crt", "namespace": home}
    }
    if settings.server is not None:
        server["url"] = settings.server
    conditions: list[dict[str, Any]] = [{"namespaceSelector": each} for each in _make_selectors(settings, namespaces)]
    return {
        "apiVersion": _API,
        "kind": "ClusterSecretStore",
        "metadata": {
            "name": name,
            "labels": {MANAGED_BY_LABEL: MANAGED_BY},
            "annotations": {"pulumi.com/waitFor": "condition=Ready"},
        },
        "spec": {
            "conditions": conditions,
            "provider": {
                "kubernetes": {
                    "remoteNamespace": home,
                    "server": server,
                    "auth": {"serviceAccount": {"name": name, "namespace": home}},
                }
            },
        },
    }


def _make_copies(
    settings: ExternalSecretsSettings, name: str, secret_name: str, namespaces: Any, marks: Any
) -> dict[str, Any]:
    return {
        "apiVersion": _API,
        "kind": "ClusterExternalSecret",
        "metadata": {"name": name, "labels": {MANAGED_BY_LABEL: MANAGED_BY}},
        "spec": {
            "externalSecretName": secret_name,
            "namespaceSelectors": _make_selectors(settings, namespaces),
            "refreshTime": "1m0s",
            "externalSecretSpec": {
                "refreshInterval": _format_duration(settings.copy_interval),
                "secretStoreRef": {"kind": "ClusterSecretStore", "name": name},
                "target": {
                    "name": secret_name,
                    # Under `Owner` the Secret goes with the ExternalSecret, also when Pulumi is to keep it.
                    "creationPolicy": "Orphan",
                    "template": {"type": SECRET_TYPE, "metadata": marks},
                },
                "dataFrom": [{"extract": {"key": secret_name}}],
            },
        },
    }


def _make_selectors(settings: ExternalSecretsSettings, namespaces: Any) -> list[dict[str, Any]]:
    own = {"matchExpressions": [{"key": _NAME_LABEL, "operator": "In", "values": namespaces}]}
    chosen = {"matchLabels": dict(settings.namespace_labels)}
    return [own, chosen] if settings.namespace_labels else [own]
