"""A stack's configuration: every problem of it at once, each with its path and what to write; and its schema."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from imagepull.errors import InvalidInput
from imagepull.stack_config.reader import parse, read
from tests.unit.stack_config.config_examples import CHECKOUT, HOST, PROJECT, STACKS, config, workload

KINDS = "Deployment, Pod, StatefulSet, DaemonSet, Job, CronJob"


def problems(**values: Any) -> list[str]:
    with pytest.raises(InvalidInput) as raised:
        parse(config(**values))
    return [str(problem) for problem in raised.value.problems]


def as_pulumi_passes(file: Path) -> dict[str, str]:
    """A file's configuration as Pulumi hands it to the program, each secret decrypted to some text."""

    def decrypted(value: Any) -> Any:
        if isinstance(value, Mapping):
            return "decrypted" if value.keys() == {"secure"} else {key: decrypted(each) for key, each in value.items()}
        return [decrypted(each) for each in value] if isinstance(value, list) else value

    values = yaml.safe_load(file.read_text())["config"]
    return {key: value if isinstance(value, str) else json.dumps(decrypted(value)) for key, value in values.items()}


@pytest.mark.parametrize("file", STACKS, ids=lambda path: path.stem)
def test_every_stack_file_is_right(file: Path) -> None:
    assert read(as_pulumi_passes(file), PROJECT).workloads


def test_there_is_a_file_for_every_environment() -> None:
    assert [file.stem for file in STACKS] == ["Pulumi.dev", "Pulumi.local", "Pulumi.prod", "Pulumi.staging"]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"registrys": []}, "registrys: is no input here; is registries meant?"),
        ({"registries": []}, "registries: is missing; write a list of at least one"),
        ({"registries": [{"host": "ghcr.io"}]}, "registries[0].host: is ghcr.io, which is not ECR; give username and"),
        ({"registries": [{"hots": "ghcr.io", "host": HOST}]}, "registries[0].hots: is no input here; is host meant?"),
        ({"registries": [{"host": HOST}] * 2}, "registries[1].host: opens the same registry as registries[0].host"),
        ({"registries": [{"host": HOST, "roleArn": "pull"}]}, "registries[0].roleArn: is 'pull'; write a role's ARN"),
        ({"namespaces": []}, "namespaces: is empty; write a list of at least one"),
        ({"namespaces": ["shop"]}, "namespaces[0]: is 'shop'; write a mapping"),
        ({"namespaces": [{"name": "Shop"}]}, "namespaces[0].name: is 'Shop'; write a namespace's name"),
        ({"namespaces": [{"name": "shop"}, {"name": "shop"}]}, "namespaces[1]: is shop a second time"),
        (
            {"namespaces": [{"name": "shop", "creat": True}]},
            "namespaces[0].creat: is no input here; is create meant?",
        ),
        ({"namespaces": [{"name": "shop", "create": "yes"}]}, "namespaces[0].create: is 'yes'; write true or false"),
        ({"cronJob": {}}, "cronJob: is for renewal: cronJob; write that, or leave it out"),
        ({"externalSecrets": {}}, "externalSecrets: is for renewal: externalSecrets; write that, or leave it out"),
        (
            {"renewal": "cronJob", "cronJob": {"schedule": "61 * * * *", "scope": "world", "nonsense": "x"}},
            "cronJob.nonsense: is no input here|cronJob.schedule: has '61' as its minute"
            "|cronJob.scope: is 'world'; write one of namespaces, cluster",
        ),
        ({"renewal": "never"}, "renewal: is 'never'; write one of pulumi, cronJob, externalSecrets, external"),
        ({"refreshBefore": "soon"}, "refreshBefore: is 'soon'; write a duration"),
        ({"serviceAccounts": "default"}, "serviceAccounts: is 'default'; write a list"),
        ({"adopt": "true"}, "adopt: is 'true'; write true or false"),
        ({"labels": {"team": "a b"}}, "labels[\"team\"]: is 'a b'; write a label's value"),
        ({"workloads": {"web": {}}}, "workloads: is a mapping; write a list"),
        ({"workloads": [workload(kind="Deploy")]}, "workloads[0].kind: is 'Deploy'; write one of Deployment, Pod,"),
        ({"workloads": [workload(namespace="tools")]}, "workloads[0].namespace: is 'tools', which is not among"),
        ({"workloads": [workload(image=None)]}, "workloads[0].image: is missing; write a text such as '1234"),
        ({"workloads": [workload(image="shop/Web")]}, "workloads[0].image: image reference 'shop/Web': "),
        ({"workloads": [workload(imagePullPolicy="always")]}, "workloads[0].imagePullPolicy: is 'always'; write one"),
        ({"workloads": [workload(port=0)]}, "workloads[0].port: is 0; write a whole number from 1 to 65535"),
        ({"workloads": [workload(port=True)]}, "workloads[0].port: is true; write a whole number"),
        ({"workloads": [workload(port="8080")]}, "workloads[0].port: is '8080'; write a whole number"),
        ({"workloads": [workload(kind="Pod", replicas=2)]}, "workloads[0].replicas: is not for a Pod"),
        (
            {"workloads": [workload(schedule="* * * * *")]},
            "workloads[0].schedule: is not for a Deployment; leave it out",
        ),
        (
            {"workloads": [workload(kind="CronJob")]},
            "workloads[0].schedule: is missing; a CronJob needs one: write when",
        ),
        (
            {"workloads": [workload(kind="CronJob", schedule="3 o'clock")]},
            'workloads[0].schedule: is "3 o\'clock", which has 2 fields instead of five',
        ),
        (
            {"workloads": [workload(kind="CronJob", schedule="0 24 * * *")]},
            "workloads[0].schedule: is '0 24 * * *', which has '24' as its hour, which may be from 0 to 23; write",
        ),
        ({"workloads": [workload(command="sleep")]}, "workloads[0].command: is 'sleep'; write a list"),
        ({"workloads": [workload(env=["A"])]}, "workloads[0].env: is a list; write a mapping"),
        ({"workloads": [workload(env={"PORT": 8080})]}, 'workloads[0].env["PORT"]: is 8080; write a text in quotes'),
        ({"workloads": [workload(resources={"limit": {}})]}, "workloads[0].resources.limit: is no input here; is lim"),
        ({"workloads": [workload(), workload()]}, "workloads[1]: is Deployment web a second time"),
        (
            {"workloads": ["web", workload(), workload()]},
            "workloads[0]: is 'web'; write a mapping|workloads[2]: is Depl",
        ),
        ({"namespaces": [{}, {}, {"name": "shop"}]}, "namespaces[0].name: is missing|namespaces[1].name: is missing"),
        ({"rules": []}, "rules: is a list; write a mapping"),
        ({"rules": {"forbidLatests": True}}, "rules.forbidLatests: is no input here; is forbidLatest meant?"),
        ({"rules": {"mutableTagPolicy": "Never"}}, "rules.mutableTagPolicy: is 'Never'; write one of Always, error"),
        ({"rules": {"exceptions": [{"reason": "x", "rules": ["all"]}]}}, "rules.exceptions[0].rules[0]: is 'all'"),
        ({"rules": {"exceptions": [{}]}}, "rules.exceptions[0].reason: is missing; write a text"),
        ({"cluster": {"output": "kubeconfig"}}, "cluster.stack: is missing; write a text such as 'organization/"),
        ({"verify": "registry"}, "verify: is 'registry'; write one of off, warning, error"),
        ({"verify": "error", "platforms": ["arm64"]}, "platforms[0]: is 'arm64'; write a platform such as 'linux/am"),
        ({"verify": "error", "largestImage": "2 GB"}, "largestImage: is '2 GB'; write a size in bytes such as '2Gi'"),
        ({"largestImage": "2Gi"}, "largestImage: is for verify, which is off; write verify: warning, or leave"),
        ({"platforms": ["linux/arm64"]}, "platforms: is for verify, which is off; write verify: warning, or leave"),
        ({"cluster": "prod"}, "cluster: is 'prod'; write a mapping"),
    ],
)
def test_problem_is_told_with_its_path_and_what_to_write(values: dict[str, Any], told: str) -> None:
    assert [
        problem[: len(text)] for problem, text in zip(problems(**values), told.split("|"), strict=True)
    ] == told.split("|")


