"""A cluster in memory, with true preconditions, in which the plugin can be killed before or after any request."""

import copy
from collections.abc import Callable, Iterable, Mapping
from itertools import count
from typing import Any, TypeVar

from imagepull.errors import Conflict, NotFound
from imagepull.kubernetes.kinds import Kind
from imagepull.kubernetes.objects import KubernetesObject
from tests.readable_cluster import ReadableCluster

T = TypeVar("T")
Key = tuple[str, str, str]
"""Kind, namespace, name."""


class Killed(Exception):
    """The plugin's process has ended here."""


class FakeCluster(ReadableCluster):
    """The part of `imagepull.kubernetes.client.Cluster` that the resources use: it writes, too.

    Attributes:
        objects: As the API server holds them.
        kill_in: Writes until the plugin is killed; None for never.
        kill_before: Whether the write that is its last still arrives (False) or not (True).
        meanwhile_in: Writes until `meanwhile` is called with the key, right before the last of them arrives.
    """

    def __init__(self) -> None:
        super().__init__()
        self.objects: dict[Key, dict[str, Any]] = {}
        self.kill_in: int | None = None
        self.kill_before = False
        self.meanwhile_in: int | None = None
        self.meanwhile: Callable[[Key], None] = lambda key: None
        self._numbers = count(1)

    def find_documents(self, kind: Kind) -> Iterable[Mapping[str, Any]]:
        return [found for (one, _, _), found in self.objects.items() if one == kind.name]

    async def create(self, kind: Kind, body: Mapping[str, Any]) -> KubernetesObject:
        key = (kind.name, body["metadata"]["namespace"], body["metadata"]["name"])

        def write() -> KubernetesObject:
            if key in self.objects:
                raise Conflict("it exists", status=409)
            return self.store(key, {**body, "metadata": {**body["metadata"], "uid": f"uid-{next(self._numbers)}"}})

        return self._written(key, write)

    async def patch(self, kind: Kind, name: str, namespace: str, body: Mapping[str, Any]) -> KubernetesObject:
        key = (kind.name, namespace, name)

        def write() -> KubernetesObject:
            self._check(key, body.get("metadata", {}))
            return self.store(key, merge(self.objects[key], body))

        return self._written(key, write)

    async def delete(self, kind: Kind, name: str, namespace: str, *, uid: str, resource_version: str) -> None:
        key = (kind.name, namespace, name)

        def write() -> None:
            if key in self.objects:
                self._check(key, {"uid": uid, "resourceVersion": resource_version})
                del self.objects[key]

        self._written(key, write)

    def store(self, key: Key, document: Mapping[str, Any]) -> KubernetesObject:
        """Stores the object as its next version."""
        version = str(next(self._numbers))
        stored = {**document, "metadata": {**document["metadata"], "resourceVersion": version}}
        self.objects[key] = copy.deepcopy(stored)
        return KubernetesObject.parse(stored)

    def _check(self, key: Key, precondition: Mapping[str, Any]) -> None:
        if key not in self.objects:
            raise NotFound("it is not there", status=404)
        metadata = self.objects[key]["metadata"]
        if any(precondition.get(each) not in (None, metadata[each]) for each in ("uid", "resourceVersion")):
            raise Conflict("it was changed", status=409)

    def _written(self, key: Key, write: Callable[[], T]) -> T:
        if self.meanwhile_in is not None:
            self.meanwhile_in -= 1
            if self.meanwhile_in == 0:
                self.meanwhile(key)
        if self.kill_in is None:
            return write()
        self.kill_in -= 1
        if self.kill_in > 0:
            return write()
        if self.kill_in == 0 and not self.kill_before:
            write()
        raise Killed


def merge(current: Any, patch: Any) -> Any:
    """JSON merge patch, RFC 7396."""
    if not isinstance(patch, Mapping):
        return patch
    merged = dict(current) if isinstance(current, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge(merged.get(key), value)
    return merged
