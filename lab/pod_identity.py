"""The agent of EKS Pod Identity beside a lab: for tests of what finds its AWS role that way.

A Pod asks `GET http://169.254.170.23/v1/credentials` with a token of its ServiceAccount for the audience
pods.eks.amazonaws.com. The agent asks the API server whose token it is (TokenReview), and answers with credentials of
the role that is associated with that ServiceAccount, from the lab's STS. `lab up` does not start it.

Protocol: https://docs.aws.amazon.com/eks/latest/userguide/pod-id-how-it-works.html, aws/eks-pod-identity-agent.
"""

import json
import os
import socket
import subprocess
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from lab.errors import LabError
from lab.lifecycle import Lab
from lab.network import POD_IDENTITY

__all__ = ["AUDIENCE", "ENVIRONMENT", "VOLUME", "PodIdentityAgent", "make_webhook"]

AUDIENCE = "pods.eks.amazonaws.com"
_FOLDER = f"/var/run/secrets/{AUDIENCE}/serviceaccount"
VOLUME = "eks-pod-identity-token"
"""Name of the volume, and of the token's file in it."""
ENVIRONMENT: Mapping[str, str] = {
    "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"http://{POD_IDENTITY}/v1/credentials",
    "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": f"{_FOLDER}/{VOLUME}",
}
"""What EKS's webhook gives the containers of an associated ServiceAccount's Pods."""


class PodIdentityAgent:
    """The agent of one lab.

    Args:
        lab: a lab that is up, with a node.

    Attributes:
        associations: `NAMESPACE/SERVICEACCOUNT` to the ARN of its role; may be changed at any time.
    """

    def __init__(self, lab: Lab) -> None:
        self._lab = lab
        self.associations: dict[str, str] = {}
        self._server: ThreadingHTTPServer | None = None

    def start(self) -> None:
        """Take the agent's address on the Pods' bridge, and answer there.

        Raises:
            LabError: this machine has its own credentials from that address, or does not let us have it.
        """
        if POD_IDENTITY in os.environ.get("AWS_CONTAINER_CREDENTIALS_FULL_URI", ""):
            raise LabError(f"this machine itself gets credentials from {POD_IDENTITY}: the lab leaves it alone")
        bridge = self._lab.layout.bridge
        _run_ip("address", "replace", f"{POD_IDENTITY}/32", "dev", bridge)
        agent = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                status, content = agent.answer(self.path, self.headers.get("Authorization", ""))
                body = content.encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        server = ThreadingHTTPServer((POD_IDENTITY, 80), Handler, bind_and_activate=False)
        # As in lab.relay: only what comes in over the bridge is for the agent.
        server.socket.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, bridge.encode())
        server.server_bind()
        server.server_activate()
        self._server = server
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()

    def stop(self) -> None:
        """Stop to answer, and give the address back."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            _run_ip("address", "delete", f"{POD_IDENTITY}/32", "dev", self._lab.layout.bridge)

    def answer(self, path: str, token: str) -> tuple[HTTPStatus, str]:
        """The answer to one request: status, and credentials as JSON or a reason."""
        if path != "/v1/credentials":
            return HTTPStatus.NOT_FOUND, "404 page not found"
        account = self._review(token)
        if account is None:
            return HTTPStatus.BAD_REQUEST, f"the token is not one for the audience {AUDIENCE}"
        role = self.associations.get(f"{account.namespace}/{account.name}")
        if role is None:
            return HTTPStatus.NOT_FOUND, f"no association for {account.namespace}/{account.name}"
        return HTTPStatus.OK, json.dumps(self._assume(role, account))

    def _review(self, token: str) -> "_Account | None":
        review = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenReview",
            "spec": {"token": token, "audiences": [AUDIENCE]},
        }
        with self._lab.control_plane.post("/apis/authentication.k8s.io/v1/tokenreviews", review) as answer:
            status = json.load(answer)["status"]
        if not status.get("authenticated") or AUDIENCE not in status.get("audiences", ()):
            return None
        _, _, namespace, name = status["user"]["username"].split(":")
        return _Account(namespace=namespace, name=name)

    def _assume(self, role: str, account: "_Account") -> dict[str, str]:
        import boto3  # lazily: the lab's command has no use for it

        env = self._lab.env
        sts: Any = boto3.client(
            "sts",
            region_name=env["AWS_REGION"],
            endpoint_url=env["AWS_ENDPOINT_URL_STS"],
            aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
        )
        given = sts.assume_role(RoleArn=role, RoleSessionName=f"eks-lab-{account.name}"[:64])["Credentials"]
        return {
            "AccessKeyId": given["AccessKeyId"],
            "SecretAccessKey": given["SecretAccessKey"],
            "Token": given["SessionToken"],
            "AccountId": role.split(":")[4],
            "Expiration": given["Expiration"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        }


@dataclass(frozen=True, kw_only=True)
class _Account:
    namespace: str
    name: str


def make_webhook(namespace: str, service_account: str) -> list[dict[str, object]]:
    """What EKS's webhook does to an associated ServiceAccount's Pods, as a MutatingAdmissionPolicy and its binding."""
    name = f"pod-identity-{namespace}"
    variables = ", ".join(
        f"Object.spec.containers.env{{name: '{key}', value: '{value}'}}" for key, value in ENVIRONMENT.items()
    )
    token = f"{{audience: '{AUDIENCE}', expirationSeconds: 86400, path: '{VOLUME}'}}"
    projected = "Object.spec.volumes.projected"
    source = f"{projected}.sources{{serviceAccountToken: {projected}.sources.serviceAccountToken{token}}}"
    mount = f"Object.spec.containers.volumeMounts{{name: '{VOLUME}', mountPath: '{_FOLDER}', readOnly: true}}"
    container = f"Object.spec.containers{{name: c.name, env: [{variables}], volumeMounts: [{mount}]}}"
    apply = f"Object{{spec: Object.spec{{containers: object.spec.containers.map(c, {container})}}}}"
    volume = f"Object.spec.volumes{{name: '{VOLUME}', projected: {projected}{{sources: [{source}]}}}}"
    # Not by the other kind of patch: the list of a volume's sources is atomic.
    patch = (
        f"[has(object.spec.volumes) ? JSONPatch{{op: 'add', path: '/spec/volumes/-', value: {volume}}}"
        f" : JSONPatch{{op: 'add', path: '/spec/volumes', value: [{volume}]}}]"
    )
    pods = {"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"]}
    api = "admissionregistration.k8s.io/v1"
    return [
        {
            "apiVersion": api,
            "kind": "MutatingAdmissionPolicy",
            "metadata": {"name": name},
            "spec": {
                "failurePolicy": "Fail",
                "reinvocationPolicy": "Never",
                "matchConstraints": {
                    "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}},
                    "resourceRules": [pods],
                },
                "matchConditions": [
                    {"name": "account", "expression": f"object.spec.serviceAccountName == '{service_account}'"}
                ],
                "mutations": [
                    {"patchType": "JSONPatch", "jsonPatch": {"expression": patch}},
                    {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": apply}},
                ],
            },
        },
        {
            "apiVersion": api,
            "kind": "MutatingAdmissionPolicyBinding",
            "metadata": {"name": name},
            "spec": {"policyName": name},
        },
    ]


def _run_ip(*arguments: str) -> None:
    done = subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LabError(f"ip {' '.join(arguments)} failed: {done.stderr.strip()}")
