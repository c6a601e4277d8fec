"""Whose a Secret is, with the real CLI: replaced, moved, renamed, two backends; nothing of another's is ever lost."""

import json
from collections.abc import Callable
from typing import Any

from imagepull.kubernetes.ownership import Owner
from lab.lifecycle import Lab
from tests.pulumi_project import PulumiProject
from tests.stack.programs import ACCOUNTS_TYPE, SECRET_TYPE, US, accounts, auths, let_hours_pass, pull_secret
from tests.stack.test_service_accounts import listed, wait_for_default

Project = Callable[..., PulumiProject]
Namespaces = Callable[[int], list[str]]
Read = Callable[[str, str], dict[str, Any] | None]

SECRET_URN = f"urn:pulumi:test::test-project::{SECRET_TYPE}::pull"
ACCOUNTS_URN = f"urn:pulumi:test::test-project::{ACCOUNTS_TYPE}::accounts"


def both(namespaces: list[str]) -> str:
    """A RegistrySecret and the ServiceAccounts that list it."""
    return pull_secret(namespaces) + "\n".join(accounts(namespaces).splitlines()[2:])


def identity(secret: dict[str, Any] | None) -> str:
    assert secret is not None
    return str(secret["metadata"]["labels"]["imagepull/identity"])


def uid(secret: dict[str, Any] | None) -> str:
    assert secret is not None
    return str(secret["metadata"]["uid"])


def test_a_replaced_or_tainted_resource_loses_nothing(
    lab: Lab, project: Project, namespaces: Namespaces, secret: Read
) -> None:
    names = namespaces(2)
    wait_for_default(lab, *names)
    stack = project(both(names))
    stack.up()
    first, before = secret("pull", names[0]), stack.resource(SECRET_TYPE)["outputs"]["identity"]

    told = stack.up("--replace", SECRET_URN, "--replace", ACCOUNTS_URN).stdout
    assert "2 replaced" in told
    stack.pulumi("state", "taint", SECRET_URN, "--yes")
    stack.pulumi("state", "taint", ACCOUNTS_URN, "--yes")
    told += stack.up().stdout
    assert told.count("2 replaced") == 2
    assert "so it stays" not in told

    for name in names:
        assert set(auths(secret("pull", name))) == {US}
        assert listed(lab, name) == ["pull"]
    after = stack.resource(SECRET_TYPE)["outputs"]["identity"]
    assert after != before
    assert identity(secret("pull", names[0])) == after
    assert uid(secret("pull", names[0])) == uid(first)
    stack.preview("--expect-no-changes")
    stack.destroy()
    assert secret("pull", names[0]) is None
    assert listed(lab, names[0]) == []


def test_a_destroy_with_an_older_state_says_what_it_leaves(
    lab: Lab, project: Project, namespaces: Namespaces, secret: Read
) -> None:
    (name,) = namespaces(1)
    wait_for_default(lab, name)
    stack = project(both([name]))
    stack.up()
    backup = stack.folder / "backup.json"
    backup.write_text(stack.pulumi("stack", "export").stdout)
    stack.up("--replace", SECRET_URN, "--replace", ACCOUNTS_URN)
    stack.pulumi("stack", "import", "--file", str(backup))

    told = stack.destroy().stdout

    assert f"Secret pull in namespace {name}: another run of test-project/test/pull wrote this, so it stays" in told
    left = (
        f"imagePullSecrets of ServiceAccounts in namespace {name}: another run of test-project/test/accounts wrote this"
    )
    assert left in told
    assert set(auths(secret("pull", name))) == {US}
    stack.up()
    stack.destroy()
    assert secret("pull", name) is None
    assert listed(lab, name) == []


def test_a_resource_that_moves_below_a_component_without_an_alias_loses_nothing(
    lab: Lab, project: Project, namespaces: Namespaces, secret: Read
) -> None:
    (name,) = namespaces(1)
    wait_for_default(lab, name)
    stack = project(both([name]))
    stack.up()
    first = secret("pull", name)
    head, secret_line, *rest = both([name]).partition("secret = ")
    parent = "access = pulumi.ComponentResource('my:index:Access', 'access')\n"
    below = "pulumi.ResourceOptions(parent=access)"
    moved = head + parent + secret_line + "".join(rest).replace("None)", f"{below})")
    stack.write(moved[:-2] + f", {below})\n" if moved.endswith(")\n") else moved[:-1] + f", {below})")
    told = stack.up().stdout
    assert "another run of test-project/test/pull wrote it" in told
    assert uid(secret("pull", name)) == uid(first)
    assert listed(lab, name) == ["pull"]
    stack.preview("--expect-no-changes")
    let_hours_pass(stack, 9)
    stack.up()
    assert uid(secret("pull", name)) == uid(first)
    stack.destroy()
    assert secret("pull", name) is None
    assert listed(lab, name) == []


