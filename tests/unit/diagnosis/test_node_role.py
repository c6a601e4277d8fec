"""A ServiceAccount's role with which nodes pull: the right that kubelets need, and what is said when they fail."""

import asyncio
from typing import Any

import pytest

from imagepull.causes.table import Confidence
from imagepull.diagnosis.answers import Diagnosis
from imagepull.diagnosis.case_file import parse_case
from imagepull.diagnosis.node_role import is_audience_granted
from imagepull.diagnosis.reader import read
from imagepull.diagnosis.rules import diagnose
from imagepull.renewal.node import AUDIENCE, AUDIENCE_VERB, ROLE_ANNOTATION, make_audience_rights
from tests.readable_cluster import forbid
from tests.unit.diagnosis.test_reader import Table, pod

ROLE = "arn:aws:iam::123456789012:role/puller"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/shop/web:1"
RULE = {"apiGroups": [""], "resources": [AUDIENCE], "verbs": [AUDIENCE_VERB]}
KUBELETS = {"kind": "Group", "name": "system:nodes"}
ONE_KUBELET = {"kind": "User", "name": "system:node:one"}
ALL_RESOURCES = {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}


def role(rule: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"name": "audience"}, "rules": [{"nonResourceURLs": ["/"], "verbs": ["get"]}, rule]}


def binding(subject: dict[str, str], to: str = "audience") -> dict[str, Any]:
    return {"metadata": {"name": "any"}, "roleRef": {"kind": "ClusterRole", "name": to}, "subjects": [subject]}


@pytest.mark.parametrize(
    ("rule", "bound", "granted"),
    [
        (RULE, binding(KUBELETS), True),
        (RULE, binding(ONE_KUBELET), True),
        (RULE, binding({"kind": "Group", "name": "system:authenticated"}), True),
        (ALL_RESOURCES, binding(KUBELETS), True),
        (RULE, binding(KUBELETS, to="view"), False),
        (RULE, binding({"kind": "Group", "name": "developers"}), False),
        (RULE, binding({"kind": "ServiceAccount", "name": "system:nodes"}), False),
        ({**RULE, "verbs": ["get"]}, binding(KUBELETS), False),
        ({**RULE, "resources": ["other.example"]}, binding(KUBELETS), False),
        ({**RULE, "apiGroups": ["apps"]}, binding(KUBELETS), False),
        ({**RULE, "resourceNames": ["one-account"]}, binding(KUBELETS), False),
        (RULE, {"metadata": {"name": "any"}, "roleRef": {"name": "audience"}}, False),
    ],
)
def test_what_lets_kubelets_ask_for_an_accounts_token(rule: dict[str, Any], bound: Any, granted: bool) -> None:
    assert is_audience_granted([role(rule)], [bound]) is granted


def test_the_right_that_we_write_is_seen() -> None:
    (made, bound) = make_audience_rights()
    assert is_audience_granted([made], [bound])


def cluster(value: str | None, *, granted: bool = False, forbidden: tuple[str, ...] = ()) -> Table:
    """One Pod that waits; `value`: the annotation of its ServiceAccount."""
    waiting = pod("web")
    waiting["spec"]["containers"][0]["image"] = IMAGE
    annotations = {} if value is None else {ROLE_ANNOTATION: value}
    account = {"metadata": {"name": "default", "namespace": "shop", "annotations": annotations}}
    made, bound = make_audience_rights()
    rights = [made, bound] if granted else []
    objects = [{"kind": "Pod", **waiting}, {"kind": "ServiceAccount", **account}, *rights]
    return Table(*objects, refuse=forbid(*forbidden))


def look(table: Table) -> Diagnosis:
    (row,) = asyncio.run(read(table.cluster, "shop", None)).rows
    (found,) = diagnose(parse_case(row))
    return found


@pytest.mark.parametrize(
    ("table", "code", "words"),
    [
        (cluster(""), "node-role-invalid", "and that is empty, which is no role's ARN"),
        (cluster("password=hunter2\n", granted=True), "node-role-invalid", "that is 'password=[redacted]', which"),
        (cluster("puller", granted=True), "node-role-invalid", "and that is puller, which is no role's ARN"),
        (cluster(ROLE), "node-audience-missing", f"as {ROLE}, and no ClusterRole lets kubelets"),
        (cluster(f"{ROLE};reboot"), "node-audience-missing", f"as '{ROLE};reboot', and"),
        (cluster(ROLE, granted=True), "node-no-credential", f"as {ROLE}, and 123456789012.dkr.ecr."),
        (cluster(ROLE, forbidden=("list ClusterRole",)), "node-no-credential", "has no credential provider"),
    ],
)
def test_why_a_node_does_not_pull_with_an_accounts_role(table: Table, code: str, words: str) -> None:
    found = look(table)
    assert found.code == code
    assert words in found.cause
    assert found.confidence is Confidence.LIKELY
    assert any(ROLE_ANNOTATION in each for each in found.evidence)


def test_an_account_without_a_role_is_told_of_one_that_has_it() -> None:
    table = cluster(None)
    metadata = {"name": "puller", "namespace": "shop", "annotations": {ROLE_ANNOTATION: ROLE}}
    table.objects.append({"kind": "ServiceAccount", "metadata": metadata})
    found = look(table)
    assert found.code == "no-pull-secret"
    assert "; nodes pull for ServiceAccount puller with the role that it names." in found.fix


def test_rights_of_kubelets_are_read_only_where_an_account_names_a_role() -> None:
    without, with_role = cluster(None), cluster(ROLE)
    assert look(without).code == "no-pull-secret"
    look(with_role)
    more = set(map(str, with_role.requests)) - set(map(str, without.requests))
    assert sorted(more) == ["list ClusterRole", "list ClusterRoleBinding"]
