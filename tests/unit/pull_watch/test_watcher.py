"""A watch from its first look to its end, with a clock of the test's own."""

import asyncio
from collections.abc import Callable
from typing import Any

from imagepull.pull_watch.spec import parse
from imagepull.pull_watch.watcher import Clock, watch
from tests.readable_cluster import ReadableCluster, forbid
from tests.unit.pull_watch.manifests import make_deployment, make_pod

WEB: dict[str, Any] = {"kind": "Deployment", "name": "web", "namespace": "shop", "images": ["ghcr.io/a/web:1"]}
FAILS = make_pod(reason="ImagePullBackOff")


class Run:
    """One watch, with what it has said and how long it took.

    Args:
        events: by second, what happens to the cluster.
    """

    def __init__(
        self,
        cluster: ReadableCluster,
        *workloads: Any,
        events: dict[float, Callable[[], None]] | None = None,
        **more: Any,
    ) -> None:
        self.warnings: list[str] = []
        self.seconds = 0.0
        self._events = dict(events or {})
        spec = parse({"workloads": list(workloads) or [WEB], **more})
        clock = Clock(sleep=self._sleep, now=lambda: self.seconds)
        self.causes = asyncio.run(watch(cluster.cluster, spec, self, clock))

    def warn(self, message: str) -> None:
        self.warnings.append(message)

    async def _sleep(self, seconds: float) -> None:
        self.seconds += seconds
        for due in [each for each in self._events if each <= self.seconds]:
            self._events.pop(due)()


def test_it_ends_at_once_when_every_image_is_there() -> None:
    run = Run(ReadableCluster(make_deployment(), make_pod()))
    assert (run.warnings, run.causes, run.seconds) == ([], [], 0.0)


def test_a_cause_is_told_once_with_its_fix_and_the_command() -> None:
    cluster = ReadableCluster(make_deployment(replicas=2, updated=2), FAILS, make_pod(name="b", reason="ErrImagePull"))
    run = Run(cluster, timeout="90s")
    (warning,) = run.warnings
    first, second, third = warning.splitlines()
    assert first.startswith("shop/Deployment/web, container app, image ghcr.io/a/web:1: ")
    assert second.startswith("  image-absent (certain). Fix: ")
    assert third == "  More: imagepull diagnose deployment/web -n shop"
    assert run.causes == [warning]
    assert run.seconds == 90.0  # the time limit is no error


def test_it_goes_on_until_the_image_comes_and_the_cause_is_forgotten() -> None:
    cluster = ReadableCluster(make_deployment(), FAILS)

    def mend() -> None:
        cluster.objects[1] = make_pod()

    run = Run(cluster, events={20.0: mend}, timeout="10m", fail=True)
    assert len(run.warnings) == 1
    assert run.seconds < 30


def test_fail_ends_once_nothing_is_left_to_wait_for_and_tells_all_causes() -> None:
    other = {**WEB, "name": "api", "images": ["ghcr.io/a/api:1"]}
    late = make_pod("ReplicaSet/api-77", image="ghcr.io/a/api:1", name="api-77-x", reason="ErrImagePull")
    cluster = ReadableCluster(make_deployment(), make_deployment("api", image="ghcr.io/a/api:1"), FAILS)
    run = Run(cluster, WEB, other, events={15.0: lambda: cluster.objects.append(late)}, fail=True)
    assert [each.split(",")[0] for each in run.causes] == ["shop/Deployment/web", "shop/Deployment/api"]
    assert 15 < run.seconds < 30


def test_fail_waits_where_waiting_helps() -> None:
    text = (
        'Back-off pulling image "ghcr.io/a/web:1": ErrImagePull: failed to pull and unpack image "ghcr.io/a/web:1":'
        ' failed to resolve reference "ghcr.io/a/web:1": unexpected status from HEAD request to'
        " https://ghcr.io/v2/a/web/manifests/1: 503 Service Unavailable"
    )
    busy = make_pod(state={"waiting": {"reason": "ImagePullBackOff", "message": text}})
    run = Run(ReadableCluster(make_deployment(), busy), fail=True, timeout="2m")
    assert "registry-5xx" in run.warnings[0]
    assert run.seconds == 120.0


