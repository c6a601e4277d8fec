"""The image pull plan as a preview knows it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from imagepull.images.rules import RuleName, Violation
from imagepull.inputs import UNKNOWN
from imagepull.preview.engine_events import SECRET, Message, PreviewRun, Step
from imagepull.preview.image_changes import find_reported_findings, read_plan
from imagepull.pull_plan.findings import collect_findings
from imagepull.pull_plan.plan import as_data, as_table
from imagepull.resource_types import REGISTRY_SECRET, SERVICE_ACCOUNTS
from tests.resolved_images import row
from tests.unit.preview.step_examples import NOW, ONE, accounts, pod, secret, step


@pytest.mark.parametrize(
    ("listed", "opened"),
    [
        (accounts(), [True, False]),
        (accounts("ci"), [False, True]),
        (accounts("*"), [True, True]),
        (accounts("ci", "default"), [True, True]),
        (accounts("ci", secrets=("other",)), [False, False]),
        (accounts(secrets=("other", "pull")), [True, False]),
    ],
)
def test_plan_follows_the_pods_service_account(listed: dict[str, Any], opened: list[bool]) -> None:
    steps = (
        step("same", REGISTRY_SECRET, new=secret("ghcr.io")),
        step("same", SERVICE_ACCOUNTS, new=listed),
        step("create", "kubernetes:core/v1:Pod", "a", new=pod("a")),
        step("create", "kubernetes:core/v1:Pod", "b", new=pod("b", serviceAccountName="ci")),
    )
    after = read_plan(PreviewRun(steps=steps))

    assert [after.find_first_entry(image) is not None for image in after.images] == opened
    assert [" pull" in line for line in as_table(after, NOW).splitlines()[2:]] == opened


def test_lists_that_go_give_nothing() -> None:
    steps = (
        step("same", REGISTRY_SECRET, new=secret("ghcr.io")),
        step("delete", SERVICE_ACCOUNTS, old=accounts(), new=accounts()),
        step("discard", REGISTRY_SECRET, "gone", old=secret("quay.io"), new=secret("quay.io")),
        step("delete", "kubernetes:core/v1:Pod", "gone", old=pod("gone"), new=pod("gone")),
    )

    after = read_plan(PreviewRun(steps=steps))

    (access,) = after.accesses or ()
    assert (access.hosts, access.namespaces, access.service_accounts) == (("ghcr.io",), ("shop",), ())
    assert after.images == ()


LIFETIMES = {
    "a.io": {"issued": "2026-01-31T09:00:00Z", "expires": "2026-01-31T21:00:00Z"},
    "b.io": {"issued": "2026-01-31T10:05:00Z", "expires": "2026-01-31T20:05:00Z"},
}


@pytest.mark.parametrize(
    ("op", "preview", "told"),
    [
        ("same", True, "pull, 8.1 hours left as written at 10:05 UTC"),
        ("read", True, "pull, 8.1 hours left as written at 10:05 UTC"),
        ("update", False, "pull, 8.1 hours left as written at 10:05 UTC"),
        ("update", True, "pull, new token"),
        ("create", True, "pull, new token"),
    ],
)
def test_hours_left_are_those_of_the_state_and_say_so(op: str, preview: bool, told: str) -> None:
    outputs = {"expiresAt": "2026-01-31T20:05:00Z", "lifetimes": LIFETIMES}
    steps = (
        step(op, REGISTRY_SECRET, new=secret("a.io"), new_outputs=outputs),
        step("same", SERVICE_ACCOUNTS, new=accounts()),
        step("same", "kubernetes:core/v1:Pod", "a", new=pod("a", "a.io/b:1")),
    )

    table = as_table(read_plan(PreviewRun(steps=steps, preview=preview)), NOW)

    assert table.splitlines()[-1].endswith(f"  {told}")


def test_password_expires_never_also_while_it_changes() -> None:
    inputs = {**secret(), "registries": [{"host": "ghcr.io", "username": "u", "password": SECRET}]}

    (access,) = read_plan(PreviewRun(steps=(step("update", REGISTRY_SECRET, new=inputs),))).accesses or ()

    assert (access.expires, access.written) == (None, None)


@pytest.mark.parametrize("namespaces", [UNKNOWN, ["shop", UNKNOWN], ["shop", SECRET]])
def test_namespaces_that_are_not_known_are_none(namespaces: Any) -> None:
    (access,) = (
        read_plan(
            PreviewRun(steps=(step("create", REGISTRY_SECRET, new=secret("a.io", namespaces=namespaces)),))
        ).accesses
        or ()
    )

    assert access.namespaces is None


@pytest.mark.parametrize(
    "inputs",
    [
        secret("a.io", name=UNKNOWN),
        {**secret(), "registries": UNKNOWN},
        {**secret(), "registries": [{"host": UNKNOWN}]},
    ],
)
def test_nothing_is_said_of_secrets_where_one_is_not_known(inputs: Any) -> None:
    both = (step("same", REGISTRY_SECRET, new=secret("a.io")), step("create", REGISTRY_SECRET, "other", new=inputs))

    assert read_plan(PreviewRun(steps=both)).accesses is None
    assert read_plan(PreviewRun(steps=both[:1], complete=False)).accesses is None
    assert read_plan(PreviewRun(steps=both[:1])).accesses is not None


def test_plan_is_sorted_by_namespace_type_and_name() -> None:
    def declared(name: str, namespace: Any, type_: str = "kubernetes:core/v1:Pod") -> Step:
        return step("create", type_, name, new=pod(name, namespace=namespace))

    steps = (
        declared("z", "a"),
        declared("b", "b", "kubernetes:x/v1:Pod"),
        declared("c", "b"),
        declared("a", "b"),
        declared("n", None),
        step("delete", "kubernetes:core/v1:Pod", "gone", old=pod("gone", namespace="a")),
    )

    assert [image.workload for image in read_plan(PreviewRun(steps=steps)).images] == [
        "Pod/n",
        "Pod/z",
        "Pod/a",
        "Pod/c",
        "Pod/b",
    ]


@pytest.mark.parametrize(
    ("output", "form"),
    [("resolvedImages", list), ("imagePullPlan", lambda rows: {"summary": "1 image", "__images": rows})],
)
def test_reason_and_violations_come_from_the_outputs(output: str, form: Callable[[list[Any]], object]) -> None:
    violation = Violation(rule=RuleName.FORBID_NEVER, message="no")
    image = replace(
        row(ONE), workload="Pod/a", container="app", reason="mutableTagPolicy: why", violations=(violation,)
    )
    told = as_data(image)
    broken: list[Any] = [
        None,
        "text",
        {**told, "policy": "always"},
        {**told, "reason": 3},
        {**told, "violations": [{"rule": "none", "message": "x"}]},
        {**told, "violations": [{}]},
        {**told, "violations": 3},
    ]
    steps = (
        step("same", "imagepull:index:Pod", "a", new_outputs={output: form([told, *broken])}),
        step("same", "other:index:X", "b", new_outputs={output: "text"}),
        step("same", "kubernetes:core/v1:Pod", "a", new=pod("a", ONE)),
    )

    (found,) = read_plan(PreviewRun(steps=steps)).images

    assert (found.reason, found.violations) == ("mutableTagPolicy: why", (violation,))


def test_reason_of_a_written_policy_is_the_defaults_where_they_are_the_same() -> None:
    steps = (
        step("create", "kubernetes:core/v1:Pod", "a", new=pod("a", ONE)),
        step("create", "kubernetes:core/v1:Pod", "b", new=pod("b", ONE, "Always")),
    )

    assert [image.reason for image in read_plan(PreviewRun(steps=steps)).images] == [
        "tag is 1, not latest",
        "set explicitly",
    ]


def test_findings_of_the_program_are_those_below_its_plan_that_are_not_known_here() -> None:
    run = PreviewRun(steps=(step("create", "kubernetes:core/v1:Pod", "a", new=pod("a", "ghcr.io/a/b:main")),))
    known = collect_findings(read_plan(run))
    lines = ["Image pull plan", "WORKLOAD", f"{known[0]}", "error: gone", "warning: slow", "info: note", "other: line"]
    said = (
        Message(severity="info", text="\n".join(lines)),
        Message(severity="info", text="error: of somebody else"),
    )

    assert known
    assert find_reported_findings(PreviewRun(messages=said), known) == ["error: gone", "warning: slow", "info: note"]
