"""What is read of each object, in the form of a case file: only fields that decide, and no credential.

A Pod's environment, arguments and annotations may hold passwords, so they are left out; texts are redacted; of a Secret
only the names of its fields, user names, lengths and expiry are kept.
"""

import re
from collections.abc import Mapping
from typing import Final

from imagepull.diagnosis.fields import Json, read_items, read_mapping, read_moment, read_text
from imagepull.diagnosis.parsing import parse_service_account
from imagepull.diagnosis.secrets import DATA_KEYS, parse_secret
from imagepull.kubernetes.ownership import OWNED_BY_ANNOTATION
from imagepull.redaction import redact
from imagepull.registries.lifetimes import format_time
from imagepull.registry_secret.existing import EXPIRES_AT_ANNOTATION, HOSTS_ANNOTATION
from imagepull.renewal.node import ROLE_ANNOTATION

__all__ = ["pick_event_facts", "pick_node_facts", "pick_pod_facts", "pick_secret_facts", "pick_service_account_facts"]

_REDACTED: Final = "REDACTED"
_OWN_ANNOTATIONS: Final = (EXPIRES_AT_ANNOTATION, HOSTS_ANNOTATION, OWNED_BY_ANNOTATION)
_METADATA: Final = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
_CONTAINERS: Final = ("initContainers", "containers", "ephemeralContainers")
_STATUSES: Final = ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")
_USERINFO: Final = re.compile(r"[^/@]+@")


def pick_pod_facts(pod: Json) -> dict[str, object]:
    """A Pod without environment, arguments, annotations and labels."""
    spec, status = read_mapping(pod, "spec"), read_mapping(pod, "status")
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {**_pick(read_mapping(pod, "metadata"), (*_METADATA, "ownerReferences"))},
        "spec": {
            **_pick(spec, ("serviceAccountName", "nodeName", "restartPolicy", "imagePullSecrets")),
            **{key: [_pick_container(each) for each in read_items(spec, key)] for key in _CONTAINERS if key in spec},
            "volumes": [_pick(each, ("name", "image")) for each in read_items(spec, "volumes") if "image" in each],
        },
        "status": {
            **_pick(status, ("phase", "startTime")),
            **{
                key: [_pick_container_status(each) for each in read_items(status, key)]
                for key in _STATUSES
                if key in status
            },
        },
    }


def pick_event_facts(event: Json) -> dict[str, object]:
    """An Event about a Pod, its message redacted."""
    kept = _pick(event, ("involvedObject", "reason", "type", "count", "firstTimestamp", "lastTimestamp", "eventTime"))
    metadata = _pick(read_mapping(event, "metadata"), _METADATA)
    return {**kept, "metadata": metadata, "series": event.get("series"), "message": redact(read_text(event, "message"))}


def pick_service_account_facts(account: Json) -> dict[str, object]:
    """A ServiceAccount, its list, and the role that nodes pull with for it."""
    metadata = read_mapping(account, "metadata")
    kept = _pick(metadata, _METADATA)
    role = parse_service_account(account).node_role
    if role is not None:
        kept["annotations"] = {ROLE_ANNOTATION: role}
    return {"metadata": kept, "imagePullSecrets": account.get("imagePullSecrets") or []}


def pick_node_facts(node: Json) -> dict[str, object]:
    """A node's platform, runtime and cached images."""
    status = read_mapping(node, "status")
    info = {key: value for key, value in read_mapping(status, "nodeInfo").items() if not key.lower().endswith("id")}
    metadata = _pick(read_mapping(node, "metadata"), ("name",))
    return {"metadata": metadata, "nodeInfo": info, **_pick(status, ("conditions", "images"))}


def pick_secret_facts(secret: Json) -> dict[str, object]:
    """A Secret without its values; what could be a password is never in it."""
    parsed = parse_secret(secret)
    metadata = read_mapping(secret, "metadata")
    annotations = _pick(read_mapping(metadata, "annotations"), _OWN_ANNOTATIONS)
    facts: dict[str, object] = {
        "metadata": {**_pick(metadata, _METADATA), "annotations": annotations},
        "type": parsed.type,
        "updated": format_time(parsed.updated) if parsed.updated else None,
        "dataKeys": sorted(read_mapping(secret, "data")),
    }
    if parsed.type not in DATA_KEYS and not parsed.entries:
        return facts
    entries = {_drop_userinfo(entry.key): entry for entry in parsed.entries}
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
                "ecrTokenExpiration": format_time(entry.token_expires) if entry.token_expires else None,
            }
            for key, entry in entries.items()
        },
        "malformed": parsed.malformed,
    }


def _pick_container(container: Json) -> dict[str, object]:
    mounts = [_pick(each, ("name",)) for each in read_items(container, "volumeMounts")]
    return {**_pick(container, ("name", "image", "imagePullPolicy", "restartPolicy")), "volumeMounts": mounts}


def _pick_container_status(status: Json) -> dict[str, object]:
    kept = _pick(status, ("name", "image", "imageID", "restartCount", "ready", "started"))
    return {
        **kept,
        "state": _pick_state(read_mapping(status, "state")),
        "lastState": _pick_state(read_mapping(status, "lastState")),
    }


def _pick_state(state: Json) -> dict[str, object]:
    return {name: _redact_state(read_mapping(state, name)) for name in state}


def _redact_state(state: Json) -> dict[str, object]:
    return {
        key: redact(value) if isinstance(value, str) and not read_moment(state, key) else value
        for key, value in state.items()
    }


def _drop_userinfo(key: str) -> str:
    """A key without the user and password that somebody may have written before its host."""
    return _USERINFO.sub(f"{_REDACTED}@", key)


def _pick(holder: Mapping[str, object], names: tuple[str, ...]) -> dict[str, object]:
    return {name: holder[name] for name in names if name in holder}
