"""ServiceAccountImagePullSecrets with the real CLI: lists that others write to at the same time."""

import json
from collections.abc import Callable, Sequence
from typing import Any

from lab.lifecycle import Lab
from tests.pulumi_project import PulumiProject
from tests.stack.programs import ACCOUNTS_TYPE, accounts

Project = Callable[..., PulumiProject]
Namespaces = Callable[[int], list[str]]


def listed(lab: Lab, namespace: str, name: str = "default") -> list[str]:
    account: Any = json.loads(lab.kubectl("get", "serviceaccount", name, f"--namespace={namespace}", "--output=json"))
    return [entry["name"] for entry in account.get("imagePullSecrets", [])]


def set_list(lab: Lab, namespace: str, names: Sequence[str], account: str = "default") -> None:
    patch = json.dumps({"imagePullSecrets": [{"name": name} for name in names]})
    lab.kubectl("patch", "serviceaccount", account, f"--namespace={namespace}", f"--patch={patch}", "--type=merge")


def wait_for_default(lab: Lab, *names: str) -> None:
    for name in names:
        lab.kubectl("wait", "--for=create", "serviceaccount/default", f"--namespace={name}", "--timeout=300s")


def test_names_are_appended_and_only_they_are_taken_away(lab: Lab, project: Project, namespaces: Namespaces) -> None:
    (name,) = namespaces(1)
    wait_for_default(lab, name)
    set_list(lab, name, ["theirs", "shared"])
    stack = project(accounts([name], names=["shared", "ours"]))
    stack.up()
    assert listed(lab, name) == ["theirs", "shared", "ours"]
    stack.preview("--expect-no-changes")
    stack.destroy()
    assert listed(lab, name) == ["theirs", "shared"]


def test_default_is_made_where_the_cluster_has_not_done_so_yet(
    lab: Lab, project: Project, namespaces: Namespaces
) -> None:
    names = namespaces(60)
    project(accounts(names)).up()
    assert all(listed(lab, name) == ["pull"] for name in names)


def test_a_missing_account_is_named_and_holds_up_no_other(lab: Lab, project: Project, namespaces: Namespaces) -> None:
    one, two = namespaces(2)
    wait_for_default(lab, one, two)
    lab.kubectl("create", "serviceaccount", "ci", f"--namespace={one}")
    stack = project(accounts([one, two], service_accounts=["default", "ci"]))
    failed = stack.up(check=False)
    assert failed.returncode != 0
    assert f"namespace {two}: there is no ServiceAccount ci" in failed.stdout
    assert listed(lab, one) == listed(lab, one, "ci") == listed(lab, two) == ["pull"]

    lab.kubectl("create", "serviceaccount", "ci", f"--namespace={two}")
    stack.up()
    assert listed(lab, two, "ci") == ["pull"]


def test_every_account_there_is(lab: Lab, project: Project, namespaces: Namespaces) -> None:
    (name,) = namespaces(1)
    wait_for_default(lab, name)
    lab.kubectl("create", "serviceaccount", "ci", f"--namespace={name}")
    stack = project(accounts([name], service_accounts=["*"]))
    stack.up()
    assert listed(lab, name) == listed(lab, name, "ci") == ["pull"]
    stack.destroy()
    assert listed(lab, name) == listed(lab, name, "ci") == []


def test_two_stacks_on_one_account_do_not_disturb_each_other(
    lab: Lab, project: Project, namespaces: Namespaces
) -> None:
    (name,) = namespaces(1)
    wait_for_default(lab, name)
    first = project(accounts([name], names=["both", "first"]))
    second = project(accounts([name], names=["both", "second"]).replace("'accounts'", "'others'"))
    first.up()
    second.up()
    first.destroy()
    assert listed(lab, name) == ["both", "second"]
    second.destroy()
    assert listed(lab, name) == []


def test_a_name_removed_behind_our_back_is_seen_and_mended(lab: Lab, project: Project, namespaces: Namespaces) -> None:
    one, two = namespaces(2)
    wait_for_default(lab, one, two)
    stack = project(accounts([one, two]))
    stack.up()
    set_list(lab, two, ["theirs"])
    stack.refresh()
    assert stack.resource(ACCOUNTS_TYPE)["inputs"]["namespaces"] == [one]
    stack.up()
    assert listed(lab, two) == ["theirs", "pull"]


def test_namespaces_and_names_come_and_go(lab: Lab, project: Project, namespaces: Namespaces) -> None:
    one, two = namespaces(2)
    wait_for_default(lab, one, two)
    stack = project(accounts([one], names=["a", "b"]))
    stack.up()
    stack.write(accounts([two], names=["b", "c"]))
    stack.up()
    assert listed(lab, one) == []
    assert listed(lab, two) == ["b", "c"]


def test_a_deleted_namespace_is_no_hindrance_to_destroy(lab: Lab, project: Project, namespaces: Namespaces) -> None:
    one, two = namespaces(2)
    stack = project(accounts([one, two]))
    stack.up()
    lab.kubectl("delete", "namespace", two)
    stack.destroy()
    assert listed(lab, one) == []


def test_accounts_are_imported_by_the_names_they_list(lab: Lab, project: Project, namespaces: Namespaces) -> None:
    names = namespaces(2)
    wait_for_default(lab, *names)
    for name in names:
        set_list(lab, name, ["theirs", "to-import"])
    stack = project("")
    stack.pulumi("import", ACCOUNTS_TYPE, "accounts", "to-import", "--yes", "--protect=false", "--generate-code=false")
    stack.write(accounts(names, names=["to-import"]))
    stack.preview("--expect-no-changes")
    stack.destroy()
    assert listed(lab, names[0]) == ["theirs", "to-import"]
