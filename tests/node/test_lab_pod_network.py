"""Pods reach the API server and ECR over the Pod network; no other network does, and nothing is forwarded."""

import errno
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.lifecycle import Lab
from lab.network import PodNetwork
from lab.processes import wait_until

POD = """
apiVersion: v1
kind: Pod
metadata: {{name: asks}}
spec:
  restartPolicy: Never
  containers:
    - name: asks
      image: localhost/lab/pause:1
      imagePullPolicy: Never
      command: [/bin/sh, -c]
      args: ["{script}"]
      env: [{{name: ECR, value: "{ecr}"}}]
"""
# busybox' wget prints the answer's status line to stderr; the API server speaks TLS and says so to plain HTTP.
SCRIPT = "wget -O- http://$KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT/ 2>&1; wget -SO- $ECR/moto-api/ 2>&1; true"


def test_a_pod_reaches_the_api_server_and_ecr(lab: Lab, namespace: str, tmp_path: Path) -> None:
    manifest = tmp_path / "pod.yaml"
    manifest.write_text(POD.format(script=SCRIPT, ecr=lab.pod_env["AWS_ENDPOINT_URL_ECR"]))
    lab.kubectl("apply", f"--namespace={namespace}", f"--filename={manifest}")

    lab.kubectl("wait", f"--namespace={namespace}", "--for=jsonpath={.status.phase}=Succeeded", "pod/asks")

    told = lab.kubectl("logs", "asks", f"--namespace={namespace}")
    assert "400 Bad Request" in told, told
    assert "HTTP/1.1 200 OK" in told, told


@pytest.fixture
def neighbour() -> Iterator[int]:
    """A machine on another network of this one, as a network namespace: the id of the process that holds it."""
    holder = subprocess.Popen(["unshare", "--net", "sleep", "300"])
    mine, its = f"ipn{holder.pid}", f"ipo{holder.pid}"
    inside = ["nsenter", f"--target={holder.pid}", "--net"]
    here = Path("/proc/self/ns/net").readlink()
    assert wait_until(lambda: Path(f"/proc/{holder.pid}/ns/net").readlink() != here, timeout=10)
    for command in (
        ["ip", "link", "add", mine, "type", "veth", "peer", "name", its, "netns", str(holder.pid)],
        ["ip", "address", "add", "10.230.77.1/30", "dev", mine],
        ["ip", "link", "set", mine, "up"],
        [*inside, "ip", "address", "add", "10.230.77.2/30", "dev", its],
        [*inside, "ip", "link", "set", its, "up"],
        [*inside, "ip", "route", "add", "10.231.0.0/16", "via", "10.230.77.1"],
    ):
        subprocess.run(command, check=True)
    yield holder.pid
    subprocess.run(["ip", "link", "delete", mine], check=True)
    holder.kill()
    holder.wait()


def connects(neighbour: int, address: str, port: int) -> bool:
    """Whether the neighbour can connect; False when it is refused."""
    code = f"import socket, sys; sys.exit(socket.socket().connect_ex(({address!r}, {port})))"
    done = subprocess.run(
        ["nsenter", f"--target={neighbour}", "--net", sys.executable, "-c", code], timeout=30, check=False
    )
    assert done.returncode in (0, errno.ECONNREFUSED)
    return done.returncode == 0


def test_what_is_for_pods_is_closed_to_other_networks_of_the_machine(lab: Lab, neighbour: int) -> None:
    network = lab.pod_network
    assert network is not None
    with socket.create_server((network.api_server, 0)) as ordinary:
        assert connects(neighbour, network.api_server, ordinary.getsockname()[1])
    for address, port in ((network.api_server, 443), (network.bridge_address, lab.layout.ports.ecr)):
        assert not connects(neighbour, address, port)


def test_the_service_of_the_api_server_is_in_the_pod_network(lab: Lab) -> None:
    told = lab.kubectl("get", "service", "kubernetes", "--output=jsonpath={.spec.clusterIP}")
    bridge = lab.kubectl("get", "node", "lab", "--output=jsonpath={.status.addresses[?(@.type=='InternalIP')].address}")
    assert told == PodNetwork(bridge_address=bridge).api_server


def test_no_forwarding_is_switched_on_for_pods(lab: Lab) -> None:
    bridge = Path("/proc/sys/net/ipv4/conf", lab.layout.bridge, "forwarding")
    default = Path("/proc/sys/net/ipv4/conf/default/forwarding")
    assert bridge.read_text() == default.read_text()
