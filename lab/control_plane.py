"""etcd, kube-apiserver, kube-controller-manager and kube-scheduler, every connection verified."""

import json
import secrets
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path

import yaml

from lab.layout import Layout
from lab.network import PodNetwork
from lab.pki import Authority, write_private, write_signing_key
from lab.processes import ProcessTable
from lab.progress import step

__all__ = ["NODE_NAME", "SERVICE_NETWORK", "ControlPlane"]

NODE_NAME = "lab"
SERVICE_NETWORK = "10.96.0.0/16"  # of a lab without a node; with one, it is part of the Pod network

# User to its groups, for the static tokens.
_USERS: Mapping[str, str] = {
    "admin": "system:masters",
    "system:kube-controller-manager": "",
    "system:kube-scheduler": "",
    f"system:node:{NODE_NAME}": "system:nodes",
}


class ControlPlane:
    """The control plane of one lab; its files are in `<lab>/control-plane`."""

    def __init__(self, layout: Layout, processes: ProcessTable, programs: Mapping[str, Path]) -> None:
        self._layout = layout
        self._processes = processes
        self._programs = programs
        self.folder = layout.folder / "control-plane"

    @property
    def url(self) -> str:
        """The API server's address."""
        return f"https://127.0.0.1:{self._layout.ports.apiserver}"

    def find_kubeconfig(self, user: str) -> Path:
        """The kubeconfig of one of the static users."""
        if user == "admin":
            return self._layout.kubeconfig
        return self.folder / f"{user.rpartition(':')[2]}.kubeconfig"

    @property
    def service_account_key(self) -> Path:
        """The key that signs ServiceAccounts' tokens."""
        return self._find_key_file("service-accounts.key")

    def start(self, network: PodNetwork | None = None) -> None:
        """Make keys, tokens and kubeconfigs, start the four processes, wait until they answer.

        Args:
            network: the Pod network: the kubelet serves and Services have their cluster IPs there; None without a node.
        """
        with step("control plane"):
            self._write_credentials((network.bridge_address, network.api_server) if network else ())
            self._start_etcd()
            self._start_apiserver(str(network.services) if network else SERVICE_NETWORK)
            self._processes.wait_for("kube-apiserver", self.is_ready)
            self._start_controllers()

    def is_ready(self) -> bool:
        """Whether the API server says that it is ready."""
        try:
            with self.get("/readyz") as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def get(self, path: str):  # type: ignore[no-untyped-def] # urllib's own return type is untyped
        """GET a path of the API server as administrator."""
        return self._ask(path)

    def post(self, path: str, document: object):  # type: ignore[no-untyped-def] # likewise
        """POST an object to a path of the API server as administrator."""
        return self._ask(path, json.dumps(document).encode())

    def _ask(self, path: str, body: bytes | None = None):  # type: ignore[no-untyped-def]
        context = ssl.create_default_context(cafile=str(self.folder / "pki" / "ca.crt"))
        user = yaml.safe_load(self._layout.kubeconfig.read_text())["users"][0]["user"]
        headers = {"Authorization": f"Bearer {user['token']}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data=body, headers=headers)  # noqa: S310 # always our own https address
        return urllib.request.urlopen(request, context=context, timeout=5)  # noqa: S310

    def is_node_ready(self) -> bool:
        """Whether the node has joined, is ready, and has lost the taint that keeps pods away until then."""
        try:
            with self.get(f"/api/v1/nodes/{NODE_NAME}") as answer:
                node = json.load(answer)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False
        conditions = node["status"].get("conditions", [])
        ready = any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions)
        return ready and not node["spec"].get("taints")

    def does_kubelet_answer(self) -> bool:
        """Whether the kubelet says that it is healthy, asked through the API server."""
        try:
            with self.get(f"/api/v1/nodes/{NODE_NAME}/proxy/healthz") as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            return False

    def _write_credentials(self, node_addresses: tuple[str, ...]) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        authority = Authority(self.folder / "pki")
        authority.issue("etcd", name="etcd", hosts=("127.0.0.1", "localhost"))
        authority.issue("etcd-client", name="kube-apiserver")
        authority.issue(
            "apiserver",
            name="kube-apiserver",
            hosts=("127.0.0.1", "localhost", "kubernetes.default.svc", "kubernetes", *node_addresses),
        )
        authority.issue("apiserver-kubelet", name="kube-apiserver", organization="system:masters")
        authority.issue("kubelet", name=f"system:node:{NODE_NAME}", hosts=(NODE_NAME, "127.0.0.1", *node_addresses))
        write_signing_key(self.service_account_key)
        tokens = {user: secrets.token_urlsafe(32) for user in _USERS}
        rows = [f'{tokens[user]},{user},{user},"{group}"' for user, group in _USERS.items()]
        write_private(self.folder / "tokens.csv", "\n".join(rows) + "\n")
        for user, token in tokens.items():
            write_private(self.find_kubeconfig(user), yaml.safe_dump(self._make_kubeconfig(authority, user, token)))

    def _make_kubeconfig(self, authority: Authority, user: str, token: str) -> dict[str, object]:
        name = "lab"
        cluster = {"server": self.url, "certificate-authority": str(authority.certificate)}
        return {
            "apiVersion": "v1",
            "kind": "Config",
            "current-context": name,
            "clusters": [{"name": name, "cluster": cluster}],
            "users": [{"name": user, "user": {"token": token}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": user}}],
        }

    def _find_key_file(self, name: str) -> Path:
        return self.folder / "pki" / name

    def _start_etcd(self) -> None:
        ports = self._layout.ports
        client, peer = f"https://127.0.0.1:{ports.etcd}", f"http://127.0.0.1:{ports.etcd_peer}"
        self._processes.start(
            "etcd",
            [
                self._programs["etcd"],
                f"--data-dir={self.folder / 'etcd'}",
                f"--listen-client-urls={client}",
                f"--advertise-client-urls={client}",
                f"--listen-peer-urls={peer}",
                f"--initial-advertise-peer-urls={peer}",
                f"--initial-cluster=default={peer}",
                f"--trusted-ca-file={self._find_key_file('ca.crt')}",
                f"--cert-file={self._find_key_file('etcd.crt')}",
                f"--key-file={self._find_key_file('etcd.key')}",
                "--client-cert-auth",
                "--unsafe-no-fsync",  # a lab's data is worth nothing after a power cut
                "--log-level=warn",
            ],
        )

    def _start_apiserver(self, service_network: str) -> None:
        self._processes.start(
            "kube-apiserver",
            [
                self._programs["kube-apiserver"],
                f"--etcd-servers=https://127.0.0.1:{self._layout.ports.etcd}",
                f"--etcd-cafile={self._find_key_file('ca.crt')}",
                f"--etcd-certfile={self._find_key_file('etcd-client.crt')}",
                f"--etcd-keyfile={self._find_key_file('etcd-client.key')}",
                "--bind-address=127.0.0.1",
                f"--secure-port={self._layout.ports.apiserver}",
                f"--client-ca-file={self._find_key_file('ca.crt')}",
                f"--tls-cert-file={self._find_key_file('apiserver.crt')}",
                f"--tls-private-key-file={self._find_key_file('apiserver.key')}",
                "--kubelet-preferred-address-types=InternalIP",
                f"--kubelet-certificate-authority={self._find_key_file('ca.crt')}",
                f"--kubelet-client-certificate={self._find_key_file('apiserver-kubelet.crt')}",
                f"--kubelet-client-key={self._find_key_file('apiserver-kubelet.key')}",
                f"--service-account-key-file={self.service_account_key}",
                f"--service-account-signing-key-file={self.service_account_key}",
                "--service-account-issuer=https://kubernetes.default.svc",
                f"--service-cluster-ip-range={service_network}",
                "--authorization-mode=Node,RBAC",
                f"--token-auth-file={self.folder / 'tokens.csv'}",
                "--enable-admission-plugins=NodeRestriction",
                "--allow-privileged=true",
                "--endpoint-reconciler-type=none",  # it would advertise this machine's own address
            ],
        )

    def _start_controllers(self) -> None:
        self._processes.start(
            "kube-controller-manager",
            [
                self._programs["kube-controller-manager"],
                f"--kubeconfig={self.find_kubeconfig('system:kube-controller-manager')}",
                f"--root-ca-file={self._find_key_file('ca.crt')}",
                f"--service-account-private-key-file={self.service_account_key}",
                "--use-service-account-credentials",
                "--leader-elect=false",
                "--secure-port=0",
            ],
        )
        self._processes.start(
            "kube-scheduler",
            [
                self._programs["kube-scheduler"],
                f"--kubeconfig={self.find_kubeconfig('system:kube-scheduler')}",
                "--leader-elect=false",
                "--secure-port=0",
            ],
        )
