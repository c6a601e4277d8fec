"""`python -m imagepull rbac`: rights to apply, the same as in the docs."""

from typing import Any

import pytest
import yaml

from imagepull.cli import main
from imagepull.renewal.operator_rights import list_operator_rules
from lab.layout import CHECKOUT


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[dict[str, Any]]:
    assert main(["rbac", *arguments]) == 0
    return list(yaml.safe_load_all(capsys.readouterr().out))


def test_the_docs_show_what_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rbac", "--group", "deployers"]) == 0
    assert capsys.readouterr().out in (CHECKOUT / "docs" / "provider.md").read_text()


def test_one_role_and_binding_in_each_namespace(capsys: pytest.CaptureFixture[str]) -> None:
    found = printed(capsys, "-n", "a", "-n", "b", "--service-account", "ci/pulumi")
    assert [(one["kind"], one["metadata"]["namespace"]) for one in found] == [
        (kind, namespace) for namespace in ("a", "b", "kube-system") for kind in ("Role", "RoleBinding")
    ]
    assert found[1]["subjects"] == [{"kind": "ServiceAccount", "name": "pulumi", "namespace": "ci"}]
    assert all(one["roleRef"]["kind"] == "Role" for one in found[1::2])


def test_without_a_grantee_nothing_is_bound(capsys: pytest.CaptureFixture[str]) -> None:
    assert [one["kind"] for one in printed(capsys)] == ["ClusterRole"]


def test_renewal_needs_roles(capsys: pytest.CaptureFixture[str]) -> None:
    (role,) = printed(capsys, "--renewal")
    assert {"roles", "rolebindings"} < {resource for rule in role["rules"] for resource in rule["resources"]}


def test_rights_of_the_operator(capsys: pytest.CaptureFixture[str]) -> None:
    role, binding = printed(capsys, "--engine", "external-secrets", "--service-account", "operators/external-secrets")
    assert (role["kind"], role["rules"]) == ("ClusterRole", list_operator_rules())
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "external-secrets", "namespace": "operators"}]
    assert role["metadata"]["name"] == binding["roleRef"]["name"] == "external-secrets"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--engine", "external-secrets", "-n", "a", "--renewal"], "--namespace: is not for --engine"),
        (["-n", "A", "-n", "b!"], "--namespace: is 'A'; write a namespace's name"),
        (["--service-account", "pulumi"], "--service-account: is 'pulumi'; write NAMESPACE/NAME"),
    ],
)
def test_wrong_arguments_are_told(capsys: pytest.CaptureFixture[str], arguments: list[str], says: str) -> None:
    assert main(["rbac", *arguments]) == 2
    assert says in capsys.readouterr().err
