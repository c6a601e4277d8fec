"""Somebody else in the cluster: what they write must outlive whatever we do."""

import base64
import copy
import json
from typing import Any, Final

from tests.provider.fake_cluster import FakeCluster, Key

__all__ = ["SomebodyElse"]

HOST: Final = "quay.io"
ENTRY: Final = {"username": "u", "password": "p", "auth": "dTpw"}
NAME: Final = {"name": "theirs"}


class SomebodyElse:
    """Writes Secrets of their own, entries into Secrets, names into ServiceAccounts, and remembers all of it."""

    def __init__(self, cluster: FakeCluster) -> None:
        self.secrets: dict[Key, dict[str, Any]] = {}
        self.entries: set[Key] = set()
        self.names: set[str] = set()
        self._cluster = cluster
        self._made = 0

    def add_entry(self, key: Key) -> None:
        """To a Secret that is not their own."""
        found = self._cluster.objects.get(key)
        if found is not None and key not in self.secrets:
            config = read_config(found)
            config["auths"][HOST] = ENTRY
            self._cluster.store(key, {**found, "data": _encode(config)})
            self.entries.add(key)

    def make_secret(self, key: Key) -> None:
        """Where there is none."""
        if key not in self._cluster.objects:
            self._made += 1
            metadata = {"name": key[2], "namespace": key[1], "uid": f"foreign-{self._made}"}
            body = {"metadata": metadata, "type": "kubernetes.io/dockerconfigjson", "data": _encode({"auths": {}})}
            self._cluster.store(key, body)
            self.secrets[key] = copy.deepcopy(self._cluster.objects[key])

    def delete_secret(self, key: Key) -> None:
        """Whosever it is."""
        self._cluster.objects.pop(key, None)
        self.secrets.pop(key, None)
        self.entries.discard(key)

    def add_name(self, namespace: str) -> None:
        """To the namespace's `default` ServiceAccount, at the end of its list."""
        key = ("ServiceAccount", namespace, "default")
        listed = [each for each in self._cluster.objects[key].get("imagePullSecrets", []) if each != NAME]
        self._cluster.store(key, {**self._cluster.objects[key], "imagePullSecrets": [*listed, NAME]})
        self.names.add(namespace)

    def check(self) -> None:
        """All of it is as they left it."""
        for key, document in self.secrets.items():
            assert self._cluster.objects.get(key) == document, "somebody else's Secret was changed"
        for key in self.entries:
            assert key in self._cluster.objects, "a Secret with somebody else's entry is gone"
            assert read_config(self._cluster.objects[key])["auths"].get(HOST) == ENTRY, "somebody else's entry is gone"
        for namespace in self.names:
            listed = self._cluster.objects["ServiceAccount", namespace, "default"]["imagePullSecrets"]
            assert NAME in listed, "somebody else's name is gone"


def read_config(secret: dict[str, Any]) -> dict[str, Any]:
    """The dockerconfigjson of a Secret."""
    config: dict[str, Any] = json.loads(base64.b64decode(secret["data"][".dockerconfigjson"]))
    return config


def _encode(config: dict[str, Any]) -> dict[str, str]:
    return {".dockerconfigjson": base64.b64encode(json.dumps(config).encode()).decode()}