@pytest.mark.parametrize(
    ("values", "told"),
    [
        # No mistake follows from another.
        ({"namespaces": [{"name": "Shop"}], "workloads": [workload()]}, ["namespaces[0].name: is 'Shop'; write a"]),
        (
            {"namespaces": ["shop"], "workloads": [workload()]},
            ["namespaces[0]: is 'shop'; write a mapping: {name: shop}"],
        ),
        ({"namespaces": "shop", "workloads": [workload()]}, ["namespaces: is 'shop'; write a list"]),
        (
            {"namespaces": [{"nmae": "shop"}], "workloads": [workload()]},
            ["namespaces[0].nmae: is no input here; is name"],
        ),
        (
            {"workloads": [workload(kind="Deploymnet", replicas=2, schedule="* * * * *")]},
            [f"workloads[0].kind: is 'Deploymnet'; write one of {KINDS}; is D"],
        ),
        (
            {"workloads": [workload(kind="cronjob", schedule="* * * * *")]},
            [f"workloads[0].kind: is 'cronjob'; write one of {KINDS}; is C"],
        ),
        (
            {"workloads": [workload(knid="CronJob", schedule="* * * * *")]},
            ["workloads[0].knid: is no input here; is kind meant?"],
        ),
        (
            {"registries": [{"host": "ghcr.io", "username": "a", "passwort": "b"}]},
            ["registries[0].passwort: is no input here; is password meant?"],
        ),
        ({"registries": [{"hots": HOST}]}, ["registries[0].hots: is no input here; is host meant?"]),
        ({"registries": [HOST]}, [f"registries[0]: is '{HOST}'; write a mapping: {{host: {HOST}}}"]),
        # Keys without a value.
        ({"workloadz": ""}, ["workloadz: is no input here; is workloads meant?"]),
        ({"workloads": [workload(prot=None)]}, ["workloads[0].prot: is no input here; is port meant?"]),
        (
            {"workloads": [{**workload(), "port:8080": None}]},
            ["workloads[0].port:8080: is no input here; write a space after the colon: 'port: 8080'"],
        ),
        (
            {"registries": [{"host": HOST, "rolArn": None}]},
            ["registries[0].rolArn: is no input here; is roleArn meant?"],
        ),
        ({"rules": {"forbidLast": None}}, ["rules.forbidLast: is no input here; is forbidLatest meant?"]),
        ({"workloads": [workload(env={"A": None})]}, ['workloads[0].env["A"]: is empty; write a text in quotes']),
    ],
)
def test_each_mistake_is_reported_once_with_what_is_meant(values: dict[str, Any], told: list[str]) -> None:
    assert [problem[: len(text)] for problem, text in zip(problems(**values), told, strict=True)] == told