def test_a_pull_that_takes_long_is_no_failure() -> None:
    creating = make_pod(state={"waiting": {"reason": "ContainerCreating"}})
    pulling = {
        "kind": "Event",
        "metadata": {"namespace": "shop", "name": "e", "resourceVersion": "1"},
        "involvedObject": {
            "kind": "Pod",
            "namespace": "shop",
            "name": "web-5d8c-x",
            "uid": "uid-web-5d8c-x",
            "fieldPath": "spec.containers{app}",
        },
        "type": "Normal",
        "reason": "Pulling",
        "message": 'Pulling image "ghcr.io/a/web:1"',
        "lastTimestamp": "2026-01-01T00:00:00Z",
    }
    cluster = ReadableCluster(make_deployment(), creating, pulling)

    def arrive() -> None:
        cluster.objects[1] = make_pod()

    run = Run(cluster, events={200.0: arrive}, fail=True)
    assert (run.warnings, run.causes) == ([], [])
    assert run.seconds > 200


def test_nothing_is_said_of_pods_of_others() -> None:
    stranger = make_pod("", name="web-5d8c-y", reason="ImagePullBackOff")
    neighbour = make_pod("ReplicaSet/web-other-5d8c", name="z", reason="ImagePullBackOff")
    run = Run(ReadableCluster(make_deployment(), make_pod(), stranger, neighbour))
    assert run.warnings == []


def test_an_earlier_version_that_fails_is_not_told() -> None:
    earlier = make_pod("ReplicaSet/web-1111", image="ghcr.io/a/web:0", name="old", reason="ImagePullBackOff")
    run = Run(ReadableCluster(make_deployment(updated=0), earlier), timeout="30s")
    assert not any("web:0" in each for each in run.warnings)


def test_pods_that_may_not_be_listed_are_one_warning_and_the_end() -> None:
    run = Run(ReadableCluster(make_deployment(), FAILS, refuse=forbid("list Pod")), fail=True)
    assert run.warnings == ["namespace shop is not watched: RBAC forbids it"]
    assert (run.causes, run.seconds) == ([], 0.0)


def test_workloads_that_may_not_be_listed_are_done_when_their_pods_are() -> None:
    cluster = ReadableCluster(refuse=forbid("list Deployment"))
    run = Run(cluster, events={10.0: lambda: cluster.objects.append(make_pod())})
    assert run.warnings == []
    assert 10 <= run.seconds < 15


def test_a_workload_that_nobody_makes_is_not_waited_for() -> None:
    run = Run(ReadableCluster(), fail=True)
    (warning,) = run.warnings
    assert "shop/Deployment/web (not made yet)" in warning
    assert "To see why: imagepull diagnose deployment/web -n shop" in warning
    assert 60 <= run.seconds < 65


def test_a_hostile_text_stays_one_line_and_is_redacted() -> None:
    text = "failed: \x1b[31m\n::error::x https://user:geheim-4711@ghcr.io/v2/ authorization failed"
    hostile = make_pod(state={"waiting": {"reason": "ErrImagePull", "message": text}})
    run = Run(ReadableCluster(make_deployment(), hostile), timeout="20s")
    assert len(run.warnings) == 1
    assert len(run.warnings[0].splitlines()) == 3
    assert "\x1b" not in run.warnings[0]
    assert "geheim-4711" not in run.warnings[0]


def test_while_nothing_changes_one_list_of_pods_is_read_in_each_look() -> None:
    creating = make_pod(state={"waiting": {"reason": "ContainerCreating"}})
    cluster = ReadableCluster(make_deployment(), creating)
    Run(cluster, timeout="9s")
    assert {str(each) for each in cluster.requests} == {"list Pod"}
