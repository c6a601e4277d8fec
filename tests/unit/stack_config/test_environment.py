"""An environment, and what it comes to as arguments of the components."""

from typing import Any

import pytest

from imagepull.images.rules import MutableTagPolicy, RuleName
from imagepull.stack_config.environment import Namespace, Verify
from imagepull.stack_config.reader import parse

HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"


def config(**values: Any) -> dict[str, Any]:
    return {"registries": [{"host": HOST}], "namespaces": [{"name": "shop"}], **values}


def test_least_configuration() -> None:
    environment = parse(config(workloads=[], rules={"exceptions": []}))

    assert environment.namespaces == (Namespace(name="shop", create=False),)
    assert environment.access_arguments == {"registries": [{"host": HOST}], "namespaces": ["shop"]}
    assert environment.workloads == ()
    assert environment.rules.exceptions == ()
    assert environment.cluster is None


def test_access_has_what_is_configured() -> None:
    arguments = parse(
        config(
            registries=[
                {"host": HOST, "roleArn": "arn:aws:iam::123456789012:role/pull", "sessionName": "dev"},
                {"host": "ghcr.io", "username": "robot", "password": "geheim"},
            ],
            serviceAccounts=["default", "builder"],
            secretName="pull",
            refreshBefore="6h",
            renewal="external",
            labels={"team": "a"},
            annotations={"example.com/owner": "shop"},
            adopt=True,
        )
    ).access_arguments

    assert arguments == {
        "registries": [
            {"host": HOST, "roleArn": "arn:aws:iam::123456789012:role/pull", "sessionName": "dev"},
            {"host": "ghcr.io", "username": "robot", "password": "geheim"},
        ],
        "namespaces": ["shop"],
        "service_accounts": ["default", "builder"],
        "secret_name": "pull",
        "refresh_before": "6h",
        "renewal": "external",
        "labels": {"team": "a"},
        "annotations": {"example.com/owner": "shop"},
        "adopt": True,
    }


def test_repr_shows_no_password() -> None:
    environment = parse(config(registries=[{"host": "ghcr.io", "username": "robot", "password": "geheim"}]))

    assert "geheim" not in repr(environment)


def test_workload_becomes_the_components_arguments() -> None:
    (web,) = parse(
        config(
            workloads=[
                {
                    "name": "web",
                    "namespace": "shop",
                    "image": "nginx",
                    "port": 8080,
                    "replicas": 2,
                    "imagePullPolicy": "Never",
                    "serviceAccountName": "x",
                    "env": {"A": "b"},
                    "command": ["run"],
                    "resources": {"limits": {"memory": "64Mi"}},
                    "probes": False,
                }
            ]
        )
    ).workloads

    assert (web.kind, web.name) == ("Deployment", "web")
    assert web.component_arguments == {
        "namespace": "shop",
        "image": "nginx",
        "image_pull_policy": "Never",
        "port": 8080,
        "replicas": 2,
        "env": {"A": "b"},
        "command": ["run"],
        "resources": {"limits": {"memory": "64Mi"}},
        "service_account_name": "x",
        "probes": False,
    }


def test_rollout_timeout_becomes_pulumis_annotation_the_workloads_own_first() -> None:
    workloads = [
        {"name": "web", "namespace": "shop", "image": "nginx"},
        {"name": "db", "namespace": "shop", "image": "postgres", "rolloutTimeout": "1m30s"},
    ]
    environment = parse(config(workloads=workloads, rolloutTimeout="45s"))

    annotations = [each.component_arguments["metadata"]["annotations"] for each in environment.timed_workloads]
    assert annotations == [{"pulumi.com/timeoutSeconds": "45"}, {"pulumi.com/timeoutSeconds": "90"}]
    assert environment.longest_rollout == "1m30s"


def test_without_a_rollout_timeout_the_longest_is_pulumis_own() -> None:
    workloads = [{"name": "db", "namespace": "shop", "image": "postgres", "rolloutTimeout": "1m"}]
    web = {"name": "web", "namespace": "shop", "image": "nginx"}

    assert parse(config(workloads=[*workloads, web])).longest_rollout is None
    assert "metadata" not in parse(config(workloads=[web])).timed_workloads[0].component_arguments


def test_every_field_of_the_short_form_can_be_configured() -> None:
    from dataclasses import fields

    from components.short_form import SHORT_FORM_FIELDS
    from imagepull.stack_config.environment import WorkloadSpec

    assert {field.name for field in fields(WorkloadSpec)} == {
        *("kind", "name", "namespace", "rollout_timeout"),
        *SHORT_FORM_FIELDS,
    }


def test_rules_are_read() -> None:
    rules = parse(
        config(
            rules={
                "forbidLatest": True,
                "requireDigest": True,
                "forbidNever": True,
                "mutableTagPolicy": "Always",
                "allowedRegistries": [HOST],
                "exceptions": [{"reason": "old", "namespace": "shop", "rules": ["forbidLatest"]}],
            }
        )
    ).rules

    assert (rules.forbid_latest, rules.require_digest, rules.forbid_never) == (True, True, True)
    assert rules.mutable_tag_policy is MutableTagPolicy.ALWAYS
    assert rules.allowed_registries == (HOST,)
    (exception,) = rules.exceptions
    assert (exception.reason, exception.namespace, exception.workload) == ("old", "shop", "*")
    assert exception.rules == (RuleName.FORBID_LATEST,)


def test_cluster_of_another_stack() -> None:
    cluster = parse(config(cluster={"stack": "acme/infrastructure/prod"})).cluster

    assert cluster is not None
    assert (cluster.stack, cluster.output) == ("acme/infrastructure/prod", "kubeconfig")
    assert cluster.cluster_identifier is None
    named = parse(config(cluster={"stack": "acme/infrastructure/prod", "clusterIdentifier": "prod-1"})).cluster
    assert named is not None
    assert named.cluster_identifier == "prod-1"


def test_credentials_are_what_the_registries_say() -> None:
    ecr, ghcr = parse(
        config(
            registries=[
                {"host": HOST, "roleArn": "arn:aws:iam::123456789012:role/pull"},
                {"host": "ghcr.io", "username": "robot", "password": "geheim"},
            ]
        )
    ).credentials

    assert ecr.token is not None
    assert ecr.token.principal.role_arn == "arn:aws:iam::123456789012:role/pull"
    assert ghcr.fixed is not None
    assert ghcr.fixed.username == "robot"


def test_verification_is_off_unless_asked_for() -> None:
    assert parse(config()).verify is Verify.OFF
    asked = parse(config(verify="error", platforms=["linux/arm64"], largestImage="2Gi"))
    assert asked.platforms == ("linux/arm64",)
    assert parse(config()).largest_bytes is None


@pytest.mark.parametrize(("written", "size"), [("2Gi", 2 << 30), ("500M", 500_000_000), ("3k", 3000), ("7", 7)])
def test_a_size_is_written_as_kubernetes_does(written: str, size: int) -> None:
    assert parse(config(verify="error", largestImage=written)).largest_bytes == size
