"""What is read of each object, in the form of a case file: only fields that decide, and no credential.

A Pod's environment, arguments and annotations may hold passwords, so they are left out; texts are redacted; of a Secret
only the names of its fields, user names, lengths and expiry are kept.
"""

import re
from collections.abc import Mapping
from typing import Final

from imagepull.diagnosis.fields import Json, items, mapping, moment, text
from imagepull.diagnosis.secrets import DATA_KEYS, parse_secret
from imagepull.kubernetes.ownership import OWNED_BY_ANNOTATION
from imagepull.redaction import redact
from imagepull.registries.lifetimes import to_text
from imagepull.registry_secret.existing import EXPIRES_AT_ANNOTATION, HOSTS_ANNOTATION

__all__ = ["event_facts", "node_facts", "pod_facts", "secret_facts", "service_account_facts"]

_REDACTED: Final = "REDACTED"
_OWN_ANNOTATIONS: Final = (EXPIRES_AT_ANNOTATION, HOSTS_ANNOTATION, OWNED_BY_ANNOTATION)
_METADATA: Final = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
_CONTAINERS: Final = ("initContainers", "containers", "ephemeralContainers")
_STATUSES: Final = ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")
_USERINFO: Final = re.compile(r"[^/@]+@")


def pod_facts(pod: Json) -> dict[str, object]:
    """A Pod without environment, arguments, annotations and labels."""
    spec, status = mapping(pod, "spec"), mapping(pod, "status")
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {**_some(mapping(pod, "metadata"), (*_METADATA, "ownerReferences"))},
        "spec": {
            **_some(spec, ("serviceAccountName", "nodeName", "restartPolicy", "imagePullSecrets")),
            **{key: [_container(each) for each in items(spec, key)] for key in _CONTAINERS if key in spec},
            "volumes": [_some(each, ("name", "image")) for each in items(spec, "volumes") if "image" in each],
        },
        "status": {
            **_some(status, ("phase", "startTime")),
            **{key: [_container_status(each) for each in items(status, key)] for key in _STATUSES if key in status},
        },
    }


def event_facts(event: Json) -> dict[str, object]:
    """An Event about a Pod, its message redacted."""
    kept = _some(event, ("involvedObject", "reason", "type", "count", "firstTimestamp", "lastTimestamp", "eventTime"))
    metadata = _some(mapping(event, "metadata"), _METADATA)
    return {**kept, "metadata": metadata, "series": event.get("series"), "message": redact(text(event, "message"))}


def service_account_facts(account: Json) -> dict[str, object]:
    """A ServiceAccount and its list."""
    metadata = _some(mapping(account, "metadata"), _METADATA)
    return {"metadata": metadata, "imagePullSecrets": account.get("imagePullSecrets") or []}


def node_facts(node: Json) -> dict[str, object]:
    """A node's platform, runtime and cached images."""
    status = mapping(node, "status")
    info = {key: value for key, value in mapping(status, "nodeInfo").items() if not key.lower().endswith("id")}
    metadata = _some(mapping(node, "metadata"), ("name",))
    return {"metadata": metadata, "nodeInfo": info, **_some(status, ("conditions", "images"))}


def secret_facts(secret: Json) -> dict[str, object]:
    """A Secret without its values; what could be a password is never in it."""
    parsed = parse_secret(secret)
    metadata = mapping(secret, "metadata")
    annotations = _some(mapping(metadata, "annotations"), _OWN_ANNOTATIONS)
    facts: dict[str, object] = {
        "metadata": {**_some(metadata, _METADATA), "annotations": annotations},
        "type": parsed.type,
        "updated": to_text(parsed.updated) if parsed.updated else None,
        "dataKeys": sorted(mapping(secret, "data")),
    }
    if parsed.type not in DATA_KEYS and not parsed.entries:
        return facts
    entries = {_key(entry.key): entry for entry in parsed.entries}
    auths = {
        key: {name: redact(entry.username) if name == "username" else _REDACTED for name in sorted(entry.fields)}
        for key, entry in entries.items()
    }
    content: dict[str, object] = {"auths": auths} if parsed.wrapped or parsed.type not in DATA_KEYS else dict(auths)
    return {
        **facts,
        "content": content | ({"credHelpers": {}} if parsed.helpers else {}),
        "auths": list(entries),
        "entryFacts": {
            key: {
                "fields": sorted(entry.fields),
                "fault": entry.fault,
                "effectiveUser": redact(entry.username) or None,
                "passwordLength": entry.password_length,
                "passwordHasWhitespaceAround": entry.padded,
                "authDiffers": entry.auth_differs,
                "ecrTokenExpiration": to_text(entry.token_expires) if entry.token_expires else None,
            }
            for key, entry in entries.items()
        },
        "malformed": parsed.malformed,
    }


def _container(container: Json) -> dict[str, object]:
    mounts = [_some(each, ("name",)) for each in items(container, "volumeMounts")]
    return {**_some(container, ("name", "image", "imagePullPolicy", "restartPolicy")), "volumeMounts": mounts}


def _container_status(status: Json) -> dict[str, object]:
    kept = _some(status, ("name", "image", "imageID", "restartCount", "ready", "started"))
    return {**kept, "state": _state(mapping(status, "state")), "lastState": _state(mapping(status, "lastState"))}


def _state(state: Json) -> dict[str, object]:
    return {name: _redacted(mapping(state, name)) for name in state}


def _redacted(state: Json) -> dict[str, object]:
    return {
        key: redact(value) if isinstance(value, str) and not moment(state, key) else value
        for key, value in state.items()
    }


def _key(key: str) -> str:
    """A key without the user and password that somebody may have written before its host."""
    return _USERINFO.sub(f"{_REDACTED}@", key)


def _some(holder: Mapping[str, object], names: tuple[str, ...]) -> dict[str, object]:
    return {name: holder[name] for name in names if name in holder}
