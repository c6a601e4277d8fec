"""The workload components: what they declare from each way of writing a workload, and what they refuse."""

import asyncio
from collections.abc import Callable
from typing import Any

import pulumi
import pulumi_kubernetes as k8s
import pytest

import components
from components import Deployment, RegistryAccess, image_pull_plan
from imagepull.images.rules import Rules
from tests.pulumi_mocks import NOT_KNOWN, declared, unknown

DEPLOYMENT = "kubernetes:apps/v1:Deployment"
HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
IMAGE_NOW, IMAGE_LATER = "now", "later"
IMAGE = f"{HOST}/shop/web:1.0"


def access() -> RegistryAccess:
    return RegistryAccess("pull", registries=[{"host": HOST}], namespaces=["shop"])


def container_of(resources: dict[tuple[str, str], Any], name: str = "web") -> Any:
    return resources[DEPLOYMENT, name]["spec"]["template"]["spec"]["containers"][0]


# The same workload in every spelling that pulumi_kubernetes takes.
def with_args_classes() -> None:
    Deployment(
        "web",
        k8s.apps.v1.DeploymentInitArgs(
            metadata=k8s.meta.v1.ObjectMetaArgs(namespace="shop"),
            spec=k8s.apps.v1.DeploymentSpecArgs(
                selector=k8s.meta.v1.LabelSelectorArgs(match_labels={"image_pull_policy": "a label"}),
                template=k8s.core.v1.PodTemplateSpecArgs(
                    metadata=k8s.meta.v1.ObjectMetaArgs(labels={"image_pull_policy": "a label"}),
                    spec=k8s.core.v1.PodSpecArgs(
                        containers=[k8s.core.v1.ContainerArgs(name="web", image=IMAGE)],
                        init_containers=[
                            k8s.core.v1.ContainerArgs(name="init", image="busybox", image_pull_policy="Never")
                        ],
                        image_pull_secrets=[k8s.core.v1.LocalObjectReferenceArgs(name="theirs")],
                        host_ipc=False,
                    ),
                ),
            ),
        ),
        access=access(),
    )


def with_pythons_names() -> None:
    Deployment(
        "web",
        metadata={"namespace": "shop"},
        spec={
            "selector": {"match_labels": {"image_pull_policy": "a label"}},
            "template": {
                "metadata": {"labels": {"image_pull_policy": "a label"}},
                "spec": {
                    "containers": [{"name": "web", "image": IMAGE}],
                    "init_containers": [{"name": "init", "image": "busybox", "image_pull_policy": "Never"}],
                    "image_pull_secrets": [{"name": "theirs"}],
                    "host_ipc": False,
                },
            },
        },
        access=access(),
    )


def with_the_apis_names(wrap: Callable[[Any], Any] = lambda value: value) -> None:
    Deployment(
        "web",
        {
            "metadata": wrap({"namespace": wrap("shop")}),
            "spec": wrap(
                {
                    "selector": {"matchLabels": {"image_pull_policy": "a label"}},
                    "template": wrap(
                        {
                            "metadata": {"labels": {"image_pull_policy": "a label"}},
                            "spec": wrap(
                                {
                                    "containers": wrap([wrap({"name": wrap("web"), "image": wrap(IMAGE)})]),
                                    "initContainers": [
                                        {"name": "init", "image": "busybox", "imagePullPolicy": wrap("Never")}
                                    ],
                                    "imagePullSecrets": wrap([wrap({"name": wrap("theirs")})]),
                                    "hostIPC": wrap(False),
                                }
                            ),
                        }
                    ),
                }
            ),
        },
        access=access(),
    )


async def soon(value: Any) -> Any:
    await asyncio.sleep(0)
    return value


@pytest.mark.parametrize(
    "program",
    [
        with_args_classes,
        with_pythons_names,
        with_the_apis_names,
        lambda: with_the_apis_names(pulumi.Output.from_input),
        lambda: with_the_apis_names(lambda value: pulumi.Output.from_input(value).apply(pulumi.Output.from_input)),
        lambda: with_the_apis_names(lambda value: asyncio.ensure_future(soon(value))),
    ],
    ids=["args classes", "Python's names", "the API's names", "Outputs", "Outputs of Outputs", "awaitables"],
)
def test_every_spelling_of_pulumi_kubernetes_gives_the_same(program: Callable[[], None]) -> None:
    resources = declared(program)

    assert resources[DEPLOYMENT, "web"] == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"namespace": "shop"},
        "spec": {
            "selector": {"matchLabels": {"image_pull_policy": "a label"}},
            "template": {
                "metadata": {"labels": {"image_pull_policy": "a label"}},
                "spec": {
                    "containers": [{"name": "web", "image": IMAGE, "imagePullPolicy": "IfNotPresent"}],
                    "initContainers": [{"name": "init", "image": "busybox", "imagePullPolicy": "Never"}],
                    "imagePullSecrets": [{"name": "theirs"}, {"name": "pull"}],
                    "hostIPC": False,
                },
            },
        },
    }


