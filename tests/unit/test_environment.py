"""A stack's configuration: what it comes to, and every problem of it at once with its path."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from imagepull.environment import Namespace, parse
from imagepull.errors import InvalidInput
from imagepull.rules import MutableTagPolicy, RuleName

STACKS = Path(__file__).parents[2] / "stacks"
HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"


def config(**values: Any) -> dict[str, Any]:
    return {"registries": [{"host": HOST}], "namespaces": [{"name": "shop"}], **values}


def problems(**values: Any) -> list[str]:
    with pytest.raises(InvalidInput) as raised:
        parse(config(**values))
    return [str(problem) for problem in raised.value.problems]


def workload(**fields: Any) -> dict[str, Any]:
    return {"name": "web", "namespace": "shop", "image": "nginx", **fields}


@pytest.mark.parametrize("stack", sorted(STACKS.glob("Pulumi.*.yaml")), ids=lambda path: path.stem)
def test_every_stack_file_is_right(stack: Path) -> None:
    values = yaml.safe_load(stack.read_text())["config"]

    own = {key.removeprefix("private-images:"): value for key, value in values.items() if key.startswith("private-")}

    assert parse(own).workloads


def test_least_configuration() -> None:
    environment = parse(config(workloads=[], rules={"exceptions": []}))

    assert environment.namespaces == (Namespace(name="shop", create=False),)
    assert environment.access == {"registries": [{"host": HOST}], "namespaces": ["shop"]}
    assert environment.workloads == ()
    assert environment.rules.exceptions == ()


def test_access_has_what_is_configured() -> None:
    access = parse(
        config(serviceAccounts=["default", "builder"], secretName="pull", refreshBefore="6h", renewal="pulumi")
    ).access

    assert access["service_accounts"] == ["default", "builder"]
    assert (access["secret_name"], access["refresh_before"], access["renewal"]) == ("pull", "6h", "pulumi")


def test_workload_becomes_the_components_arguments() -> None:
    (web,) = parse(
        config(
            workloads=[workload(port=8080, replicas=2, imagePullPolicy="Never", serviceAccountName="x", env={"A": "b"})]
        )
    ).workloads

    assert (web.kind, web.name) == ("Deployment", "web")
    assert web.arguments == {
        "namespace": "shop",
        "image": "nginx",
        "image_pull_policy": "Never",
        "port": 8080,
        "replicas": 2,
        "env": {"A": "b"},
        "service_account_name": "x",
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


@pytest.mark.parametrize(
    ("values", "path"),
    [
        ({"registrys": []}, "registrys: is no input here; is registries meant?"),
        ({"namespaces": [{"name": "Shop"}]}, "namespaces[0].name"),
        ({"namespaces": [{"name": "shop"}, {"name": "shop"}]}, "namespaces[1]: is shop a second time"),
        ({"namespaces": [{"name": "shop", "creat": True}]}, "namespaces[0].creat: is no input here; is create meant?"),
        ({"workloads": {"web": {}}}, "workloads"),
        ({"workloads": [workload(kind="Deploy")]}, "workloads[0].kind"),
        ({"workloads": [workload(namespace="tools")]}, "workloads[0].namespace: is 'tools'"),
        ({"workloads": [workload(image=None)]}, "workloads[0].image: is missing"),
        ({"workloads": [workload(imagePullPolicy="always")]}, "workloads[0].imagePullPolicy"),
        ({"workloads": [workload(port=0)]}, "workloads[0].port"),
        ({"workloads": [workload(port=True)]}, "workloads[0].port"),
        ({"workloads": [workload(kind="Pod", replicas=2)]}, "workloads[0].replicas: is not for a Pod"),
        ({"workloads": [workload(schedule="* * * * *")]}, "workloads[0].schedule: is for a CronJob"),
        ({"workloads": [workload(kind="CronJob")]}, "workloads[0].schedule: is for a CronJob"),
        ({"workloads": [workload(command="sleep")]}, "workloads[0].command"),
        ({"workloads": [workload(env=["A"])]}, "workloads[0].env"),
        ({"workloads": [workload(), workload()]}, "workloads[1]: is Deployment web a second time"),
        ({"rules": []}, "rules"),
        ({"rules": {"forbidLatests": True}}, "rules.forbidLatests: is no input here; is forbidLatest meant?"),
        ({"rules": {"mutableTagPolicy": "Never"}}, "rules.mutableTagPolicy"),
        ({"rules": {"exceptions": [{"reason": "x", "rules": ["all"]}]}}, "rules.exceptions[0].rules[0]: is 'all'"),
        ({"rules": {"exceptions": [{}]}}, "rules.exceptions[0].reason: is missing"),
    ],
)
def test_problem_is_told_with_its_path(values: dict[str, Any], path: str) -> None:
    (problem,) = problems(**values)

    assert problem.startswith(path)


def test_all_problems_are_told_at_once() -> None:
    told = problems(secret="x", namespaces=[{"name": "A"}], workloads=[workload(namespace="b", port="x")])

    assert [problem.partition(":")[0] for problem in told] == [
        "secret",
        "namespaces[0].name",
        "workloads[0].namespace",
        "workloads[0].port",
    ]
