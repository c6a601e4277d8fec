"""Renewal by the node: the kubelet's configuration, the rights that go with it, and what a node cannot do."""

from typing import Any

import pytest
import yaml

from imagepull.cli import main
from imagepull.errors import InvalidInput
from imagepull.renewal import node
from imagepull.renewal.node import Distribution
from imagepull.renewal.settings import NodeSettings, parse_node

HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
ROLE = "arn:aws:iam::123456789012:role/pull"
BY_ROLE = NodeSettings(role_arn=ROLE)


def provider(settings: NodeSettings) -> dict[str, Any]:
    document = yaml.safe_load(node.make_credential_provider_config([HOST, "public.ecr.aws"], settings))
    assert (document["apiVersion"], document["kind"]) == ("kubelet.config.k8s.io/v1", "CredentialProviderConfig")
    (found,) = document["providers"]
    assert isinstance(found, dict)
    return found


def test_the_plugin_is_asked_for_the_registries_and_no_others() -> None:
    assert provider(NodeSettings()) == {
        "name": "ecr-credential-provider",
        "matchImages": [HOST, "public.ecr.aws"],
        "defaultCacheDuration": "0s",
        "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
    }


def test_with_a_role_the_kubelet_sends_the_service_accounts_token() -> None:
    assert provider(BY_ROLE)["tokenAttributes"] == {
        "serviceAccountTokenAudience": "sts.amazonaws.com",
        "cacheType": "ServiceAccount",
        "requireServiceAccount": True,
        "requiredServiceAccountAnnotationKeys": ["eks.amazonaws.com/ecr-role-arn"],
    }


def test_kubelets_may_ask_for_tokens_for_aws_and_nothing_else() -> None:
    role, binding = node.make_audience_rights()
    assert role["rules"] == [
        {"apiGroups": [""], "resources": ["sts.amazonaws.com"], "verbs": ["request-serviceaccounts-token-audience"]}
    ]
    assert binding["subjects"] == [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "system:nodes"}]
    assert binding["roleRef"]["name"] == role["metadata"]["name"]


@pytest.mark.parametrize("distribution", Distribution)
def test_each_distribution_is_told_where_it_belongs(distribution: Distribution) -> None:
    text = node.describe_placement(distribution, [HOST], BY_ROLE)
    assert text.startswith("# Configuration: ")
    assert "/ecr-credential-provider\n" in text
    document = yaml.safe_load(text)
    if distribution is Distribution.TALOS:
        document = document["machine"]["kubelet"]["credentialProviderConfig"]
    assert document == yaml.safe_load(node.make_credential_provider_config([HOST], BY_ROLE))


def test_nodes_that_pull_already_are_left_alone() -> None:
    done = "nothing is to do"
    told = {each: done in node.describe_placement(each, [HOST], NodeSettings()) for each in Distribution}
    assert {each for each, silent in told.items() if silent} == {Distribution.EKS, Distribution.KOPS}
    assert not any(done in node.describe_placement(each, [HOST], BY_ROLE) for each in Distribution)


@pytest.mark.parametrize(
    ("registry", "path", "advice"),
    [
        ({"host": "ghcr.io", "username": "u", "password": "p"}, "registries[0]", "RegistryAccess of its own"),
        ({"host": "registry.example.com", "account": "1", "region": "r"}, "registries[0].host", "ECR's own host names"),
        ({"host": HOST, "roleArn": ROLE}, "registries[0].roleArn", "node.roleArn"),
        ({"host": HOST, "profile": "dev"}, "registries[0].profile", "node.roleArn"),
    ],
)
def test_what_a_node_cannot_do_is_told_with_what_to_write(registry: dict[str, object], path: str, advice: str) -> None:
    (problem,) = node.find_unfit_registries([registry])
    assert problem.path == path
    assert advice in problem.reason


def test_ecr_registries_and_unknown_hosts_are_fine() -> None:
    assert node.find_unfit_registries([{"host": HOST}, {"host": "public.ecr.aws"}, {"host": None}]) == []


def test_settings_are_parsed_with_every_problem() -> None:
    assert parse_node({"roleArn": ROLE}) == BY_ROLE
    with pytest.raises(InvalidInput) as wrong:
        parse_node({"roleArn": "pull", "role": "x"}, "node")
    assert [problem.path for problem in wrong.value.problems] == ["node.role", "node.roleArn"]


def test_the_command_prints_configuration_and_rights(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["node-config", HOST]) == 0
    assert capsys.readouterr().out == node.make_credential_provider_config([HOST], NodeSettings())
    assert main(["node-config", HOST, "--role-arn", ROLE, "--for", "k3s"]) == 0
    assert "/var/lib/rancher/credentialprovider/config.yaml" in capsys.readouterr().out
    assert main(["node-config", HOST, "--role-arn", ROLE, "--rights"]) == 0
    assert [one["kind"] for one in yaml.safe_load_all(capsys.readouterr().out)] == ["ClusterRole", "ClusterRoleBinding"]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["ghcr.io"], "registries[0].host: is ghcr.io"),
        ([HOST, "--role-arn", "pull"], "roleArn: "),
        ([HOST, "--rights"], "--rights: goes with --role-arn"),
    ],
)
def test_a_wrong_call_is_told(capsys: pytest.CaptureFixture[str], arguments: list[str], told: str) -> None:
    assert main(["node-config", *arguments]) == 2
    assert told in capsys.readouterr().err
