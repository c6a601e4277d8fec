"""What is read of a pull Secret in the cluster."""

import base64

from imagepull.kubernetes.objects import KubernetesObject
from imagepull.registries import docker_config
from imagepull.registries.docker_config import Credential
from imagepull.registry_secret.existing import DATA_KEY, Existing


def secret_in(namespace: str, password: str) -> Existing:
    config = docker_config.encode({"ghcr.io": Credential(username="robot", password=password)})
    document = {
        "metadata": {"name": "pull", "namespace": namespace, "uid": namespace, "resourceVersion": "1"},
        "data": {DATA_KEY: base64.b64encode(config).decode()},
    }
    return Existing.of(KubernetesObject.parse(document))


def test_secrets_of_the_same_content_are_held_and_read_once() -> None:
    a, b, other = secret_in("a", "same"), secret_in("b", "same"), secret_in("c", "different")
    assert a.config is b.config
    assert a.credentials is b.credentials
    assert other.credentials["ghcr.io"].password == "different"
