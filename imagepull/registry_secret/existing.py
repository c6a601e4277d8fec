"""A pull Secret as the cluster holds it."""

import base64
import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any, Final

from imagepull.errors import InvalidDockerConfig
from imagepull.kubernetes import ownership
from imagepull.kubernetes.objects import KubernetesObject
from imagepull.kubernetes.ownership import Owner, Standing
from imagepull.registries import docker_config
from imagepull.registries.docker_config import Credential, DockerConfig

__all__ = [
    "BEFORE_ANNOTATION",
    "DATA_KEY",
    "EXPIRES_AT_ANNOTATION",
    "HOSTS_ANNOTATION",
    "LEGACY_DIGEST_ANNOTATION",
    "SECRET_TYPE",
    "Existing",
]

SECRET_TYPE: Final = "kubernetes.io/dockerconfigjson"  # noqa: S105 (a type's name)
DATA_KEY: Final = ".dockerconfigjson"
EXPIRES_AT_ANNOTATION: Final = "imagepull/expires-at"
"""The earliest expiry of the tokens in the Secret, RFC 3339; absent when nothing expires. For people and dashboards."""
HOSTS_ANNOTATION: Final = "imagepull/hosts"
"""JSON: each host that is ours, with its token's `issued`, `expires` and `digest`, or `{}` for a fixed password."""
BEFORE_ANNOTATION: Final = "imagepull/before"
"""JSON: labels and annotations of others that we overwrote, `{"labels": {...}, "annotations": {...}}`."""
LEGACY_DIGEST_ANNOTATION: Final = "imagepull/tokens-digest"
"""What versions without identities wrote in place of a digest per host: SHA-256, which anybody can compute."""


@dataclass(frozen=True, kw_only=True)
class Existing:
    """A Secret as the cluster holds it.

    Attributes:
        config: Its dockerconfigjson; None without that key.
        other_data: Other keys of its `data`.
        managers: Names of its field managers.
        is_being_deleted: A deletion has begun, and a finalizer holds it up.
    """

    namespace: str
    name: str
    uid: str
    resource_version: str
    type: str
    immutable: bool
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    config: bytes | None = field(repr=False)
    other_data: frozenset[str] = frozenset()
    managers: frozenset[str] = frozenset()
    is_being_deleted: bool = False
    finalizers: tuple[str, ...] = ()

    @classmethod
    def of(cls, secret: KubernetesObject) -> "Existing":
        """Of the object that the API server shows."""
        data = secret.read_texts("data")
        config = data.get(DATA_KEY)
        return cls(
            namespace=secret.namespace,
            name=secret.name,
            uid=secret.uid,
            resource_version=secret.resource_version,
            type=secret.read_text("type") or "Opaque",
            immutable=secret.document.get("immutable") is True,
            labels=secret.labels,
            annotations=secret.annotations,
            config=None if config is None else _decode(config),
            other_data=frozenset(data) - {DATA_KEY},
            managers=secret.managers,
            is_being_deleted=secret.being_deleted,
            finalizers=secret.finalizers,
        )

    @property
    def holder(self) -> str:
        """The title of its owner, as the Secret itself names it; empty where it names none."""
        return ownership.read_holder(self.annotations)

    def find_standing(self, owner: Owner, known_uids: Collection[str]) -> Standing:
        """See `ownership.find_standing`."""
        return ownership.find_standing(self.labels, self.uid, owner, known_uids)

    def find_credential(self, host: str) -> Credential | None:
        """The credential of a host, None when there is none."""
        return self.credentials.get(docker_config.make_auths_key(host))

    @property
    def credentials(self) -> Mapping[str, Credential]:
        """Every entry by key of `auths`; empty when the content is malformed."""
        return {} if isinstance(self._content, str) else self._content.auths

    @property
    def malformed(self) -> str | None:
        """What is wrong with the content; None when the kubelet would take it."""
        return self._content if isinstance(self._content, str) else None

    @cached_property
    def notes(self) -> Mapping[str, Mapping[str, object]]:
        """What the annotation says of each host whose entry its last writer wrote; None of it is proven."""
        return {
            host: note if isinstance(note, Mapping) else {}
            for host, note in self.read_annotation(HOSTS_ANNOTATION).items()
        }

    def read_annotation(self, annotation: str) -> dict[str, Any]:
        """The JSON object in an annotation; empty where there is none."""
        try:
            value = json.loads(self.annotations.get(annotation, "{}"))
        except (ValueError, RecursionError):
            return {}
        return value if isinstance(value, dict) else {}

    @cached_property
    def _content(self) -> DockerConfig | str:
        try:
            return docker_config.parse(self.config or b"{}")
        except InvalidDockerConfig as error:
            return str(error)


@lru_cache(maxsize=docker_config.SAME_CONTENTS)
def _decode(config: str) -> bytes:
    # One object for all Secrets of the same content: also what is read out of it is kept by it.
    try:
        return base64.b64decode(config)
    except ValueError:
        return config.encode()  # The API server admits no such Secret; as a docker config it is malformed.
