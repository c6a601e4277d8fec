"""RegistryAccess: the Secret and the ServiceAccounts that it declares."""

from pathlib import Path
from typing import Any

import pulumi
import pytest

from components import Pod, RegistryAccess, explicit_image_pulls
from components.plan import ImagesSource
from components.resources import RegistrySecret
from imagepull.renewal import published_image
from tests.pulumi_mocks import declared, list_dependencies

SECRET = "imagepull:index:RegistrySecret"
ACCOUNTS = "imagepull:index:ServiceAccountImagePullSecrets"
HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"


def test_secret_and_default_service_account_in_every_namespace() -> None:
    resources = declared(lambda: RegistryAccess("pull", registries=[{"host": HOST}], namespaces=["a", "b"]))

    assert resources[SECRET, "pull"] == {"name": "pull", "registries": [{"host": HOST}], "namespaces": ["a", "b"]}
    assert resources[ACCOUNTS, "pull"] == {
        "secretNames": ["pull"],
        "namespaces": ["a", "b"],
        "serviceAccounts": ["default"],
    }


def test_everything_given_reaches_the_resources() -> None:
    resources = declared(
        lambda: RegistryAccess(
            "pull",
            {
                "registries": [{"host": HOST, "role_arn": "arn:aws:iam::123456789012:role/pull"}],
                "namespaces": pulumi.Output.from_input(["a"]),
                "service_accounts": ["default", "builder"],
                "secret_name": "registry",
                "refresh_before": "6h",
                "renewal": "external",
                "labels": {"team": "a"},
                "annotations": {"b": "c"},
                "adopt": True,
            },
        )
    )

    assert resources[SECRET, "pull"] == {
        "name": "registry",
        "registries": [{"host": HOST, "roleArn": "arn:aws:iam::123456789012:role/pull"}],
        "namespaces": ["a"],
        "refreshBefore": "6h",
        "renewal": "external",
        "labels": {"team": "a"},
        "annotations": {"b": "c"},
        "adopt": True,
    }
    assert resources[ACCOUNTS, "pull"]["secretNames"] == ["registry"]
    assert resources[ACCOUNTS, "pull"]["serviceAccounts"] == ["default", "builder"]


def test_no_service_accounts_means_none() -> None:
    resources = declared(
        lambda: RegistryAccess("pull", registries=[{"host": HOST}], namespaces=["a"], service_accounts=[])
    )

    assert (SECRET, "pull") in resources
    assert (ACCOUNTS, "pull") not in resources


def test_outputs_tell_what_a_workload_needs() -> None:
    seen: list[Any] = []

    def program() -> None:
        access = RegistryAccess("pull", registries=[{"host": HOST}], namespaces=["a"])
        pulumi.Output.all(access.image_pull_secrets, access.namespaces, access.hosts).apply(seen.extend)

    declared(program)

    assert seen == [["pull"], ["a"], ["registry.example.com"]]


@pytest.mark.parametrize(
    ("namespace", "names"), [("a", ["pull"]), ("other", []), (None, []), ("default", []), ("b", ["pull"])]
)
def test_secrets_are_named_where_they_are(namespace: str | None, names: list[str]) -> None:
    seen: list[Any] = []

    def program() -> None:
        plain = RegistryAccess("pull", registries=[{"host": HOST}], namespaces=["a", "b"])
        assert plain.secrets_in(namespace) == names
        later = RegistryAccess("pull", registries=[{"host": HOST}], namespaces=pulumi.Output.from_input(["a", "b"]))
        secrets: Any = later.secrets_in(pulumi.Output.from_input(namespace))
        secrets.apply(seen.append)

    declared(program)

    assert seen == [names]


def test_workload_without_a_namespace_is_in_default() -> None:
    def program() -> None:
        access = RegistryAccess("pull", registries=[{"host": HOST}], namespaces=["default"])
        assert access.secrets_in(None) == ["pull"]

    declared(program)


def test_unknown_argument_is_refused() -> None:
    arguments: dict[str, Any] = {"registries": [{"host": HOST}], "namespaces": ["a"], "namespace": "a"}

    with pytest.raises(pulumi.RunError, match="RegistryAccess pull: no argument namespace"):
        declared(lambda: RegistryAccess("pull", **arguments))


@pytest.mark.parametrize("missing", ["registries", "namespaces"])
def test_missing_argument_is_refused(missing: str) -> None:
    arguments: Any = {"registries": [{"host": HOST}], "namespaces": ["a"]}
    del arguments[missing]

    with pytest.raises(pulumi.RunError, match=f"RegistryAccess pull: {missing} is missing"):
        declared(lambda: RegistryAccess("pull", arguments))


ROLE = "arn:aws:iam::123456789012:role/pull"
CLUSTER_ROLE = "kubernetes:rbac.authorization.k8s.io/v1:ClusterRole"
BINDING = "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding"


def test_by_the_nodes_own_role_nothing_is_declared() -> None:
    resources = declared(lambda: RegistryAccess("pull", registries=[{"host": HOST}], namespaces=["a"], renewal="node"))

    assert {kind for kind, _ in resources} == {"imagepull:index:RegistryAccess"}


