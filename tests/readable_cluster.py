"""A cluster in memory that answers lists and reads, and keeps what it was asked."""

import copy
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, cast

from imagepull.errors import ClusterError, Forbidden
from imagepull.kubernetes.client import Cluster
from imagepull.kubernetes.kinds import DEFAULT_NAMESPACE, EVERY_NAMESPACE, Kind
from imagepull.kubernetes.objects import KubernetesObject

__all__ = ["ReadableCluster", "Request", "forbid"]


class Request(NamedTuple):
    """`verb`: `list` or `get`. `name`: of the object; None for a list of all."""

    verb: str
    kind: str
    namespace: str
    name: str | None

    def __str__(self) -> str:
        return f"{self.verb} {self.kind}"


Refusal = Callable[[Request], ClusterError | None]
"""The error with which a request is answered; None to answer it."""


def forbid(*what: str) -> Refusal:
    """Refuse what may not be done: `list Secret`, `get Node`."""
    return lambda request: Forbidden("RBAC forbids it", status=403) if str(request) in what else None


class ReadableCluster:
    """The part of `imagepull.kubernetes.client.Cluster` that reads. `objects`: manifests, each with its `kind`."""

    namespace = DEFAULT_NAMESPACE

    def __init__(self, *objects: dict[str, Any], refuse: Refusal = lambda request: None) -> None:
        self.objects: Any = list(objects)
        self.refuse = refuse
        self.requests: list[Request] = []

    @property
    def cluster(self) -> Cluster:
        """Itself, as the type that it stands for."""
        return cast(Cluster, self)

    def find_documents(self, kind: Kind) -> Iterable[Mapping[str, Any]]:
        return [each for each in self.objects if each["kind"] == kind.name]

    async def list(
        self,
        kind: Kind,
        *,
        name: str | None = None,
        namespace: str = EVERY_NAMESPACE,
        fields: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
        parse: Callable[[Any], Any] = KubernetesObject.parse,
    ) -> list[Any]:
        self._ask(Request("list", kind.name, namespace, name))
        wanted = (fields or {}).get("type")
        return [
            parse(copy.deepcopy(each))
            for each in self.find_documents(kind)
            if namespace in (EVERY_NAMESPACE, read_namespace(each))
            and name in (None, each["metadata"]["name"])
            and wanted in (None, each.get("type"))
        ]

    async def get(self, kind: Kind, name: str, namespace: str) -> KubernetesObject | None:
        self._ask(Request("get", kind.name, namespace, name))
        for each in self.find_documents(kind):
            if each["metadata"]["name"] == name and (not kind.namespaced or read_namespace(each) == namespace):
                return KubernetesObject.parse(copy.deepcopy(each))
        return None

    def _ask(self, request: Request) -> None:
        self.requests.append(request)
        if (error := self.refuse(request)) is not None:
            raise error


def read_namespace(document: Mapping[str, Any]) -> str:
    return str(document["metadata"].get("namespace", ""))