def test_two_backends_with_the_same_names_do_not_see_each_other(
    lab: Lab, project: Project, namespaces: Namespaces, secret: Read
) -> None:
    one, two = namespaces(2)
    wait_for_default(lab, one, two)
    first, second = project(both([one])), project(both([two]))
    first.up()
    second.up()
    let_hours_pass(first, 9)
    first.up()
    assert set(auths(secret("pull", one))) == set(auths(secret("pull", two))) == {US}
    second.refresh()
    second.destroy()
    assert secret("pull", two) is None
    assert set(auths(secret("pull", one))) == {US}
    assert listed(lab, one) == ["pull"]
    first.preview("--expect-no-changes")


def test_a_renamed_stack_keeps_its_secrets_when_a_new_one_takes_its_name(
    project: Project, namespaces: Namespaces, secret: Read
) -> None:
    one, two = namespaces(2)
    stack = project(pull_secret([one]))
    stack.up()
    stack.pulumi("stack", "rename", "renamed")
    stack.preview("--expect-no-changes")
    stack.init()
    stack.write(pull_secret([two]))
    stack.up()
    stack.destroy()
    assert secret("pull", one) is not None

    stack.pulumi("stack", "select", "renamed")
    stack.write(pull_secret([one]))
    let_hours_pass(stack, 9)
    stack.up()
    stack.pulumi("stack", "select", "test")
    stack.write(pull_secret([one]))
    refused = stack.up(check=False)
    assert "belongs to test-project/renamed/pull" in refused.stdout
    stack.destroy()
    assert secret("pull", one) is not None
    stack.pulumi("stack", "select", "renamed")


def without_identities(lab: Lab, stack: PulumiProject, namespaces: list[str]) -> None:
    """Makes state and objects those of a version that had no identities."""
    exported = json.loads(stack.pulumi("stack", "export").stdout)
    for resource in exported["deployment"]["resources"]:
        for key in ("identity", "digestKey"):
            resource.get("outputs", {}).pop(key, None)
    changed = stack.folder / "old.json"
    changed.write_text(json.dumps(exported))
    stack.pulumi("stack", "import", "--file", str(changed))
    for name in namespaces:
        lab.kubectl("label", "secret", "pull", f"--namespace={name}", "imagepull/identity-")
        account = json.loads(lab.kubectl("get", "sa", "default", f"--namespace={name}", "--output=json"))
        ((key, text),) = (
            (key, text) for key, text in account["metadata"]["annotations"].items() if key.startswith("imagepull/")
        )
        legacy = {key: None, f"imagepull/claim-{Owner(title='test-project/test/accounts').key}": text}
        patch = json.dumps({"metadata": {"annotations": legacy}})
        lab.kubectl("patch", "sa", "default", f"--namespace={name}", "--type=merge", f"--patch={patch}")


def test_what_a_version_without_identities_wrote_is_taken_over_silently(
    lab: Lab, project: Project, namespaces: Namespaces, secret: Read
) -> None:
    names = namespaces(2)
    wait_for_default(lab, *names)
    stack = project(both(names))
    stack.up()
    without_identities(lab, stack, names)
    stack.preview("--expect-no-changes")
    let_hours_pass(stack, 9)
    told = stack.up().stdout
    assert "another run" not in told
    assert identity(secret("pull", names[0])) == stack.resource(SECRET_TYPE)["outputs"]["identity"]

    without_identities(lab, stack, names)
    stack.destroy()
    assert secret("pull", names[0]) is None
    assert listed(lab, names[0]) == []


def test_two_resources_of_one_program_that_want_the_same_secret_are_told(
    project: Project, namespaces: Namespaces, secret: Read
) -> None:
    one, two = namespaces(2)
    first = pull_secret([one, two])
    below = "pulumi.ResourceOptions(parent=team, depends_on=[secret])"
    line = pull_secret([two], opts=below).splitlines()[2].replace("secret = ", "again = ")
    second = f"team = pulumi.ComponentResource('my:index:Team', 'team')\n{line}\n"
    stack = project(first + second)
    failed = stack.up(check=False)
    assert f"namespace {two}: {SECRET_URN} of this program writes Secret pull there, too" in failed.stdout
    assert identity(secret("pull", two)) == identity(secret("pull", one))
