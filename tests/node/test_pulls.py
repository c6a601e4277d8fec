"""Pods on the real kubelet, pulling through what `pulumi up` made; the registry's log is the witness."""

import json
from collections.abc import Callable

from imagepull.images import reference
from lab.ecr import access_log
from lab.images import SHOP
from lab.lifecycle import Lab
from lab.processes import wait_until
from tests.pulumi_project import PulumiProject

Make = Callable[..., PulumiProject]

PROGRAM = """
from components import Pod, RegistryAccess

access = RegistryAccess(
    "registries", registries=[{{"host": "{host}"}}], namespaces=["{namespace}"], refresh_before="{refresh_before}"
)
"""
# Pulumi is not to wait for the pods that cannot start.
POD = """
Pod(
    "{name}",
    access={access},
    image="{image}",
    image_pull_policy="{policy}",
    port=8080,
    metadata={{"namespace": "{namespace}", "name": "{name}", "annotations": {{"pulumi.com/skipAwait": "{skip}"}}}},
)
"""


def program(namespace: str, *pods: str, refresh_before: str = "6h") -> str:
    head = PROGRAM.format(host=SHOP.host, namespace=namespace, refresh_before=refresh_before)
    return head + "".join(pods)


def pod(name: str, namespace: str, image: str, policy: str, *, access: str = "access", starts: bool = True) -> str:
    skip = "false" if starts else "true"
    return POD.format(name=name, namespace=namespace, image=image, policy=policy, access=access, skip=skip)


def asked(lab: Lab, image: str) -> int:
    """How often the node asked the registry for the image's manifest, with or without success."""
    repository = reference.parse(image).path
    return len(access_log.find_manifest_requests(access_log.read(lab.access_log), repository, client="containerd"))


def secret(lab: Lab, namespace: str, path: str) -> str:
    return lab.kubectl("get", "secret", "registries", f"--namespace={namespace}", f"--output=jsonpath={{{path}}}")


def phase(lab: Lab, namespace: str, name: str) -> str:
    return lab.kubectl("get", "pod", name, f"--namespace={namespace}", "--output=jsonpath={.status.phase}")


def waiting(lab: Lab, namespace: str, name: str) -> tuple[str, str]:
    """Why the pod's container waits: the kubelet's reason and message."""
    told = json.loads(lab.kubectl("get", "pod", name, f"--namespace={namespace}", "--output=json"))
    (status,) = told["status"].get("containerStatuses") or [{"state": {}}]
    state = status["state"].get("waiting", {})
    return state.get("reason", ""), state.get("message", "")


def test_a_pod_with_access_runs(lab: Lab, project: Make, namespace: str, image: str) -> None:
    project(program(namespace, pod("web", namespace, image, "IfNotPresent"))).up()
    assert phase(lab, namespace, "web") == "Running"


def test_a_pod_without_access_ends_in_image_pull_back_off(lab: Lab, project: Make, namespace: str, image: str) -> None:
    without = pod("web", namespace, image, "Always", access="None", starts=False)
    project(f"from components import Pod\n{without}").up()
    assert wait_until(lambda: waiting(lab, namespace, "web")[0] == "ImagePullBackOff", timeout=60, pause=0.5)
    # Of the Events, not of the status: a kubelet up to 1.31 leaves the cause out there.
    about = ("--field-selector=involvedObject.name=web", "--output=jsonpath={.items[*].message}")
    assert "401" in lab.kubectl("get", "events", f"--namespace={namespace}", *about)


def test_always_asks_the_registry_at_each_start(lab: Lab, project: Make, namespace: str, image: str) -> None:
    pods = [pod(name, namespace, image, "Always") for name in ("first", "second")]
    stack = project(program(namespace, pods[0]))
    stack.up()
    after_first = asked(lab, image)
    assert after_first > 0
    stack.write(program(namespace, *pods))
    stack.up()
    assert asked(lab, image) > after_first


def test_if_not_present_asks_no_registry_for_what_is_cached(
    lab: Lab, project: Make, namespace: str, image: str
) -> None:
    pods = [pod(name, namespace, image, "IfNotPresent") for name in ("first", "second")]
    stack = project(program(namespace, pods[0]))
    stack.up()
    after_first = asked(lab, image)
    assert after_first > 0
    stack.write(program(namespace, *pods))
    stack.up()
    assert phase(lab, namespace, "second") == "Running"
    assert asked(lab, image) == after_first


def test_never_runs_what_is_cached_and_asks_nobody(lab: Lab, project: Make, namespace: str, image: str) -> None:
    stack = project(program(namespace, pod("first", namespace, image, "IfNotPresent")))
    stack.up()
    after_first = asked(lab, image)
    stack.write(
        program(
            namespace,
            pod("first", namespace, image, "IfNotPresent"),
            pod("second", namespace, image, "Never"),
        )
    )
    stack.up()
    assert phase(lab, namespace, "second") == "Running"
    assert asked(lab, image) == after_first


def test_never_fails_when_the_image_is_absent_and_asks_nobody(
    lab: Lab, project: Make, namespace: str, image: str
) -> None:
    project(program(namespace, pod("web", namespace, image, "Never", starts=False))).up()
    assert wait_until(lambda: waiting(lab, namespace, "web")[0] == "ErrImageNeverPull", timeout=60, pause=0.5)
    assert asked(lab, image) == 0


def test_never_still_runs_what_is_cached_after_the_secret_was_renewed(
    lab: Lab, project: Make, namespace: str, image: str
) -> None:
    """The kubelet (1.35+) lets a pod use a cached image by the Secret's UID, which a renewal keeps."""
    first = pod("first", namespace, image, "IfNotPresent")
    stack = project(program(namespace, first))
    stack.up()
    before = secret(lab, namespace, ".metadata.uid"), secret(lab, namespace, ".data")
    after_first = asked(lab, image)
    # A renewal is due from 13 hours before the end of a token that lives 12.
    stack.write(program(namespace, first, pod("second", namespace, image, "Never"), refresh_before="13h"))
    stack.up()
    assert secret(lab, namespace, ".metadata.uid") == before[0]
    assert secret(lab, namespace, ".data") != before[1]
    assert phase(lab, namespace, "second") == "Running"
    assert asked(lab, image) == after_first
