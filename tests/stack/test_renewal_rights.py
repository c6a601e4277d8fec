"""RenewalRights: a Role and a RoleBinding in each of many namespaces, through one resource of Pulumi."""

import itertools
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import yaml

from lab.lifecycle import Lab
from tests.pulumi_project import PulumiProject
from tests.stack.programs import US, pull_secret

Project = Callable[..., PulumiProject]
Namespaces = Callable[[int], list[str]]

ACCOUNT = "system:serviceaccount:{}:renewer"
VERBS = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")
RESOURCES = ("secrets/pull", "secrets/other", "secrets", "configmaps", "pods", "serviceaccounts", "roles", "events")


def rights(namespaces: list[str], home: str, **args: object) -> str:
    document = {
        "name": "pull-renewal",
        "secret_name": "pull",
        "namespaces": namespaces,
        "service_account": "renewer",
        "service_account_namespace": home,
        **args,
    }
    declared = f"from components.resources import RenewalRights\nRenewalRights('rights', {document!r})\n"
    return pull_secret(namespaces, US, renewal="external") + declared


def objects(lab: Lab, namespace: str) -> list[str]:
    return lab.kubectl("get", "role,rolebinding", "--namespace", namespace, "--output=name").split()


def allowed(lab: Lab, home: str, namespaces: list[str], folder: Path) -> set[tuple[str, str, str]]:
    """What the API server's authorizer lets the renewer do, of all verbs on all these resources."""
    reviews = []
    for verb, resource, namespace in itertools.product(VERBS, RESOURCES, namespaces):
        kind, _, name = resource.partition("/")
        group = "rbac.authorization.k8s.io" if kind == "roles" else ""
        attributes = {"verb": verb, "group": group, "resource": kind, "name": name, "namespace": namespace}
        spec = {"user": ACCOUNT.format(home), "resourceAttributes": attributes}
        reviews.append({"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": spec})
    file = folder / "reviews.json"
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": reviews}))
    answers = list(yaml.safe_load_all(lab.kubectl("create", "-f", str(file), "--output=yaml")))
    assert len(answers) == len(reviews)
    asked = [answer["spec"]["resourceAttributes"] for answer in answers if answer["status"]["allowed"]]
    return {
        (each["verb"], f"{each['resource']}/{each.get('name', '')}".rstrip("/"), each["namespace"]) for each in asked
    }


def test_rights_come_and_go_with_the_namespaces(lab: Lab, project: Project, namespaces: Namespaces) -> None:
    home, a, b, c = namespaces(4)
    stack = project(rights([a, b], home))
    stack.up()
    assert len(objects(lab, a)) == len(objects(lab, b)) == 2
    stack.preview("--expect-no-changes")
    stack.refresh()
    stack.preview("--expect-no-changes")

    stack.write(rights([b, c], home))
    assert "~namespaces" in stack.preview().stdout
    stack.up()
    assert objects(lab, a) == []
    assert len(objects(lab, c)) == 2

    lab.kubectl("delete", "rolebinding", "pull-renewal", "-n", b)
    stack.refresh()
    stack.up()
    assert len(objects(lab, b)) == 2

    stack.destroy()
    assert objects(lab, b) + objects(lab, c) == []


def test_the_renewer_may_read_and_patch_its_secret_and_nothing_else(
    lab: Lab, project: Project, namespaces: Namespaces
) -> None:
    home, a, other = namespaces(3)
    stack = project(rights([a], home))
    stack.up()

    assert allowed(lab, home, [a, other, home], stack.folder) == {
        ("get", "secrets/pull", a),
        ("patch", "secrets/pull", a),
    }


def test_the_renewer_works_with_these_rights_and_says_where_they_are_missing(
    lab: Lab, project: Project, namespaces: Namespaces
) -> None:
    home, a, b = namespaces(3)
    stack = project(rights([a, b], home))
    stack.up()
    lab.kubectl("create", "serviceaccount", "renewer", "-n", home)
    lab.kubectl("delete", "rolebinding", "pull-renewal", "-n", b)
    token = lab.kubectl("create", "token", "renewer", "-n", home).strip()
    kubeconfig = stack.folder / "kubeconfig"
    document = json.loads(lab.kubectl("config", "view", "--raw", "--output=json"))
    document["users"] = [{"name": "renewer", "user": {"token": token}}]
    document["contexts"][0]["context"]["user"] = "renewer"
    kubeconfig.write_text(json.dumps(document))

    command = [sys.executable, "-m", "imagepull", "renew", "--now", "--kubeconfig", str(kubeconfig)]
    done = subprocess.run(command, cwd=stack.folder, env=stack.env, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert f"Secret pull: renewed in namespace {a}" in done.stdout
    (line,) = done.stderr.splitlines()
    expected = f"RBAC forbids it; allow {ACCOUNT.format(home)} to get secrets"
    assert line == f"error: Secret pull in namespace {b}: {expected}"


def test_a_role_of_somebody_elses_is_not_touched(lab: Lab, project: Project, namespaces: Namespaces) -> None:
    home, a, b = namespaces(3)
    lab.kubectl("create", "role", "pull-renewal", "-n", a, "--verb=get", "--resource=pods")
    stack = project(rights([a, b], home))

    failed = stack.up(check=False)

    assert failed.returncode != 0
    assert f"namespace {a}: Role pull-renewal is there already, and is not ours" in failed.stdout + failed.stderr
    assert len(objects(lab, b)) == 2
    stack.destroy()
    assert objects(lab, a) == ["role.rbac.authorization.k8s.io/pull-renewal"]
