"""What `watch_pulls` declares: images that are known before the workloads are made, and nothing of the workloads."""

from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import pytest

from components import Deployment, RegistryAccess, explicit_image_pulls, watch_pulls
from tests.pulumi_mocks import NOT_KNOWN, declared, unknown

WATCH = ("imagepull:index:PullWatch", "image-pulls")
IMAGE = "ghcr.io/a/web:1"
WEB = {"kind": "Deployment", "name": "web", "namespace": "shop", "images": [IMAGE]}


def spec(image: Any = IMAGE, **more: Any) -> Any:
    labels = {"app": "web"}
    pod = {"containers": [{"name": "app", "image": image}], **more}
    return {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}}


def test_a_component_is_watched_by_its_name_namespace_and_images() -> None:
    def program() -> None:
        watch_pulls(Deployment("web", image=IMAGE, namespace="shop"), fail=True, timeout="3m")

    assert declared(program)[WATCH] == {"workloads": [WEB], "fail": True, "timeout": "3m"}


def test_all_images_of_the_pods_are_watched_each_once() -> None:
    more = {
        "init_containers": [{"name": "init", "image": "busybox"}, {"name": "again", "image": IMAGE}],
        "volumes": [{"name": "models", "image": {"reference": "ghcr.io/a/models:1"}}],
    }

    def program() -> None:
        watch_pulls(Deployment("web", metadata={"name": "web"}, spec=spec(**more)))

    (workload,) = declared(program)[WATCH]["workloads"]
    assert workload["images"] == ["busybox", "ghcr.io/a/models:1", IMAGE]
    assert "namespace" not in workload


def test_a_workload_that_pulumi_names_is_watched_by_the_start_of_its_name() -> None:
    def program() -> None:
        watch_pulls(Deployment("web", metadata={"namespace": "shop"}, spec=spec()))

    assert declared(program)[WATCH]["workloads"] == [{**WEB, "autoNamed": True}]


def test_a_manifest_is_watched() -> None:
    manifest = {"kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"}, "spec": spec()}
    assert declared(lambda: watch_pulls(manifest))[WATCH]["workloads"] == [WEB]


def test_what_the_program_declares_after_the_transform_is_watched() -> None:
    def program() -> None:
        pulls = explicit_image_pulls()
        k8s.apps.v1.Deployment("web", metadata={"name": "web", "namespace": "shop"}, spec=spec())
        k8s.core.v1.ConfigMap("settings", data={})
        watch_pulls(pulls)

    assert declared(program)[WATCH]["workloads"] == [WEB]


def test_an_image_that_is_not_known_yet_leaves_the_watch_open() -> None:
    def program() -> None:
        watch_pulls(Deployment("web", image=unknown(), namespace="shop"))

    assert declared(program, preview=True)[WATCH]["workloads"] == NOT_KNOWN


def test_an_image_that_is_a_secret_is_not_watched() -> None:
    def program() -> None:
        watch_pulls(
            Deployment("web", image=IMAGE, namespace="shop"),
            Deployment("hidden", image=pulumi.Output.secret("ghcr.io/a/hidden:1"), namespace="shop"),
        )

    assert declared(program)[WATCH]["workloads"] == [WEB]


def test_the_watch_waits_for_the_access_and_not_for_the_workloads() -> None:
    waits_for: list[str] = []

    def program() -> None:
        access = RegistryAccess("pull", registries=[{"host": "ghcr.io"}], namespaces=["shop"])
        web = Deployment("web", image=IMAGE, namespace="shop", access=access)
        original = pulumi.CustomResource.__init__

        def note(self: Any, kind: str, name: str, props: Any = None, opts: Any = None, *more: Any) -> None:
            waits_for.extend(each._name for each in opts.depends_on or [])
            original(self, kind, name, props, opts, *more)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(pulumi.CustomResource, "__init__", note)
            watch_pulls(web)

    declared(program)
    assert waits_for == ["pull"]


def test_nothing_to_watch_declares_nothing() -> None:
    assert WATCH not in declared(watch_pulls)


@pytest.mark.parametrize(
    ("wrong", "wanted"),
    [
        ({"kind": "Rollout"}, "kind is 'Rollout'; write the kind of a workload: Deployment, "),
        ("web", "str tells its images only once it is rolled out; pass a workload of imagepull.components"),
    ],
)
def test_what_tells_no_images_is_refused_with_what_to_pass(wrong: Any, wanted: str) -> None:
    with pytest.raises(pulumi.RunError, match=wanted):
        watch_pulls(wrong)


def test_a_plain_kubernetes_resource_is_refused_with_what_to_pass() -> None:
    def program() -> None:
        web: Any = k8s.apps.v1.Deployment("web", spec=spec())
        with pytest.raises(pulumi.RunError, match="Deployment tells its images only once it is rolled out"):
            watch_pulls(web)

    declared(program)
