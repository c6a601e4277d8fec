"""The node's configuration files say what its settings say."""

import json
import tomllib

import yaml

from lab.node import config

SETTINGS = config.Settings(
    name="lab",
    folder="/labs/a/node",
    address="10.231.4.1",
    bridge="ip-0a1b2c3d",
    cgroup="imagepull-lab-0a1b2c3d",
    port=10250,
    kubelet="/bin/kubelet",
    kubeconfig="/labs/a/lab.kubeconfig",
    pki="/labs/a/pki",
    pause_image="/labs/a/pause.tar",
    registries={"123456789012.dkr.ecr.us-east-1.amazonaws.com": 5001},
    containerd_log="/labs/a/containerd.log",
    kubelet_log="/labs/a/kubelet.log",
)


def test_containerd_keeps_everything_in_the_nodes_folder() -> None:
    told = tomllib.loads(config.make_containerd_config(SETTINGS, snapshotter="overlayfs"))
    places = [told["root"], told["state"], told["grpc"]["address"]]
    assert all(place.startswith(SETTINGS.folder) for place in places)
    assert told["plugins"]["io.containerd.grpc.v1.cri"]["registry"]["config_path"].startswith(SETTINGS.folder)


def test_registry_hosts_lead_to_loopback() -> None:
    told = tomllib.loads(config.make_registry_config(5001))
    assert told["server"] == "http://127.0.0.1:5001"
    assert list(told["host"]) == ["http://127.0.0.1:5001"]


def test_pods_get_addresses_beside_the_bridges_own() -> None:
    ranges = json.loads(config.make_cni_config(SETTINGS))["plugins"][0]["ipam"]["ranges"]
    assert ranges == [
        [{"subnet": "10.231.4.0/24", "rangeStart": "10.231.4.2", "rangeEnd": "10.231.4.126", "gateway": "10.231.4.1"}]
    ]


def test_the_kubelet_stays_in_its_cgroup_and_demands_credentials() -> None:
    told = yaml.safe_load(config.make_kubelet_config(SETTINGS))
    assert told["cgroupRoot"] == "/imagepull-lab-0a1b2c3d"
    assert told["authentication"]["anonymous"] == {"enabled": False}
    assert told["makeIPTablesUtilChains"] is False
