"""External Secrets Operator, started beside a lab: for tests of the renewal that it does.

It runs outside the cluster, as a process of the lab, with the rights of a ServiceAccount; AWS it asks with the lab's
own key, at the lab's own ECR and STS. `lab up` does not start it.
"""

import http.client
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from imagepull.kubernetes.rights import Grantee, make_role
from imagepull.renewal.operator_rights import list_operator_rules
from lab.layout import find_free_ports
from lab.lifecycle import Lab
from lab.pki import write_private
from lab.progress import step
from lab.toolchain import build
from lab.toolchain.table import CRDS

__all__ = ["NAME", "ExternalSecrets"]

NAME = "external-secrets"


class ExternalSecrets:
    """The operator of one lab.

    Args:
        lab: a lab that is up.
    """

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self._folder = lab.layout.folder / NAME

    @property
    def log(self) -> Path:
        """What the operator printed."""
        return self._lab.processes.log(NAME)

    def start(self, *flags: str, rules: Sequence[Mapping[str, object]] | None = None) -> None:
        """Install the CRDs, give the operator its rights, start it, and wait until it works.

        Args:
            flags: more flags of the operator, such as `--concurrent=10`.
            rules: the rules of its ClusterRole; what it is known to need when left out.

        Raises:
            LabError: it cannot be built, or did not start.
        """
        program = build.provide([NAME])[NAME]
        with step("External Secrets Operator"):
            self._folder.mkdir(exist_ok=True)
            self._install_crds(program.parent / Path(CRDS).name)
            self._apply(_make_roles(list_operator_rules() if rules is None else rules))
            self._write_kubeconfig()
            (port,) = find_free_ports(1)
            lab = self._lab
            endpoint = lab.env["AWS_ENDPOINT_URL_ECR"]
            lab.processes.start(
                NAME,
                [
                    program,
                    f"--live-addr=127.0.0.1:{port}",
                    "--metrics-addr=0",  # none: it would listen on every address
                    "--enable-push-secret-reconciler=false",
                    "--enable-cluster-push-secret-reconciler=false",
                    *flags,
                ],
                env={
                    **lab.env,
                    "KUBECONFIG": str(self._folder / "kubeconfig"),
                    "AWS_ECR_ENDPOINT": endpoint,
                    "AWS_STS_ENDPOINT": endpoint,
                },
            )
            lab.processes.wait_for(NAME, lambda: _does_answer(port))

    def stop(self) -> None:
        """Stop the operator; its CRDs and what it wrote stay in the cluster."""
        self._lab.processes.stop(NAME)

    def _install_crds(self, folder: Path) -> None:
        files = [file for file in sorted(folder.glob("*.yaml")) if file.name != "kustomization.yaml"]
        told = self._lab.kubectl(
            "apply", "--server-side", "--output=name", *(f"--filename={file}" for file in files)
        ).split()
        self._lab.kubectl("wait", "--for=condition=Established", *told, "--timeout=60s")

    def _apply(self, documents: Sequence[object]) -> None:
        manifest = self._folder / "rights.yaml"
        manifest.write_text(yaml.safe_dump_all(documents))
        self._lab.kubectl("apply", "--server-side", "--force-conflicts", f"--filename={manifest}")

    def _write_kubeconfig(self) -> None:
        """The administrator's kubeconfig with the ServiceAccount's token in place of the administrator's."""
        token = self._lab.kubectl("create", "token", NAME, f"--namespace={NAME}", "--duration=24h").strip()
        document = yaml.safe_load(self._lab.kubeconfig.read_text())
        for user in document["users"]:
            user["user"] = {"token": token}
        write_private(self._folder / "kubeconfig", json.dumps(document))


def _does_answer(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == http.client.OK
    except OSError:
        return False
    finally:
        connection.close()


def _make_roles(rules: Sequence[Mapping[str, object]]) -> list[object]:
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAME}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": NAME, "namespace": NAME}},
        *make_role(NAME, None, rules, Grantee(kind="ServiceAccount", name=NAME, namespace=NAME)),
    ]
