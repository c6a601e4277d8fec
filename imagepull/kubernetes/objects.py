"""What every Kubernetes object has, read from the API server's JSON without a model of each kind."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Document", "KubernetesObject", "is_object"]

Document = Mapping[str, Any]
"""JSON of an object, as the API server sends it."""


@dataclass(frozen=True, kw_only=True)
class KubernetesObject:
    """An object as the API server shows it.

    Attributes:
        namespace: Empty for an object that is in none.
        resource_version: Changes with each change of the object; a precondition of writes.
        being_deleted: Whether somebody has deleted it, and it waits for its finalizers.
        document: The whole object. May hold credentials: never print it.
    """

    namespace: str
    name: str
    uid: str
    resource_version: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    being_deleted: bool
    document: Document = field(repr=False)

    @classmethod
    def parse(cls, document: object) -> "KubernetesObject":
        """Reads an object's JSON; raises ValueError if it is none."""
        if not isinstance(document, dict) or not is_object(document):
            raise ValueError("no Kubernetes object")
        metadata = document["metadata"]
        return cls(
            namespace=_read_text(metadata.get("namespace")),
            name=_read_text(metadata.get("name")),
            uid=_read_text(metadata.get("uid")),
            resource_version=_read_text(metadata.get("resourceVersion")),
            labels=_read_texts(metadata.get("labels")),
            annotations=_read_texts(metadata.get("annotations")),
            being_deleted=metadata.get("deletionTimestamp") is not None,
            document=document,
        )

    @property
    def managers(self) -> frozenset[str]:
        """Names of the clients that own fields of the object (`metadata.managedFields`)."""
        metadata = self.document.get("metadata")
        fields = metadata.get("managedFields") if isinstance(metadata, dict) else None
        listed = fields if isinstance(fields, list) else []
        return frozenset(_read_text(one.get("manager")) for one in listed if isinstance(one, dict)) - {""}

    @property
    def finalizers(self) -> tuple[str, ...]:
        """What holds up its deletion."""
        listed = self.document["metadata"].get("finalizers")
        return tuple(each for each in listed if isinstance(each, str)) if isinstance(listed, list) else ()

    def read_text(self, key: str) -> str:
        """The text under a key at the top, empty if there is none."""
        return _read_text(self.document.get(key))

    def read_texts(self, key: str) -> Mapping[str, str]:
        """The mapping of texts under a key at the top, such as `data`; empty if there is none."""
        return _read_texts(self.document.get(key))

    def read_names(self, key: str) -> tuple[str, ...]:
        """The `name` of each entry of the list under a key at the top, such as `imagePullSecrets`; empty for none."""
        listed = self.document.get(key)
        entries = listed if isinstance(listed, list) else []
        return tuple(_read_text(one.get("name")) if isinstance(one, dict) else "" for one in entries)


def is_object(document: object) -> bool:
    """Whether a JSON value is an object of Kubernetes: it has metadata with a name."""
    metadata = document.get("metadata") if isinstance(document, dict) else None
    return isinstance(metadata, dict) and isinstance(metadata.get("name"), str)


def _read_text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _read_texts(value: object) -> Mapping[str, str]:
    if not isinstance(value, dict):
        return {}
    # As a rule they are texts: the API server has checked that.
    if all(isinstance(each, str) for each in value.values()):
        return value
    return {key: each for key, each in value.items() if isinstance(each, str)}
