"""The node's kubelet takes more flags while the lab is up; what runs on the node runs on."""

import json
from collections.abc import Iterator

import pytest

from lab.lifecycle import Lab


@pytest.fixture
def own_flags(lab: Lab) -> Iterator[None]:
    """Take back the flags of the test."""
    yield
    lab.restart_kubelet()


def configz(lab: Lab) -> dict[str, object]:
    told = json.loads(lab.kubectl("get", "--raw", "/api/v1/nodes/lab/proxy/configz"))["kubeletconfig"]
    assert isinstance(told, dict)
    return told


def test_flags_are_given_and_taken_back_while_pods_run_on(lab: Lab, namespace: str, own_flags: None) -> None:
    lab.kubectl(
        *["run", "stays", f"--namespace={namespace}", "--image=localhost/lab/pause:1", "--image-pull-policy=Never"]
    )
    lab.kubectl("wait", f"--namespace={namespace}", "--for=condition=Ready", "pod/stays", "--timeout=60s")
    started = "--output=jsonpath={.status.containerStatuses[0].state.running.startedAt}"
    before = lab.kubectl("get", "pod", "stays", f"--namespace={namespace}", started)

    lab.restart_kubelet("--max-pods=77")
    assert configz(lab)["maxPods"] == 77
    lab.restart_kubelet()

    assert configz(lab)["maxPods"] == 110
    assert lab.broken() == []
    assert lab.kubectl("get", "pod", "stays", f"--namespace={namespace}", started) == before
