"""The configuration files of containerd, CNI and the kubelet, from the node's settings. Pure."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from lab.images import PAUSE_REFERENCE
from lab.network import POD_IDENTITY, PodNetwork

__all__ = [
    "KERNEL_SETTINGS",
    "Settings",
    "make_cni_config",
    "make_containerd_config",
    "make_kubelet_config",
    "make_registry_config",
]

# Kernel settings that the kubelet insists on, with the values it wants
# (kubernetes/kubernetes pkg/kubelet/cm/container_manager_linux.go, setupKernelTunables).
KERNEL_SETTINGS: Mapping[str, str] = {
    "vm/overcommit_memory": "1",
    "vm/panic_on_oom": "0",
    "kernel/panic": "10",
    "kernel/panic_on_oops": "1",
    "kernel/keys/root_maxkeys": "1000000",
    "kernel/keys/root_maxbytes": "25000000",
}


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All that the node's first process is told, as JSON.

    Attributes:
        name: of the node.
        folder: the node's folder.
        address: where the kubelet serves; the bridge's address, and the first of the pods' /24.
        bridge: the bridge's name.
        cgroup: the cgroup that pods live in.
        port: the kubelet's.
        kubelet: the program.
        kubeconfig: the node's.
        pki: folder with ca.crt, kubelet.crt, kubelet.key.
        pause_image: the archive of the image that holds a pod's namespaces.
        registries: host that image references name, to the loopback port where it really is.
        containerd_log: file for containerd's output.
        kubelet_log: file for the kubelet's output.
        kubelet_flags: more flags of the kubelet, such as `--image-credential-provider-config=FILE`.
        kubelet_env: variables for the kubelet and the plugins that it runs, besides those of its first process.
    """

    name: str
    folder: str
    address: str
    bridge: str
    cgroup: str
    port: int
    kubelet: str
    kubeconfig: str
    pki: str
    pause_image: str
    registries: Mapping[str, int]
    containerd_log: str
    kubelet_log: str
    kubelet_flags: Sequence[str] = ()
    kubelet_env: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, file: Path) -> "Settings":
        """The settings that `Node` wrote."""
        return cls(**json.loads(file.read_text()))

    @property
    def socket(self) -> Path:
        """Where containerd listens."""
        return Path(self.folder) / "containerd.sock"

    @property
    def network(self) -> PodNetwork:
        """The Pod network that the bridge is part of."""
        return PodNetwork(bridge_address=self.address)


def make_containerd_config(settings: Settings, *, snapshotter: str) -> str:
    """containerd's config.toml (version 2, which 1.6 and 2.x both read)."""
    folder = settings.folder
    # JSON strings are TOML strings.
    return f"""\
version = 2
root = {json.dumps(folder + "/containerd")}
state = {json.dumps(folder + "/run")}
disabled_plugins = ["io.containerd.tracing.processor.v1.otlp", "io.containerd.internal.v1.tracing"]

[grpc]
address = {json.dumps(str(settings.socket))}

[plugins."io.containerd.internal.v1.opt"]
path = {json.dumps(folder + "/opt")}

[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{PAUSE_REFERENCE}"
restrict_oom_score_adj = true
stream_server_address = "127.0.0.1"

[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = {json.dumps(folder + "/cni")}

[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "{snapshotter}"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
SystemdCgroup = false

[plugins."io.containerd.grpc.v1.cri".registry]
config_path = {json.dumps(folder + "/registries")}
"""


def make_registry_config(port: int) -> str:
    """hosts.toml of one registry host: pulls go to a loopback port."""
    return (
        f'server = "http://127.0.0.1:{port}"\n\n[host."http://127.0.0.1:{port}"]\ncapabilities = ["pull", "resolve"]\n'
    )


def make_cni_config(settings: Settings) -> str:
    """The network of pods: an address each on the bridge, no route but to the agent of Pod Identity, by the bridge."""
    first, last = settings.network.pod_range
    pods = {
        "subnet": str(settings.network.network),
        "rangeStart": first,
        "rangeEnd": last,
        "gateway": settings.address,
    }
    bridge = {
        "type": "bridge",
        "bridge": settings.bridge,
        "ipam": {"type": "host-local", "ranges": [[pods]], "routes": [{"dst": f"{POD_IDENTITY}/32"}]},
    }
    return json.dumps({"cniVersion": "1.0.0", "name": settings.bridge, "plugins": [bridge]})


def make_kubelet_config(settings: Settings) -> str:
    """The kubelet's configuration."""
    pki, folder = settings.pki, settings.folder
    return yaml.safe_dump(
        {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "address": settings.address,
            "port": settings.port,
            "healthzPort": 0,
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": f"{pki}/ca.crt"},
            },
            "authorization": {"mode": "Webhook"},
            "tlsCertFile": f"{pki}/kubelet.crt",
            "tlsPrivateKeyFile": f"{pki}/kubelet.key",
            "containerRuntimeEndpoint": f"unix://{settings.socket}",
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": f"/{settings.cgroup}",
            "failCgroupV1": False,
            "failSwapOn": False,
            "clusterDNS": [settings.network.dns],  # nobody answers there; without one every pod gets a warning event
            "clusterDomain": "cluster.local",
            "resolvConf": f"{folder}/resolv.conf",
            "podLogsDir": f"{folder}/logs",
            "volumePluginDir": f"{folder}/volume-plugins",
            "makeIPTablesUtilChains": False,
            "evictionHard": {},
            "enforceNodeAllocatable": [],
            "imageGCHighThresholdPercent": 100,
            "serializeImagePulls": False,
            "registryPullQPS": 50,
            "registryBurst": 100,
        }
    )