def test_short_form_is_a_whole_restricted_deployment() -> None:
    resources = declared(
        lambda: Deployment(
            "web",
            image=IMAGE,
            port=8080,
            replicas=2,
            namespace="shop",
            command=["/bin/web"],
            arguments=["--verbose"],
            env={"A": "1", "B": pulumi.Output.from_input("2")},
            resources={"limits": {"memory": "64Mi"}},
            service_account_name="builder",
            access=access(),
        )
    )

    labels = {"app.kubernetes.io/name": "web"}
    answers = {"tcpSocket": {"port": 8080}}
    assert resources[DEPLOYMENT, "web"] == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web", "namespace": "shop", "labels": labels},
        "spec": {
            "replicas": 2,
            "selector": {"matchLabels": labels},
            "template": {
                "metadata": {"labels": labels},
                "spec": {
                    "serviceAccountName": "builder",
                    "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
                    "imagePullSecrets": [{"name": "pull"}],
                    "containers": [
                        {
                            "name": "web",
                            "image": IMAGE,
                            "imagePullPolicy": "IfNotPresent",
                            "command": ["/bin/web"],
                            "args": ["--verbose"],
                            "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "2"}],
                            "resources": {"limits": {"memory": "64Mi"}},
                            "ports": [{"containerPort": 8080}],
                            "startupProbe": {**answers, "periodSeconds": 2, "failureThreshold": 150},
                            "readinessProbe": {**answers, "periodSeconds": 5},
                            "livenessProbe": {**answers, "periodSeconds": 10},
                            "securityContext": {
                                "allowPrivilegeEscalation": False,
                                "capabilities": {"drop": ["ALL"]},
                            },
                        }
                    ],
                },
            },
        },
    }


def test_ways_out_of_the_short_forms_defaults() -> None:
    resources = declared(lambda: Deployment("web", image=IMAGE, port=80, probes=False, restricted=False))

    assert container_of(resources) == {
        "name": "web",
        "image": IMAGE,
        "imagePullPolicy": "IfNotPresent",
        "ports": [{"containerPort": 80}],
    }
    assert "securityContext" not in resources[DEPLOYMENT, "web"]["spec"]["template"]["spec"]


def test_short_form_keeps_given_metadata() -> None:
    resources = declared(
        lambda: Deployment(
            "web", image=IMAGE, metadata={"name": "site", "labels": {"team": "a"}, "annotations": {"b": "c"}}
        )
    )

    assert resources[DEPLOYMENT, "web"]["metadata"] == {
        "name": "site",
        "labels": {"app.kubernetes.io/name": "web", "team": "a"},
        "annotations": {"b": "c"},
    }


@pytest.mark.parametrize(
    ("kind", "type_", "extra"),
    [
        ("Pod", "kubernetes:core/v1:Pod", {}),
        ("Deployment", DEPLOYMENT, {}),
        ("StatefulSet", "kubernetes:apps/v1:StatefulSet", {}),
        ("DaemonSet", "kubernetes:apps/v1:DaemonSet", {}),
        ("Job", "kubernetes:batch/v1:Job", {}),
        ("CronJob", "kubernetes:batch/v1:CronJob", {"schedule": "0 3 * * *"}),
    ],
)
def test_each_kind_declares_the_kubernetes_resource(kind: str, type_: str, extra: dict[str, Any]) -> None:
    resources = declared(lambda: getattr(components, kind)("app", image="nginx", access=access(), **extra))

    assert [type_ for type_, name in resources if name == "app"] == [type_], "one resource, as without us"
    spec = resources[type_, "app"]["spec"]
    if kind == "StatefulSet":
        assert spec["serviceName"] == "app"
    if kind == "CronJob":
        assert spec["schedule"] == "0 3 * * *"
        spec = spec["jobTemplate"]["spec"]
    pod_spec = spec if kind == "Pod" else spec["template"]["spec"]
    assert pod_spec["containers"][0]["imagePullPolicy"] == "Always"
    assert pod_spec["imagePullSecrets"] == [{"name": "pull"}]
    assert pod_spec.get("restartPolicy") == ("Never" if kind in ("Job", "CronJob") else None)


def test_component_is_the_resource_of_pulumi_kubernetes() -> None:
    seen: list[Any] = []

    def program() -> None:
        web = Deployment("web", image="nginx", namespace="shop")
        assert isinstance(web, k8s.apps.v1.Deployment)
        pulumi.Output.all(web.metadata.namespace, web.spec.template.spec.containers[0].image_pull_policy).apply(
            seen.extend
        )

    declared(program)

    assert seen == ["shop", "Always"]


