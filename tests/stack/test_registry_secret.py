"""A RegistrySecret's life, with the real CLI against a real API server."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from lab.ecr.faults import FaultMode
from lab.lifecycle import Lab
from tests.pulumi_project import PulumiProject
from tests.stack.programs import EU, SECRET_TYPE, US, auths, let_hours_pass, pull_secret

Project = Callable[..., PulumiProject]
Namespaces = Callable[[int], list[str]]
Read = Callable[[str, str], dict[str, Any] | None]

FIXED = {"host": "ghcr.io", "username": "robot", "password": "correct-horse"}


def test_preview_needs_neither_aws_nor_a_cluster(lab: Lab, project: Project) -> None:
    calls = len(lab.ecr.calls())
    shown = project(pull_secret(["a"], US, FIXED), KUBECONFIG="/nowhere").preview("--diff").stdout
    assert "+ imagepull:index:RegistrySecret: (create)" in shown
    assert US in shown
    assert len(lab.ecr.calls()) == calls


def test_one_call_to_aws_fills_many_namespaces(
    lab: Lab, project: Project, namespaces: Namespaces, secret: Read
) -> None:
    names, calls = namespaces(40), len(lab.ecr.calls())
    stack = project(pull_secret(names))
    stack.up()
    assert len(lab.ecr.calls()) == calls + 1
    assert all(list(auths(secret("pull", name))) == [US] for name in names)
    assert set(stack.outputs()["uids"]) == set(names)


def test_the_content_is_what_kubectl_creates(lab: Lab, project: Project, namespaces: Namespaces, secret: Read) -> None:
    (name,) = namespaces(1)
    project(pull_secret([name], FIXED)).up()
    lab.kubectl(
        "create", "secret", "docker-registry", "by-kubectl", f"--namespace={name}", "--docker-server=ghcr.io",
        "--docker-username=robot", "--docker-password=correct-horse",
    )  # fmt: skip
    ours, theirs = secret("pull", name), secret("by-kubectl", name)
    assert ours is not None
    assert theirs is not None
    assert (ours["data"], ours["type"]) == (theirs["data"], theirs["type"])


def test_previews_stay_silent_while_the_tokens_live(project: Project, namespaces: Namespaces) -> None:
    stack = project(pull_secret(namespaces(2)))
    stack.up()
    let_hours_pass(stack, 5.9)
    shown = stack.preview("--expect-no-changes").stdout
    assert "2 unchanged" in shown
    assert "renewal" not in shown


def test_a_due_renewal_is_one_change_with_the_hours_left(lab: Lab, project: Project, namespaces: Namespaces) -> None:
    stack = project(pull_secret(namespaces(2)))
    stack.up()
    let_hours_pass(stack, 9)
    calls = len(lab.ecr.calls())
    shown = stack.preview().stdout
    assert "~ 1 to update" in shown
    assert f"renewal due: 3.0 hours left for {US}" in shown
    assert len(lab.ecr.calls()) == calls
    stack.up()
    stack.preview("--expect-no-changes")


def test_refresh_before_moves_the_renewal(project: Project, namespaces: Namespaces) -> None:
    stack = project(pull_secret(namespaces(1), refresh_before="2h"))
    stack.up()
    let_hours_pass(stack, 9)
    stack.preview("--expect-no-changes")
    let_hours_pass(stack, 1)
    assert "renewal due: 2.0 hours left" in stack.preview().stdout


def test_an_external_renewal_is_silent_thirteen_hours_later(project: Project, namespaces: Namespaces) -> None:
    stack = project(pull_secret(namespaces(1), renewal="external"))
    stack.up()
    let_hours_pass(stack, 13)

    preview = stack.preview("--expect-no-changes")

    assert "renewal due" not in preview.stdout


def renew_as_docs_say(lab: Lab, project: PulumiProject, namespace: str, host: str, password: str, hours: int) -> str:
    """A renewer of its own, as docs/provider.md describes one; returns the expiry that it wrote."""
    exported = json.loads(project.pulumi("stack", "export", "--show-secrets").stdout)
    (outputs,) = [each["outputs"] for each in exported["deployment"]["resources"] if each["type"] == SECRET_TYPE]
    key = json.loads(outputs["digestKey"]["plaintext"])
    issued = datetime.now(UTC).replace(microsecond=0)
    texts = [each.strftime("%Y-%m-%dT%H:%M:%SZ") for each in (issued, issued + timedelta(hours=hours))]
    message = "\n".join([host, *texts, "AWS", password])
    digest = hmac.new(key.encode(), message.encode(), hashlib.sha256).hexdigest()
    hosts = json.dumps({host: {"issued": texts[0], "expires": texts[1], "digest": digest}})
    auth = base64.b64encode(f"AWS:{password}".encode()).decode()
    auths_ = {"auths": {host: {"username": "AWS", "password": password, "auth": auth}}}
    data = {".dockerconfigjson": base64.b64encode(json.dumps(auths_).encode()).decode()}
    patch = {"metadata": {"annotations": {"imagepull/hosts": hosts, "imagepull/expires-at": texts[1]}}, "data": data}
    lab.kubectl("patch", "secret", "pull", f"--namespace={namespace}", f"--patch={json.dumps(patch)}", "--type=merge")
    return texts[1]


def test_refresh_takes_the_shortest_expiry_that_renewers_wrote(
    lab: Lab, project: Project, namespaces: Namespaces
) -> None:
    one, two = namespaces(2)
    stack = project(pull_secret([one, two]))
    stack.up()
    let_hours_pass(stack, 11)
    renew_as_docs_say(lab, stack, one, US, "renewed-by-another", 11)
    shortest = renew_as_docs_say(lab, stack, two, US, "renewed-by-another", 9)

    told = stack.refresh().stdout

    assert "was changed" not in told
    assert stack.resource(SECRET_TYPE)["outputs"]["expiresAt"] == shortest
    stack.preview("--expect-no-changes")


def test_a_renewal_keeps_the_uid_and_what_others_added(
    lab: Lab, project: Project, namespaces: Namespaces, secret: Read
) -> None:
    (name,) = namespaces(1)
    stack = project(pull_secret([name]))
    stack.up()
    before = secret("pull", name)
    assert before is not None
    foreign = {**auths(before), "quay.io": {"username": "u", "password": "p", "auth": "dTpw"}}
    data = base64.b64encode(json.dumps({"auths": foreign}).encode()).decode()
    patch = json.dumps({"data": {".dockerconfigjson": data}, "metadata": {"labels": {"team": "x"}}})
    lab.kubectl("patch", "secret", "pull", f"--namespace={name}", f"--patch={patch}")

    let_hours_pass(stack, 9)
    stack.up()

    after = secret("pull", name)
    assert after is not None
    assert after["metadata"]["uid"] == before["metadata"]["uid"] == stack.outputs()["uids"][name]
    assert after["metadata"]["labels"]["team"] == "x"
    assert auths(after)["quay.io"] == foreign["quay.io"]
    assert auths(after)[US] != foreign[US]


def test_namespaces_come_and_go(project: Project, namespaces: Namespaces, secret: Read) -> None:
    one, two, three = namespaces(3)
    stack = project(pull_secret([one, two]))
    stack.up()
    stack.write(pull_secret([two, three]))
    assert "~namespaces" in stack.preview().stdout
    stack.up()
    assert secret("pull", one) is None
    assert secret("pull", three) is not None
    assert sorted(stack.outputs()["uids"]) == [two, three]


def test_a_secret_deleted_behind_our_back_is_seen_and_mended(
    lab: Lab, project: Project, namespaces: Namespaces, secret: Read
) -> None:
    names = namespaces(3)
    stack = project(pull_secret(names))
    stack.up()
    lab.kubectl("delete", "secret", "pull", f"--namespace={names[1]}")
    stack.refresh()
    assert stack.resource(SECRET_TYPE)["inputs"]["namespaces"] == [names[0], names[2]]
    assert f'+ [1]: "{names[1]}"' in stack.preview("--diff").stdout
    stack.up()
    assert secret("pull", names[1]) is not None
    stack.preview("--expect-no-changes")


def test_a_secret_edited_behind_our_back_is_seen_and_mended(
    lab: Lab, project: Project, namespaces: Namespaces, secret: Read
) -> None:
    one, two = namespaces(2)
    stack = project(pull_secret([one, two], US, FIXED))
    stack.up()
    edited = base64.b64encode(json.dumps({"auths": {US: auths(secret("pull", one))[US]}}).encode()).decode()
    patch = json.dumps({"data": {".dockerconfigjson": edited}})
    lab.kubectl("patch", "secret", "pull", f"--namespace={two}", f"--patch={patch}")
    told = stack.refresh().stdout
    assert f"Secret pull in namespace {two}: its entry of ghcr.io is gone" in told
    stack.up()
    assert auths(secret("pull", two))["ghcr.io"]["password"] == "correct-horse"


def test_a_namespace_deleted_behind_our_back_is_told_and_no_hindrance_to_destroy(
    lab: Lab, project: Project, namespaces: Namespaces
) -> None:
    one, two = namespaces(2)
    stack = project(pull_secret([one, two]))
    stack.up()
    lab.kubectl("delete", "namespace", two)
    stack.refresh()
    failed = stack.up(check=False)
    assert f"namespace {two}: the namespace does not exist" in failed.stdout
    stack.destroy()
    assert stack.resources() == []


def test_a_terminating_namespace_is_told(lab: Lab, project: Project, namespaces: Namespaces, secret: Read) -> None:
    one, two = namespaces(2)
    finalizer = json.dumps({"metadata": {"finalizers": ["example.com/hold"]}})
    lab.kubectl("create", "configmap", "hold", f"--namespace={two}")
    lab.kubectl("patch", "configmap", "hold", f"--namespace={two}", f"--patch={finalizer}")
    lab.kubectl("delete", "namespace", two, "--wait=false")
    failed = project(pull_secret([one, two])).up(check=False)
    assert f"namespace {two}: the namespace is being deleted" in failed.stdout
    assert secret("pull", one) is not None
    lab.kubectl("patch", "configmap", "hold", f"--namespace={two}", '--patch={"metadata":{"finalizers":null}}')


def test_destroy_and_refresh_need_no_aws(lab: Lab, project: Project, namespaces: Namespaces, secret: Read) -> None:
    (name,) = namespaces(1)
    stack = project(pull_secret([name], US, EU))
    stack.up()
    calls = len(lab.ecr.calls())
    for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        del stack.env[variable]
    lab.ecr.set_fault(FaultMode.DOWN)
    stack.refresh()
    stack.destroy()
    assert secret("pull", name) is None
    assert len(lab.ecr.calls()) == calls


def test_another_name_is_written_before_the_old_one_is_deleted(
    project: Project, namespaces: Namespaces, secret: Read
) -> None:
    (name,) = namespaces(1)
    stack = project(pull_secret([name]))
    stack.up()
    stack.write(pull_secret([name], name="other"))
    shown = stack.up().stdout
    assert shown.index("created replacement") < shown.index("deleting original")
    assert secret("pull", name) is None
    assert secret("other", name) is not None


def test_a_secret_of_somebody_elses_is_adopted_only_when_asked(
    lab: Lab, project: Project, namespaces: Namespaces, secret: Read
) -> None:
    one, two = namespaces(2)
    lab.kubectl(
        "create", "secret", "docker-registry", "pull", f"--namespace={two}", "--docker-server=quay.io",
        "--docker-username=u", "--docker-password=p",
    )  # fmt: skip
    stack = project(pull_secret([one, two]))
    refused = stack.up(check=False)
    assert f"namespace {two}: Secret pull is there already, and not ours" in refused.stdout
    assert secret("pull", one) is not None
    assert set(auths(secret("pull", two))) == {"quay.io"}

    stack.write(pull_secret([one, two], adopt=True))
    stack.up()
    assert set(auths(secret("pull", two))) == {US, "quay.io"}

    stack.destroy()
    assert secret("pull", one) is None
    assert set(auths(secret("pull", two))) == {"quay.io"}


def test_two_stacks_never_take_each_others_secret(project: Project, namespaces: Namespaces, secret: Read) -> None:
    (name,) = namespaces(1)
    first = project(pull_secret([name]))
    first.up()
    second = project(pull_secret([name]).replace("'pull',", "'mine',", 1))
    assert "belongs to test-project/test/pull" in second.up(check=False).stdout
    second.destroy()
    assert secret("pull", name) is not None


def test_a_renamed_resource_keeps_its_secrets(project: Project, namespaces: Namespaces, secret: Read) -> None:
    (name,) = namespaces(1)
    stack = project(pull_secret([name]))
    stack.up()
    before = secret("pull", name)
    renamed = pull_secret([name], opts="pulumi.ResourceOptions(aliases=[pulumi.Alias(name='pull')])")
    stack.write(renamed.replace("'pull',", "'renamed',", 1))
    stack.preview("--expect-no-changes")
    stack.up()
    let_hours_pass(stack, 9)
    stack.up()
    after = secret("pull", name)
    assert before is not None
    assert after is not None
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    stack.destroy()
    assert secret("pull", name) is None


def test_secrets_are_imported_by_name_wherever_they_are(
    lab: Lab, project: Project, namespaces: Namespaces, secret: Read
) -> None:
    names = namespaces(2)
    for name in names:
        lab.kubectl(
            "create", "secret", "docker-registry", "imported", f"--namespace={name}", f"--docker-server={US}",
            "--docker-username=AWS", "--docker-password=old",
        )  # fmt: skip
    stack = project("")
    stack.pulumi("import", SECRET_TYPE, "pull", "imported", "--yes", "--protect=false", "--generate-code=false")
    before = secret("imported", names[0])
    assert f"it is not known how long the token of {US} lives" in stack.refresh().stdout
    stack.write(pull_secret(names, name="imported"))
    shown = stack.preview().stdout
    assert f"renewal due: it is not known how long the token of {US} lives" in shown
    stack.up()
    after = secret("imported", names[0])
    assert before is not None
    assert after is not None
    assert after["metadata"]["uid"] == before["metadata"]["uid"]
    assert auths(after)[US]["password"] != "old"
