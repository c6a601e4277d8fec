"""The part of a status that is about one Pulumi stack."""

import json
from pathlib import Path

import pytest

from imagepull.errors import InvalidInput
from imagepull.status.stack import list_workloads_of_plan, read_stack, select_stack
from tests.status_examples import small_status

PLAN = [
    {"workload": "Deployment/api", "namespace": "shop", "container": "api", "image": "a"},
    {"workload": "Deployment/api", "namespace": "shop", "container": "init db", "image": "b"},
    {"workload": "Pod/worker", "container": "app", "image": "c"},
]


def test_workloads_of_a_plan_with_the_namespace_of_the_context() -> None:
    found = list_workloads_of_plan(json.dumps({"summary": "3 images", "__images": PLAN}), "tools")
    assert found == {("shop", "Deployment/api"), ("tools", "Pod/worker")}


@pytest.mark.parametrize("plan", ["", "{}x", "5", "[5]", "{}", '{"__images": [{"image": "a"}]}'])
def test_what_is_no_plan_is_said(plan: str) -> None:
    with pytest.raises(InvalidInput, match=r"--stack: has an output imagePullPlan that is no image pull plan"):
        list_workloads_of_plan(plan, "default")


def test_only_the_workloads_of_the_stack_and_the_tokens_that_they_need() -> None:
    workloads = {("shop", "Deployment/api"), ("tools", "Pod/worker"), ("shop", "Deployment/gone")}
    part = select_stack(small_status(), "prod", workloads)
    assert part.scope == "stack prod"
    assert [pull.workload for pull in part.pulls] == ["Deployment/api", "Pod/worker"]
    assert [token.secret for token in part.tokens] == ["registry-access", "pull"]
    assert (part.namespaces, part.workloads, part.pods) == (2, 2, 2)
    assert "shop/Deployment/gone of stack prod is not in the cluster." in part.limits
    assert part.will_fail == 1


def test_without_pulumi_the_fault_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InvalidInput, match="--stack: needs the pulumi CLI on PATH"):
        read_stack("prod")


def test_what_pulumi_says_is_passed_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pulumi = tmp_path / "pulumi"
    pulumi.write_text("#!/bin/sh\necho \"error: no stack named 'prod' found\" >&2\nexit 255\n")
    pulumi.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    with pytest.raises(InvalidInput, match="no stack named 'prod' found"):
        read_stack("prod")
