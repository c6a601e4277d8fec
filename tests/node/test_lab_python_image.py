"""The image with Python and imagepull runs in a Pod without rights, and reaches the API server and ECR from there."""

import json
from pathlib import Path

import pytest
import yaml

from lab.ecr.faults import FaultMode
from lab.images import SHOP
from lab.lifecycle import Lab
from lab.python_image import make_python_image, measure_unpacked_size
from lab.toolchain.cache import find_cache_folder

# Reads its own ServiceAccount by the credential that every Pod gets, and asks ECR by a key in its environment.
ASK = """
import asyncio, boto3, json, sys
from pathlib import Path
from imagepull.kubernetes.client import Cluster
from imagepull.kubernetes.kinds import SERVICE_ACCOUNT

async def account():
    cluster = Cluster.connect(None, None)
    namespace = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace").read_text()
    found = await cluster.get(SERVICE_ACCOUNT, "default", namespace)
    await cluster.close()
    return found.name

token = boto3.client("ecr").get_authorization_token()["authorizationData"][0]
print(json.dumps({"account": asyncio.run(account()), "registry": token["proxyEndpoint"], "python": sys.executable}))
"""
RIGHTS = ["create", "role", "reader", "--verb=get", "--resource=serviceaccounts"]


@pytest.fixture(scope="module")
def image(lab: Lab) -> str:
    return lab.publish(make_python_image(("-c",)), "test/python")


def pod(image: str, env: dict[str, str]) -> dict[str, object]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "asks"},
        "spec": {
            "restartPolicy": "Never",
            "imagePullSecrets": [{"name": "ecr"}],
            "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
            "containers": [
                {
                    "name": "asks",
                    "image": image,
                    "args": [ASK],
                    "env": [{"name": name, "value": value} for name, value in env.items()],
                    "resources": {"limits": {"memory": "128Mi"}},
                    "securityContext": {
                        "readOnlyRootFilesystem": True,
                        "allowPrivilegeEscalation": False,
                        "capabilities": {"drop": ["ALL"]},
                    },
                }
            ],
        },
    }


def test_a_pod_without_rights_asks_api_server_and_ecr(lab: Lab, namespace: str, image: str, tmp_path: Path) -> None:
    lab.ecr.set_fault(FaultMode.NONE)
    secret = tmp_path / "config.json"
    token = next(one for one in reversed(lab.ecr.issued()) if one.realm == SHOP.region)
    secret.write_text(json.dumps({"auths": {SHOP.host: {"auth": token.authorization}}}))
    lab.kubectl(
        *["create", "secret", "generic", "ecr", f"--namespace={namespace}", "--type=kubernetes.io/dockerconfigjson"],
        f"--from-file=.dockerconfigjson={secret}",
    )
    lab.kubectl(*RIGHTS, f"--namespace={namespace}")
    lab.kubectl(
        *["create", "rolebinding", "reader", "--role=reader", f"--serviceaccount={namespace}:default"],
        f"--namespace={namespace}",
    )
    manifest = tmp_path / "pod.yaml"
    env = lab.pod_env | {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "lab"}
    manifest.write_text(yaml.safe_dump(pod(image, env)))
    lab.kubectl("apply", f"--namespace={namespace}", f"--filename={manifest}")

    lab.kubectl(
        "wait", f"--namespace={namespace}", "--for=jsonpath={.status.phase}=Succeeded", "pod/asks", "--timeout=60s"
    )

    told = json.loads(lab.kubectl("logs", "asks", f"--namespace={namespace}"))
    assert told == {"account": "default", "registry": f"https://{SHOP.host}", "python": told["python"]}


def test_the_image_is_small_and_the_same_each_time(lab: Lab, image: str) -> None:
    made = make_python_image(("-c",))

    assert measure_unpacked_size(made) < 80_000_000
    assert made.manifest.digest == make_python_image(("-c",)).manifest.digest
    assert lab.publish(made, "test/python") == image


def test_its_large_layer_comes_out_of_the_cache(image: str) -> None:
    kept = list((find_cache_folder() / "images").glob("python-*.tar.gz"))
    before = {file: file.stat().st_mtime_ns for file in kept}

    make_python_image()

    assert before
    assert {file: file.stat().st_mtime_ns for file in kept} == before
