"""Resources as the policy pack sees them, and what a policy finds in them."""

import base64
import json
from collections.abc import Mapping
from typing import Any

from policies.policy import Declared, Policy

DIGEST = "sha256:" + "0" * 64
ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web:1"
PASSWORD = "correct-horse-battery"


def declared(type_: str, props: Mapping[str, Any], *, stack: str = "dev", parent: str = "") -> Declared:
    types = f"{parent}${type_}" if parent else type_
    return Declared(type=type_, urn=f"urn:pulumi:{stack}::shop::{types}::web", props=props)


def pod(*containers: Mapping[str, Any], stack: str = "dev", metadata: object = None, **spec: Any) -> Declared:
    props = {"kind": "Pod", "metadata": metadata or {"name": "web", "namespace": "shop"}}
    return declared("kubernetes:core/v1:Pod", {**props, "spec": {"containers": list(containers), **spec}}, stack=stack)


def image(name: object, policy: object = None) -> dict[str, Any]:
    container = {"name": "web", "image": name}
    return container if policy is None else {**container, "imagePullPolicy": policy}


def registry_secret(*passwords: object) -> Declared:
    registries = [{"host": f"r{i}.io", "username": "u", "password": each} for i, each in enumerate(passwords)]
    return declared("imagepull:index:RegistrySecret", {"name": "pull", "namespaces": [], "registries": registries})


def pull_secret(*, part: str = "data", type_: str = "kubernetes.io/dockerconfigjson", parent: str = "") -> Declared:
    document = json.dumps({"auths": {"ghcr.io": {"username": "u", "password": PASSWORD}}})
    value = base64.b64encode(document.encode()).decode() if part == "data" else document
    metadata = {"name": "pull", "namespace": "shop"}
    props = {"kind": "Secret", "type": type_, "metadata": metadata, part: {".dockerconfigjson": value}}
    return declared("kubernetes:core/v1:Secret", props, parent=parent)


def findings(policy: Policy, resource: Declared, **settings: object) -> list[str]:
    return list(policy.find(resource, policy.with_defaults(settings)))


def writes(policy: Policy, resource: Declared, **settings: object) -> dict[tuple[str | int, ...], Any]:
    assert policy.mend
    return {write.path: write.value for write in policy.mend(resource, policy.with_defaults(settings))}
