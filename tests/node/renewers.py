"""What tests of the renewer's Pod share: where it runs, a namespace whose Pods pull, and the program."""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab.ecr.faults import FaultMode
from lab.images import SHOP
from lab.lifecycle import Lab
from lab.python_image import make_python_image
from tests.namespaces import create_namespace

__all__ = ["Home", "home", "program", "shop"]

SECRET_KEY = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "lab"}


@dataclass(frozen=True, kw_only=True)
class Home:
    """Where the renewer runs: a namespace with a Secret that opens its image, and one with an AWS key."""

    namespace: str
    image: str


@pytest.fixture
def home(lab: Lab, namespace: str, tmp_path: Path) -> Iterator[Home]:
    lab.ecr.set_fault(FaultMode.NONE)
    image = lab.publish(make_python_image(), "imagepull/renewer")
    token = max(
        (one for one in lab.ecr.issued() if one.realm == SHOP.region), key=lambda one: one.expires_at
    )  # of the lab's own, which pushed the image
    config = tmp_path / "config.json"
    config.write_text(json.dumps({"auths": {SHOP.host: {"auth": token.authorization}}}))
    lab.kubectl(
        *["create", "secret", "generic", "image", f"--namespace={namespace}"],
        *["--type=kubernetes.io/dockerconfigjson", f"--from-file=.dockerconfigjson={config}"],
    )
    literals = [f"--from-literal={name}={value}" for name, value in SECRET_KEY.items()]
    lab.kubectl("create", "secret", "generic", "aws-key", f"--namespace={namespace}", *literals)
    yield Home(namespace=namespace, image=image)
    lab.ecr.set_token_lifetime(12 * 3600)


@pytest.fixture
def shop(lab: Lab) -> Iterator[str]:
    """A namespace whose Pods pull."""
    name = f"shop-{os.urandom(3).hex()}"
    create_namespace(lab, name)
    yield name
    lab.kubectl("delete", "namespace", name, "--wait=false")


def program(lab: Lab, home: Home, shop: str, *, renewal: str = "cronJob", **settings: object) -> str:
    cron_job = {
        "image": home.image,
        "namespace": home.namespace,
        "schedule": "* * * * *",
        "image_pull_secrets": ["image"],
        "env": lab.pod_env,
        **settings,
    }
    arguments = {
        "registries": [{"host": SHOP.host}],
        "namespaces": [shop],
        "renewal": renewal,
        "refresh_before": "140s",
        **({"cron_job": cron_job} if renewal == "cronJob" else {}),
    }
    return f"from components import RegistryAccess\nRegistryAccess('pull', {arguments!r})\n"
