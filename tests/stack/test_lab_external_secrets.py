"""External Secrets Operator runs beside the lab: it fetches a token from the lab's ECR into a Secret."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from lab.external_secrets import ExternalSecrets
from lab.images import SHOP
from lab.lifecycle import Lab


@pytest.fixture(scope="module")
def operator(lab: Lab) -> Iterator[ExternalSecrets]:
    operator = ExternalSecrets(lab)
    operator.start()
    yield operator
    operator.stop()


GENERATOR = {
    "apiVersion": "generators.external-secrets.io/v1alpha1",
    "kind": "ECRAuthorizationToken",
    "metadata": {"name": "token"},
    "spec": {"region": SHOP.region},
}
SOURCE = {
    "apiVersion": "external-secrets.io/v1",
    "kind": "ExternalSecret",
    "metadata": {"name": "token"},
    "spec": {
        "refreshInterval": "1h",
        "target": {"name": "token"},
        "dataFrom": [
            {
                "sourceRef": {
                    "generatorRef": {
                        "apiVersion": GENERATOR["apiVersion"],
                        "kind": GENERATOR["kind"],
                        "name": "token",
                    }
                }
            }
        ],
    },
}


def test_it_fetches_a_token_from_ecr(operator: ExternalSecrets, lab: Lab, namespace: str, tmp_path: Path) -> None:
    before = len(lab.ecr.calls())
    manifest = tmp_path / "source.yaml"
    manifest.write_text(yaml.safe_dump_all([GENERATOR, SOURCE]))
    lab.kubectl("apply", "--server-side", f"--namespace={namespace}", f"--filename={manifest}")

    lab.kubectl("wait", f"--namespace={namespace}", "--for=condition=Ready", "externalsecret/token", "--timeout=60s")

    told = json.loads(lab.kubectl("get", "secret", "token", f"--namespace={namespace}", "--output=json"))["data"]
    assert base64.b64decode(told["password"]).decode() in [token.password for token in lab.ecr.issued()]
    assert {call.region for call in lab.ecr.calls()[before:]} == {SHOP.region}


def test_it_has_the_rights_of_its_service_account_only(operator: ExternalSecrets, lab: Lab) -> None:
    kubeconfig = lab.layout.folder / "external-secrets" / "kubeconfig"
    allowed = lab.run("kubectl", f"--kubeconfig={kubeconfig}", "auth", "can-i", "delete", "nodes", check=False).stdout
    assert allowed.strip() == "no"
    assert kubeconfig.stat().st_mode & 0o077 == 0