def test_by_a_role_accounts_are_annotated_and_kubelets_may_ask_for_their_tokens() -> None:
    def program(**fields: Any) -> None:
        given: Any = {"registries": [{"host": HOST}], "namespaces": ["a", "b"], "renewal": "node", **fields}
        given["node"] = {"role_arn": ROLE}
        RegistryAccess("pull", given)

    resources = declared(lambda: program(service_accounts=["*"]))

    assert (SECRET, "pull") not in resources
    # One resource for all namespaces, which takes the place of the one that lists a Secret.
    assert resources[ACCOUNTS, "pull"] == {"nodeRoleArn": ROLE, "namespaces": ["a", "b"], "serviceAccounts": ["*"]}
    assert (ACCOUNTS, "pull") not in declared(lambda: program(service_accounts=[]))
    (rule,) = resources[CLUSTER_ROLE, "pull-token-audience"]["rules"]
    assert rule["verbs"] == ["request-serviceaccounts-token-audience"]
    assert (BINDING, "pull-token-audience") in resources


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({}, r"cron_job\.image: is missing, and only a release .*; build one as docs/renewal\.md says, and name it$"),
        (
            {"cron_job": {"image": "r.example/x:1"}, "registries": [{"host": HOST, "profile": "dev"}]},
            r"registries\[0\]\.profile: is in a file on your machine.*write roleArn",
        ),
    ],
)
def test_what_a_cron_job_cannot_do_is_told(fields: dict[str, Any], told: str) -> None:
    given: Any = {"registries": [{"host": HOST}], "namespaces": ["a"], "renewal": "cronJob", **fields}
    with pytest.raises(pulumi.RunError, match=told):
        declared(lambda: RegistryAccess("pull", given))


def test_a_release_runs_its_own_image_by_digest(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    published = f"ghcr.io/acme/imagepull-renewer@sha256:{'0' * 64}"
    (tmp_path / published_image.FILE_NAME).write_text(f"{published}\n")
    monkeypatch.setattr(published_image, "files", lambda package: tmp_path)

    def image_of(**fields: Any) -> str:
        given: Any = {"registries": [{"host": HOST}], "namespaces": ["a"], "renewal": "cronJob", **fields}
        resources = declared(lambda: RegistryAccess("pull", given))
        (job,) = [inputs for (kind, _), inputs in resources.items() if kind == "kubernetes:batch/v1:CronJob"]
        (container,) = job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"]
        return str(container["image"])

    assert image_of() == published
    assert image_of(cron_job={"image": "r.example/x:1"}) == "r.example/x:1"


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"registries": [{"host": "ghcr.io", "username": "u", "password": "p"}]}, "RegistryAccess of its own"),
        ({"node": {"role_arn": "pull"}}, "node.roleArn: "),
        ({"secret_name": "x"}, "secret_name: is for a Secret"),
        ({"service_accounts": ["web"]}, "service_accounts: the node's own role opens"),
        ({"renewal": "pulumi", "node": {}}, "node: is for renewal 'node'"),
    ],
)
def test_what_a_node_cannot_do_is_told(fields: dict[str, Any], told: str) -> None:
    given: Any = {"registries": [{"host": HOST}], "namespaces": ["a"], "renewal": "node", **fields}
    with pytest.raises(pulumi.RunError, match=told):
        declared(lambda: RegistryAccess("pull", given))


def test_a_workload_with_access_by_the_node_names_no_secret() -> None:
    def program() -> None:
        access = RegistryAccess("pull", registries=[{"host": HOST}], namespaces=["a"], renewal="node")
        Pod("web", access=access, image=f"{HOST}/web:1", metadata={"namespace": "a"})

    spec = declared(program)["kubernetes:core/v1:Pod", "web"]["spec"]
    assert not spec.get("imagePullSecrets")


def test_accounts_depend_on_the_secret_and_a_workload_on_both() -> None:
    def program() -> None:
        access = RegistryAccess("pull", registries=[{"host": HOST}], namespaces=["a"])
        Pod("web", access=access, image=f"{HOST}/web:1", metadata={"namespace": "a"})

    dependencies = list_dependencies(program)

    assert dependencies[ACCOUNTS, "pull"] == {(SECRET, "pull")}
    assert dependencies["kubernetes:core/v1:Pod", "web"] == {(SECRET, "pull"), (ACCOUNTS, "pull")}


@pytest.mark.parametrize(
    ("fields", "children"),
    [
        ({}, {SECRET, ACCOUNTS}),
        (
            {"renewal": "node", "service_accounts": ["web"], "node": {"role_arn": ROLE}},
            {ACCOUNTS, CLUSTER_ROLE, BINDING},
        ),
    ],
)
def test_what_an_access_depends_on_its_children_depend_on(fields: dict[str, Any], children: set[str]) -> None:
    def program() -> None:
        first = RegistrySecret("first", {"name": "first", "namespaces": ["a"], "registries": [{"host": HOST}]})
        given: Any = {"registries": [{"host": HOST}], "namespaces": ["a"], **fields}
        RegistryAccess("pull", given, pulumi.ResourceOptions(depends_on=[first]))

    dependencies = list_dependencies(program)

    found = {kind: depends_on for (kind, name), depends_on in dependencies.items() if name.startswith("pull")}
    assert {kind for kind, depends_on in found.items() if (SECRET, "first") in depends_on} >= children


@pytest.mark.parametrize(("namespace", "depends"), [("a", True), ("b", False)])
def test_a_workload_that_the_transform_gives_a_secret_waits_for_the_access(namespace: str, depends: bool) -> None:
    async def transform() -> None:
        access = RegistryAccess("pull", registries=[{"host": HOST}], namespaces=["a"])
        pulls = explicit_image_pulls(access)
        source: ImagesSource = pulls  # as mypy checks it
        assert source.title == "transform"
        props = {"kind": "Pod", "metadata": {"namespace": namespace}, "spec": {"containers": []}}
        args = pulumi.ResourceTransformArgs(
            custom=True, type_="kubernetes:core/v1:Pod", name="web", props=props, opts=pulumi.ResourceOptions()
        )
        given = await pulls._transform(args)
        assert given is not None
        assert (given.opts.depends_on or []) == ([access] if depends else [])
        done.append(namespace)

    done: list[str] = []
    declared(lambda: pulumi.Output.from_input(transform()))
    assert done == [namespace]
