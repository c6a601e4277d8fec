"""Reading what Pulumi wrote: recorded runs of the CLI 3.259 against the lab, without positions in files and ids."""

import json
import re
from dataclasses import replace
from datetime import datetime

import pytest

from imagepull.errors import InvalidInput
from imagepull.inputs import UNKNOWN
from imagepull.preview.engine_events import SECRET, PreviewRun, read
from imagepull.preview.image_changes import find_access_changes, find_image_changes, read_plan
from imagepull.pull_plan.plan import Plan
from tests.golden import GOLDEN

ECR = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
RECORDED = ("first-deploy", "no-change", "policy-change", "renewal-due", "failed")


def recorded(name: str) -> PreviewRun:
    """A recorded run; the names that Pulumi made up differ in the two forms of one preview."""
    return read(re.sub(r"api-[0-9a-f]{8}", "api-00000000", (GOLDEN / name).read_text()))


def without_expiry(found: Plan) -> Plan:
    """Outputs are in the event log only, and with them when a token expires."""
    accesses = [replace(access, expires=None, written=None) for access in found.accesses or ()]
    return replace(found, accesses=tuple(accesses))


@pytest.mark.parametrize("name", RECORDED)
def test_event_log_and_json_tell_the_same(name: str) -> None:
    log, document = recorded(f"{name}.events"), recorded(f"{name}.preview.json")
    assert log.counts == document.counts
    assert log.failed == document.failed == (name == "failed")
    assert log.complete
    assert document.complete
    assert {(step.op, step.urn) for step in log.steps} == {(step.op, step.urn) for step in document.steps}
    assert find_image_changes(log) == find_image_changes(document)
    assert find_access_changes(log) == find_access_changes(document)
    assert without_expiry(read_plan(log)) == without_expiry(read_plan(document))


@pytest.mark.parametrize("form", ["events", "preview.json"])
def test_plan_has_every_container_with_its_policy_and_why(form: str) -> None:
    rows = [
        (row.namespace, row.container, row.policy.value, row.reason)
        for row in read_plan(recorded(f"no-change.{form}")).images
    ]
    assert rows == [
        ("shop2", "api", "IfNotPresent", "tag is 2.0, not latest"),
        ("shop2", "init migrate", "IfNotPresent", "digest pins the image"),
        ("shop2", "web", "IfNotPresent", "tag is 1.0, not latest"),
    ]


def test_pull_secrets_and_who_gets_them_are_in_the_plan() -> None:
    found = read_plan(recorded("no-change.events"))
    (access,) = found.accesses or ()
    assert (access.secret, access.service_accounts) == ("registry-access", ("default",))
    assert isinstance(access.expires, datetime)
    assert {pod.workload: pod.pull_secrets for pod in found.pods} == {
        "Deployment/api-00000000": ("registry-access",),
        "Deployment/web": ("registry-access",),
    }
    (renewed,) = read_plan(recorded("renewal-due.events")).accesses or ()
    assert renewed.expires is UNKNOWN


def test_changed_image_and_new_workload_are_image_changes() -> None:
    first, second = find_image_changes(recorded("policy-change.preview.json"))
    assert first.before
    assert first.after
    assert (first.before.policy.value, first.after.policy.value) == ("IfNotPresent", "Always")
    assert first.after.image == f"{ECR}/shop/web:latest"
    assert second.before is None
    assert second.after
    assert second.after.workload == "CronJob/tidy"


def test_added_namespace_is_named() -> None:
    changes = find_access_changes(recorded("policy-change.preview.json"))
    assert [(change.kind, change.op, change.details) for change in changes] == [
        ("Secret", "update", ("namespaces added: new2",)),
        ("ServiceAccounts", "update", ("namespaces added: new2",)),
    ]


def test_renewal_is_told_apart_from_a_change() -> None:
    (change,) = find_access_changes(recorded("renewal-due.preview.json"))
    assert change.op == "renew"
    assert change.details[0].startswith("renewal due: ")


def test_secret_stays_secret_in_either_form() -> None:
    for form in ("events", "preview.json"):
        steps = recorded(f"first-deploy.{form}").steps
        (secret,) = [step for step in steps if step.type == "imagepull:index:RegistrySecret"]
        assert secret.new["registries"][1] == {"host": "ghcr.io", "username": "bot", "password": SECRET}


def test_unknown_value_is_unknown() -> None:
    steps = recorded("first-deploy.events").steps
    (access,) = [step for step in steps if step.type == "imagepull:index:RegistryAccess"]
    assert access.new_outputs["expiresAt"] is UNKNOWN


def test_secret_or_unknown_image_is_in_the_plan_by_its_workload() -> None:
    for hidden in (SECRET, "04da6b54-80e4-46f7-96ec-b56ff0331ba9"):
        manifest = {"kind": "Pod", "metadata": {"name": "a"}, "spec": {"containers": [{"name": "a", "image": hidden}]}}
        step = {"op": "create", "urn": "urn:pulumi:s::p::kubernetes:core/v1:Pod::a", "newState": {"inputs": manifest}}
        run = read(json.dumps({"steps": [step], "changeSummary": {"create": 1}}))
        assert read_plan(run).unknown == ("Pod/a",)
        assert read_plan(run).images == ()


def test_default_providers_and_parts_of_a_replacement_are_no_steps() -> None:
    urn = "urn:pulumi:s::p::kubernetes:core/v1:Pod::a"
    ops = ("replace", "create-replacement", "delete-replaced")
    steps = [{"op": op, "urn": urn} for op in ops]
    steps.append({"op": "create", "urn": "urn:pulumi:s::p::pulumi:providers:kubernetes::default_4_27_0"})
    assert [step.op for step in read(json.dumps({"steps": steps})).steps] == ["replace"]


def test_document_without_the_unchanged_says_so() -> None:
    document = json.loads((GOLDEN / "no-change.preview.json").read_text())
    document["steps"] = document["steps"][:1]
    run = read(json.dumps(document))
    assert not run.complete
    assert read_plan(run).accesses is None


def test_nothing_at_all_is_a_failed_run() -> None:
    run = read(" \n")
    assert run.failed
    assert run.messages[0].severity == "error"


def test_log_that_was_cut_short_is_a_failed_run() -> None:
    text = (GOLDEN / "no-change.events").read_text()
    run = read(text[: len(text) // 2])
    assert run.failed
    assert run.steps


def test_policy_violation_is_a_message() -> None:
    def said(level: str) -> str:
        event = {
            "policyPackName": "p",
            "policyName": "n",
            "message": "m",
            "enforcementLevel": level,
            "resourceUrn": "u",
        }
        return read(json.dumps({"sequence": 1, "policyEvent": event})).messages[0].severity

    assert [said("mandatory"), said("advisory")] == ["error", "warning"]


@pytest.mark.parametrize(
    "text",
    [
        "no JSON",
        "{}",
        "[]",
        "3",
        '{"steps": 3}',
        '{"steps": [{}]}',
        '{"sequence": 1}\nno JSON\n{"sequence": 2}',
        "null",
    ],
)
def test_other_text_is_refused_with_what_to_give(text: str) -> None:
    with pytest.raises(InvalidInput, match="pulumi preview --json"):
        read(text)
