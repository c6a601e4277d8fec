"""How far a roll-out has come: which Pods belong to it, which have their images, and when all wanted ones are there."""

from typing import Any

import pytest

from imagepull.pull_watch.rollout import (
    Rollout,
    find_workload,
    has_all_images,
    parse_pod_progress,
    parse_rollout,
)
from imagepull.pull_watch.spec import WatchedWorkload
from tests.unit.pull_watch.manifests import make_deployment, make_pod

IMAGE = "ghcr.io/a/web:1"


def watched(kind: str = "Deployment", name: str = "web") -> WatchedWorkload:
    return WatchedWorkload(kind=kind, name=name, namespace="shop", images=frozenset({IMAGE}))


@pytest.mark.parametrize(
    ("kind", "owner"),
    [
        ("Deployment", "ReplicaSet/web-5d8c"),
        ("StatefulSet", "StatefulSet/web"),
        ("DaemonSet", "DaemonSet/web"),
        ("Job", "Job/web"),
        ("CronJob", "Job/web-29384756"),
    ],
)
def test_a_pod_belongs_to_what_made_it(kind: str, owner: str) -> None:
    assert find_workload([watched(kind)], parse_pod_progress(make_pod(owner))) == watched(kind)


@pytest.mark.parametrize("owner", ["", "ReplicaSet/web-other-5d8c", "ReplicaSet/other-5d8c", "StatefulSet/web"])
def test_a_pod_of_others_with_the_same_image_belongs_to_nobody(owner: str) -> None:
    assert find_workload([watched()], parse_pod_progress(make_pod(owner))) is None


def test_a_bare_pod_belongs_to_itself() -> None:
    pod = parse_pod_progress(make_pod("", name="web"))
    assert find_workload([watched("Pod")], pod) == watched("Pod")


@pytest.mark.parametrize(
    ("state", "ready", "failing"),
    [
        ({"running": {}}, True, ()),
        ({"terminated": {"exitCode": 1}}, True, ()),
        ({"waiting": {"reason": "CrashLoopBackOff"}}, True, ()),
        ({"waiting": {"reason": "CreateContainerConfigError"}}, True, ()),
        ({"waiting": {"reason": "ContainerCreating"}}, False, ()),
        ({"waiting": {"reason": "PodInitializing"}}, False, ()),
        ({}, False, ()),
        ({"waiting": {"reason": "ErrImagePull"}}, False, ("app",)),
        ({"waiting": {"reason": "ErrImageNeverPull"}}, False, ("app",)),
        ({"waiting": {"reason": "InvalidImageName"}}, False, ("app",)),
        ({"waiting": {"reason": "illegal base64 data at input byte 4"}}, False, ("app",)),
    ],
)
def test_a_container_has_its_image_waits_or_fails(state: dict[str, Any], ready: bool, failing: tuple[str]) -> None:
    pod = parse_pod_progress(make_pod(state=state))
    assert (pod.ready, pod.failing) == (ready, failing)


def test_every_container_and_image_volume_counts() -> None:
    document = make_pod()
    document["spec"]["initContainers"] = [{"name": "init", "image": "busybox"}]
    document["spec"]["volumes"] = [{"name": "models", "image": {"reference": "ghcr.io/a/models:1"}}]
    pod = parse_pod_progress(document)
    assert pod.images == {IMAGE, "busybox", "ghcr.io/a/models:1"}
    assert not pod.ready  # of the init container nothing is known yet


def rollout(kind: str, spec: dict[str, Any], status: dict[str, Any]) -> Rollout:
    spec = {"template": {"spec": {"containers": [{"name": "app", "image": IMAGE}]}}, **spec}
    metadata = {"name": "web", "namespace": "shop", "generation": 2}
    return parse_rollout(kind, {"metadata": metadata, "spec": spec, "status": status})


@pytest.mark.parametrize(
    ("kind", "spec", "status", "complete"),
    [
        ("Deployment", {"replicas": 2}, {"observedGeneration": 2, "updatedReplicas": 2}, True),
        ("Deployment", {"replicas": 2}, {"observedGeneration": 1, "updatedReplicas": 2}, False),
        ("Deployment", {"replicas": 2}, {"observedGeneration": 2, "updatedReplicas": 1}, False),
        ("Deployment", {"replicas": 1}, {}, False),
        ("Deployment", {"replicas": 0}, {}, True),
        ("Deployment", {"replicas": 3, "paused": True}, {"observedGeneration": 2}, True),
        ("StatefulSet", {"replicas": 3}, {"observedGeneration": 2, "updatedReplicas": 1}, False),
        (
            "StatefulSet",
            {"replicas": 3, "updateStrategy": {"rollingUpdate": {"partition": 2}}},
            {"updatedReplicas": 1},
            True,
        ),
        ("StatefulSet", {"replicas": 3, "updateStrategy": {"type": "OnDelete"}}, {}, True),
        ("DaemonSet", {}, {}, False),
        ("DaemonSet", {}, {"observedGeneration": 2, "desiredNumberScheduled": 2, "updatedNumberScheduled": 1}, False),
        ("DaemonSet", {}, {"observedGeneration": 2}, True),
        ("Job", {"parallelism": 2, "completions": 1}, {"active": 1}, True),
        ("Job", {"parallelism": 2}, {"active": 1}, False),
        ("Job", {"parallelism": 1}, {"conditions": [{"type": "Complete", "status": "True"}]}, True),
        ("Job", {"parallelism": 1, "suspend": True}, {}, True),
        ("CronJob", {}, {}, True),
    ],
)
def test_a_rollout_is_complete_when_the_wanted_pods_of_its_version_exist(
    kind: str, spec: dict[str, Any], status: dict[str, Any], complete: bool
) -> None:
    assert rollout(kind, spec, status).complete is complete


def test_it_is_not_over_before_a_pod_exists() -> None:
    waiting = parse_rollout("Deployment", make_deployment(updated=0))
    assert not has_all_images(watched(), [], waiting)
    assert not has_all_images(watched(), [], None)


def test_it_is_not_over_while_the_cluster_has_the_earlier_version() -> None:
    earlier = parse_rollout("Deployment", make_deployment(image="ghcr.io/a/web:0"))
    pods = [parse_pod_progress(make_pod(image="ghcr.io/a/web:0"))]
    assert not has_all_images(watched(), pods, earlier)


def test_it_is_over_when_the_new_pods_have_their_images_whatever_the_old_ones_do() -> None:
    old = parse_pod_progress(make_pod("ReplicaSet/web-1111", image="ghcr.io/a/web:0", reason="ImagePullBackOff"))
    new = parse_pod_progress(make_pod())
    assert has_all_images(watched(), [old, new], parse_rollout("Deployment", make_deployment()))


def test_images_that_a_webhook_has_rewritten_hold_nothing_up() -> None:
    there = parse_rollout("Deployment", make_deployment())
    mirrored = make_pod(image="mirror.test/a/web:1")
    creating = make_pod(image="mirror.test/a/web:1", state={"waiting": {"reason": "ContainerCreating"}})
    assert has_all_images(watched(), [parse_pod_progress(mirrored)], there)
    assert not has_all_images(watched(), [parse_pod_progress(creating)], there)