def test_unknown_image_leaves_its_policy_unknown_and_the_rest_readable() -> None:
    resources = declared(
        lambda: Deployment("web", image=unknown(), port=8080, env={"A": unknown()}, access=access()), preview=True
    )

    container = container_of(resources)
    assert (container["image"], container["imagePullPolicy"]) == (NOT_KNOWN, NOT_KNOWN)
    assert container["ports"] == [{"containerPort": 8080}]
    assert container["env"] == [{"name": "A", "value": NOT_KNOWN}]


def test_unknown_elsewhere_leaves_the_policy_known() -> None:
    resources = declared(
        lambda: Deployment("web", image="nginx", namespace=unknown(), env={"A": unknown()}), preview=True
    )

    assert container_of(resources)["imagePullPolicy"] == "Always"


@pytest.mark.parametrize("wrap", [list, pulumi.Output.from_input])
def test_pods_name_the_given_pull_secrets(wrap: Callable[[list[str]], Any]) -> None:
    resources = declared(lambda: Deployment("web", image="nginx", image_pull_secrets=wrap(["pull", "theirs"])))

    pod = resources[DEPLOYMENT, "web"]["spec"]["template"]["spec"]
    assert pod["imagePullSecrets"] == [{"name": "pull"}, {"name": "theirs"}]


def test_resolved_images_tell_policy_and_reason() -> None:
    seen: list[Any] = []
    declared(lambda: Deployment("web", image="nginx", namespace="shop").resolved_images.apply(seen.extend))

    assert seen == [
        {
            "workload": "Deployment/web",
            "namespace": "shop",
            "container": "web",
            "image": "nginx",
            "policy": "Always",
            "reason": "no tag means latest",
            "path": "spec.template.spec.containers[0]",
        }
    ]


def test_plan_is_printed_once_with_what_is_known(
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")

    def program() -> pulumi.Output[Any]:
        known = Deployment("web", image="nginx", namespace="shop")
        not_known = Deployment("api", image=unknown())
        secret = Deployment("hidden", image=pulumi.Output.secret("registry.example.com/hidden:1"))
        return image_pull_plan(known, not_known, secret)

    declared(program, preview=True)

    (printed,) = [record.getMessage() for record in caplog.records if "Image pull plan" in record.getMessage()]
    assert "shop/Deployment/web  web" in printed
    assert "Deployment/api" in printed
    assert "(known after up)" in printed
    assert "hidden" not in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "neither image nor spec"),
        ({"image": "nginx", "rules": "strict"}, "rules are no rules; write imagepull.images.rules.Rules, or a mapping"),
        ({"image": "nginx", "prot": 80}, "no argument prot \\(is port meant\\?\\)"),
        ({"image": "nginx", "spec": {}}, "image beside spec"),
        ({"spec": {}, "port": 80}, "port beside spec"),
        ({"image": "nginx", "image_pull_policy": "always"}, "unknown pull policy 'always'"),
        ({"image": pulumi.Output.from_input("nginx"), "image_pull_policy": "always"}, "^Deployment/web: unknown pull"),
        (
            {"image": "nginx", "access": "one"},
            "^Deployment/web: access is 'one'; pass a RegistryAccess or an AccessReference, or name a Secret that is"
            " there already: image_pull_secrets=\\['...'\\]$",
        ),
        ({"image": "nginx", "env": ["MODE"]}, "env: is a list; write a mapping"),
        ({"image": "nginx", "access": "one", "image_pull_secrets": ["two"]}, "image_pull_secrets beside access"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(pulumi.RunError, match=message):
        declared(lambda: Deployment("web", **arguments))


def test_cron_job_without_a_schedule_is_refused() -> None:
    with pytest.raises(pulumi.RunError, match="no schedule: write when to run"):
        declared(lambda: components.CronJob("job", image="nginx"))


@pytest.mark.parametrize("image", [IMAGE_NOW, IMAGE_LATER], ids=["known", "an Output"])
def test_image_against_a_rule_keeps_the_workload_from_being_declared(
    image: str, caplog: pytest.LogCaptureFixture
) -> None:
    def program() -> None:
        given: Any = "nginx" if image is IMAGE_NOW else pulumi.Output.from_input("nginx")
        for name in ("web", "api"):
            Deployment(name, image=given, namespace="shop", rules=Rules(forbid_latest=True))

    resources: dict[tuple[str, str], Any] = {}
    with pytest.raises(pulumi.RunError, match="images against the rules"):
        declared(program, into=resources)

    assert not [type_ for type_, _ in resources if type_.startswith("kubernetes:")]
    told = [record.getMessage() for record in caplog.records if "forbidLatest" in record.getMessage()]
    assert len(told) == 2 or image is not IMAGE_NOW
    assert "shop/Deployment/web, container web, image nginx" in "".join(told)


def test_image_that_keeps_the_rules_is_declared() -> None:
    resources = declared(lambda: Deployment("web", image="nginx:1", rules=Rules(forbid_latest=True)))

    assert container_of(resources)["image"] == "nginx:1"
