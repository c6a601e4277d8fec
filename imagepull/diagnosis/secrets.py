"""What a Secret is to the kubelet: its entries and their faults, without any password.

A Secret comes as the API server gives it, or as a dump has it (`entryFacts` in the place of values). The kubelet's
rules: kubernetes/kubernetes v1.36 `pkg/credentialprovider/secrets/secrets.go` and `config.go`.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from imagepull.diagnosis.fields import Json, read_integer, read_items, read_mapping, read_moment, read_text
from imagepull.diagnosis.objects import Entry, Secret
from imagepull.errors import InvalidDockerConfig
from imagepull.kubernetes.ownership import OWNED_BY_ANNOTATION
from imagepull.registries.docker_config import read_document, read_entry
from imagepull.registries.lifetimes import parse_lifetimes, parse_time
from imagepull.registry_secret.existing import DATA_KEY, EXPIRES_AT_ANNOTATION, HOSTS_ANNOTATION, SECRET_TYPE

__all__ = ["DATA_KEYS", "DOCKERCFG", "parse_secret", "read_token_expiry"]

DOCKERCFG: Final = "kubernetes.io/dockercfg"
DATA_KEYS: Final = {SECRET_TYPE: DATA_KEY, DOCKERCFG: ".dockercfg"}
"""The types that the kubelet reads, with the key of `data` that it takes."""

_HELPERS: Final = frozenset({"credsstore", "credhelpers"})
# What a dump says of `auth`, and the fault that the kubelet finds in it.
_OPERATOR_LABEL: Final = "reconcile.external-secrets.io/managed"
"""On every Secret that External Secrets Operator writes (its apis/externalsecrets/v1/externalsecret_types.go)."""
_AUTH_FAULTS: Final = {"not base64": "auth is not base64", "base64, no colon": "auth holds no colon"}


def parse_secret(document: Json) -> Secret:
    """A Secret of any type; of one that is no pull Secret only that it is there, and of which type."""
    metadata = read_mapping(document, "metadata")
    type_ = read_text(document, "type") or "Opaque"
    content, malformed = _read_content(document)
    flat = type_ == DOCKERCFG
    auths: object = content if flat else content.get(_find_key(content, "auths"))
    if not malformed and not isinstance(auths, Mapping | None):
        malformed = "auths is not an object"
    entries = tuple(_parse_entries(document, auths if isinstance(auths, Mapping) else {}))
    faulty = next((entry for entry in entries if entry.fault), None)
    managed = [at for each in read_items(metadata, "managedFields") if (at := read_moment(each, "time"))]
    return Secret(
        namespace=read_text(metadata, "namespace"),
        name=read_text(metadata, "name"),
        uid=read_text(metadata, "uid"),
        type=type_,
        created=read_moment(metadata, "creationTimestamp"),
        updated=read_moment(document, "updated") or max(managed, default=read_moment(metadata, "creationTimestamp")),
        owned_by=read_text(read_mapping(metadata, "annotations"), OWNED_BY_ANNOTATION),
        controller=_find_controller(metadata),
        expiries=_read_expiries(read_mapping(metadata, "annotations")),
        entries=entries,
        wrapped=_find_key(content, "auths") in content,
        helpers=any(key.lower() in _HELPERS for key in content),
        malformed=malformed or (f"entry {faulty.key}: {faulty.fault}" if faulty else ""),
    )


def _find_controller(metadata: Json) -> str:
    controller = next((each for each in read_items(metadata, "ownerReferences") if each.get("controller")), None)
    if controller is not None:
        return f"{read_text(controller, 'kind')}/{read_text(controller, 'name')}"
    # A copy with creationPolicy Orphan has no owner; its ExternalSecret is mostly called like it.
    managed = read_text(read_mapping(metadata, "labels"), _OPERATOR_LABEL) == "true"
    return f"ExternalSecret/{read_text(metadata, 'name')}" if managed else ""


def read_token_expiry(password: str) -> datetime | None:
    """The expiry that an ECR token says of itself: base64 of a JSON object with `expiration` in Unix seconds."""
    try:
        document = json.loads(base64.b64decode(password.strip(), validate=True))
        expiration = document.get("expiration") if isinstance(document, dict) else None
        return datetime.fromtimestamp(expiration, UTC) if isinstance(expiration, int) else None
    except (binascii.Error, ValueError, RecursionError, OverflowError, OSError):
        return None


def _read_content(document: Json) -> tuple[Json, str]:
    """The docker config inside, and why it is none; both empty for a Secret that has none."""
    if "content" in document or "entryFacts" in document:
        return read_mapping(document, "content"), read_text(document, "malformed")
    data = read_mapping(document, "data")
    held = next((value for key in DATA_KEYS.values() if isinstance(value := data.get(key), str)), None)
    if held is None:
        return {}, ""
    try:
        return read_document(base64.b64decode(held, validate=True)), ""
    except InvalidDockerConfig as error:
        return {}, str(error).removeprefix("the docker config ")
    except binascii.Error:
        return {}, "is not base64"


def _parse_entries(document: Json, auths: Json) -> list[Entry]:
    facts = document.get("entryFacts")
    if not isinstance(facts, Mapping):
        return [_parse_entry(key, value) for key, value in auths.items()]
    return [_parse_entry_facts(key, read_mapping(facts, key)) for key in facts]


def _parse_entry(key: str, value: object) -> Entry:
    read = read_entry(value)
    given = {name.lower(): each for name, each in value.items() if each} if isinstance(value, Mapping) else {}
    if isinstance(read, str):
        return Entry(
            key=key,
            fields=frozenset(given),
            username="",
            password_length=0,
            padded=False,
            auth_differs=False,
            fault=read,
            token_expires=None,
        )
    beside = {"username": read.username, "password": read.password}
    return Entry(
        key=key,
        fields=frozenset(given),
        username=read.username,
        password_length=len(read.password),
        padded=read.password != read.password.strip(),
        auth_differs="auth" in given and any(given.get(name, own) != own for name, own in beside.items()),
        fault="",
        token_expires=read_token_expiry(read.password),
    )


def _parse_entry_facts(key: str, facts: Json) -> Entry:
    fields = facts.get("fields")
    return Entry(
        key=key,
        fields=frozenset(each.lower() for each in fields if isinstance(each, str))
        if isinstance(fields, list)
        else frozenset(),
        username=read_text(facts, "effectiveUser"),
        password_length=read_integer(facts, "passwordLength"),
        padded=facts.get("passwordHasWhitespaceAround") is True,
        auth_differs=facts.get("authDiffers") is True,
        fault=read_text(facts, "fault") or _AUTH_FAULTS.get(read_text(facts, "auth"), ""),
        token_expires=parse_time(facts.get("ecrTokenExpiration")),
    )


def _read_expiries(annotations: Json) -> dict[str, datetime]:
    try:
        hosts = json.loads(read_text(annotations, HOSTS_ANNOTATION) or "{}")
    except (ValueError, RecursionError):
        hosts = {}
    found = {host: lifetime.expires for host, lifetime in parse_lifetimes(hosts).items()}
    earliest = parse_time(annotations.get(EXPIRES_AT_ANNOTATION))
    return found or ({"": earliest} if earliest else {})


def _find_key(document: Json, wanted: str) -> str:
    """Go matches the names of fields in any case."""
    return next((key for key in document if key.lower() == wanted), wanted)