def test_known_key_without_a_value_is_as_good_as_none() -> None:
    with_empty = config(rules=None, verify=None, workloads=[workload(port=None, env=None)])

    assert parse(with_empty) == parse(config(workloads=[workload()]))


def test_all_problems_are_told_at_once_in_the_order_of_their_paths() -> None:
    told = problems(
        secret="x",
        registries=[{"host": "ghcr.io"}],
        namespaces=[{"name": "A"}, {"name": "c"}],
        workloads=[*[workload(name=f"web-{i}", port=0) for i in range(10)], workload(namespace="b", port="x")],
    )

    paths = [problem.partition(":")[0] for problem in told]
    assert paths == [
        "namespaces[0].name",
        "registries[0].host",
        "secret",
        *[f"workloads[{i}].port" for i in range(11)],
    ]


@pytest.mark.parametrize("registry", [{"host": "ghcr.io", "username": "a"}, {"host": HOST, "username": "a"}, {}])
def test_no_problem_shows_a_password(registry: dict[str, Any]) -> None:
    for password in ("geheim", ["geheim"], {"secure": "geheim"}, "geheim\x00"):
        told = problems(registries=[{**registry, "password": password, "hots": "x"}])

        assert "geheim" not in "".join(told)


def test_read_takes_the_projects_keys_and_tells_their_whole_name() -> None:
    right = {"shop:registries": json.dumps([{"host": HOST}]), "shop:namespaces": '[{"name": "shop"}]'}

    environment = read({**right, "aws:region": "eu-west-1", "shop:adopt": "true", "shop:secretName": "pull"}, "shop")
    with pytest.raises(InvalidInput) as raised:
        read({**right, "shop:adopted": "true"}, "shop")

    assert (environment.adopt, environment.secret_name) == (True, "pull")
    assert [problem.path for problem in raised.value.problems] == ["shop:adopted"]


def test_text_that_is_no_json_is_told_without_showing_it() -> None:
    with pytest.raises(InvalidInput) as raised:
        read({"shop:registries": '[{"host": "ghcr.io", "password": "geheim"', "shop:namespaces": "[]"}, "shop")

    assert [str(problem).partition(";")[0] for problem in raised.value.problems] == [
        "shop:namespaces: is empty",
        "shop:registries: is no JSON",
    ]


def test_pydantic_is_not_loaded_before_a_configuration_is_read() -> None:
    code = "import sys, components, imagepull.cli, imagepull.stack_config.reader; sys.exit('pydantic' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, check=False).returncode == 0


@pytest.mark.parametrize(
    ("others", "told"),
    [
        ({"kubernetes:context": "dev"}, ["imagepull:context: is not what kubernetes:context is"]),
        ({"imagepull:context": "dev", "kubernetes:context": "prod"}, ["imagepull:context: is not what"]),
        ({"imagepull:kubeconfig": "geheim"}, ["imagepull:kubeconfig: is not what kubernetes:kubeconfig is"]),
        (
            {"imagepull:context": "dev", "kubernetes:context": "dev", "shop:cluster": '{"stack": "a/b/c"}'},
            ["imagepull:context: is not used where cluster", "kubernetes:context: is not used where cluster"],
        ),
        (
            {"imagepull:clusterIdentifier": "a"},
            ["imagepull:clusterIdentifier: is not what kubernetes:clusterIdentifier"],
        ),
        (
            {"imagepull:clusterIdentifier": "a", "shop:cluster": '{"stack": "a/b/c"}'},
            ["imagepull:clusterIdentifier: is not used where cluster names a stack; write it under cluster"],
        ),
    ],
)
def test_secrets_and_workloads_go_to_one_cluster(others: dict[str, str], told: list[str]) -> None:
    right = {"shop:registries": json.dumps([{"host": HOST}]), "shop:namespaces": '[{"name": "shop"}]'}

    with pytest.raises(InvalidInput) as raised:
        read({**right, **others}, "shop")

    assert [str(problem)[: len(text)] for problem, text in zip(raised.value.problems, told, strict=True)] == told
    assert "geheim" not in str(raised.value)
