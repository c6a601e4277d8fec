"""Programs of the tests, and what they leave in the cluster and the state."""

import base64
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from tests.pulumi_project import PulumiProject

US = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
EU = "210987654321.dkr.ecr.eu-west-1.amazonaws.com"
SECRET_TYPE = "imagepull:index:RegistrySecret"
ACCOUNTS_TYPE = "imagepull:index:ServiceAccountImagePullSecrets"


def pull_secret(namespaces: Sequence[str], *hosts: str | Mapping[str, str], opts: str = "None", **args: object) -> str:
    """A program with one RegistrySecret `pull`, named `pull` unless `name` says otherwise; ECR hosts, or registries."""
    registries = [host if isinstance(host, Mapping) else {"host": host} for host in hosts or (US,)]
    document = {"name": "pull", "namespaces": list(namespaces), "registries": registries, **args}
    return _HEAD + f"secret = RegistrySecret('pull', {document!r}, {opts})\npulumi.export('uids', secret.uids)\n"


def accounts(namespaces: Sequence[str], *, names: Sequence[str] = ("pull",), **args: object) -> str:
    """A program with one ServiceAccountImagePullSecrets `accounts`."""
    document = {"secret_names": list(names), "namespaces": list(namespaces), **args}
    return _HEAD + f"ServiceAccountImagePullSecrets('accounts', {document!r})\n"


def auths(secret: Mapping[str, Any] | None) -> dict[str, Any]:
    """The entries of a pull Secret."""
    assert secret is not None
    found: dict[str, Any] = json.loads(base64.b64decode(secret["data"][".dockerconfigjson"]))["auths"]
    return found


def let_hours_pass(project: PulumiProject, hours: float) -> None:
    """Moves every moment in the state of RegistrySecrets back: to the plugin, as if so much time had passed."""
    exported = json.loads(project.pulumi("stack", "export").stdout)
    for resource in exported["deployment"]["resources"]:
        if resource["type"] == SECRET_TYPE:
            outputs = resource["outputs"]
            outputs["expiresAt"] = _earlier(outputs["expiresAt"], hours)
            for lifetime in outputs["lifetimes"].values():
                lifetime.update({key: _earlier(text, hours) for key, text in lifetime.items()})
    changed = project.folder / "aged.json"
    changed.write_text(json.dumps(exported))
    project.pulumi("stack", "import", "--file", str(changed))


def _earlier(text: str, hours: float) -> str:
    return (datetime.fromisoformat(text) - timedelta(hours=hours)).isoformat().replace("+00:00", "Z")


_HEAD = """\
import pulumi
from components.resources import RegistrySecret, ServiceAccountImagePullSecrets
"""
