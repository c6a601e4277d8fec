"""What a run means for image pulls: images before and after, pull Secrets, who has them, and what comes and goes."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from imagepull.images.pull_policy import PullPolicy
from imagepull.images.rules import RuleName, Violation
from imagepull.inputs import UNKNOWN
from imagepull.preview.comment import render
from imagepull.preview.engine_events import SECRET, Message, PreviewRun, Step
from imagepull.preview.image_changes import find_access_changes, find_image_changes, find_reported_findings, read_plan
from imagepull.pull_plan.findings import collect_findings
from imagepull.pull_plan.plan import as_data, as_table
from imagepull.resource_types import REGISTRY_SECRET, SERVICE_ACCOUNTS
from tests.resolved_images import row

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
NOT_KNOWN = "(known after up)"


def step(op: str, type_: str, name: str = "pull", **told: Any) -> Step:
    return Step(op=op, urn=f"urn:pulumi:s::p::{type_}::{name}", type=type_, **told)


def secret(*hosts: str, namespaces: Any = ("shop",), **more: Any) -> dict[str, Any]:
    spaces = list(namespaces) if isinstance(namespaces, tuple) else namespaces
    return {"name": "pull", "registries": [{"host": host} for host in hosts], "namespaces": spaces, **more}


def accounts(*names: str, secrets: Any = ("pull",), namespaces: Any = ("shop",)) -> dict[str, Any]:
    wanted = {"serviceAccounts": list(names)} if names else {}
    return {"secretNames": list(secrets), "namespaces": list(namespaces), **wanted}


def pod(name: str, image: Any = "ghcr.io/a/b:1", policy: Any = "IfNotPresent", **more: Any) -> dict[str, Any]:
    container = {"name": "app", "image": image, "imagePullPolicy": policy}
    metadata = {"name": name, "namespace": more.pop("namespace", "shop")}
    return {"kind": "Pod", "metadata": metadata, "spec": {"containers": [container], **more}}


def details(op: str, type_: str, old: Mapping[str, Any], new: Mapping[str, Any], *changed: str) -> tuple[str, ...]:
    told: dict[str, Any] = {"old": old, "new": new, "changed": changed}
    if op == "create":
        told.pop("old")
    if op in ("delete", "discard"):
        told.pop("new")
    (change,) = find_access_changes(PreviewRun(steps=(step(op, type_, **told),)))
    return change.details


NINE = tuple(f"n{i}" for i in range(9))


@pytest.mark.parametrize(
    ("op", "old", "new", "told"),
    [
        ("create", {}, secret("a.io", "b.io", namespaces=("x", "y")), ("hosts: a.io, b.io", "namespaces: x, y")),
        ("delete", secret("a.io", namespaces=("x",)), {}, ("hosts: a.io", "namespaces: x")),
        ("discard", secret("a.io"), {}, ("hosts: a.io", "namespaces: shop")),
        ("update", secret("a.io"), secret("a.io", "b.io"), ("hosts added: b.io",)),
        ("update", secret("a.io", "b.io"), secret("b.io"), ("hosts removed: a.io",)),
        ("update", secret("a.io"), secret("b.io"), ("hosts added: b.io", "hosts removed: a.io")),
        (
            "update",
            secret(namespaces=("x", "y")),
            secret(namespaces=("y", "z")),
            ("namespaces added: z", "namespaces removed: x"),
        ),
        ("update", secret(namespaces=()), secret(namespaces=NINE[:8]), (f"namespaces added: {', '.join(NINE[:8])}",)),
        (
            "update",
            secret(namespaces=NINE),
            secret(namespaces=()),
            (f"namespaces removed: {', '.join(NINE[:8])} and 1 more",),
        ),
        (
            "update",
            secret(),
            secret(namespaces=UNKNOWN),
            (f"namespaces added: {NOT_KNOWN}", "namespaces removed: shop"),
        ),
        ("replace", secret("a.io"), secret("a.io", "b.io"), ("hosts added: b.io",)),
    ],
)
def test_hosts_and_namespaces_that_come_and_go(op: str, old: Any, new: Any, told: tuple[str, ...]) -> None:
    assert details(op, REGISTRY_SECRET, old, new) == told


@pytest.mark.parametrize(
    ("op", "old", "new", "told"),
    [
        ("create", {}, accounts(), ("Secrets: pull", "namespaces: shop", "accounts: default")),
        ("delete", accounts("ci"), {}, ("Secrets: pull", "namespaces: shop", "accounts: ci")),
        ("update", accounts(), accounts("*"), ("accounts added: *", "accounts removed: default")),
        ("update", accounts("default"), accounts(), ()),
        ("update", accounts(secrets=("a",)), accounts(secrets=("a", "b")), ("Secrets added: b",)),
        ("update", accounts(namespaces=("x", "y")), accounts(namespaces=("x",)), ("namespaces removed: y",)),
    ],
)
def test_lists_of_accounts_that_change(op: str, old: Any, new: Any, told: tuple[str, ...]) -> None:
    assert details(op, SERVICE_ACCOUNTS, old, new) == told


def test_comment_has_a_row_for_what_is_removed() -> None:
    old, new = secret("a.io", "b.io", namespaces=("x", "y")), secret("a.io", namespaces=("x",))
    steps = (
        step("update", REGISTRY_SECRET, old=old, new=new, changed=("registries[1]", "namespaces[1]")),
        step("delete", SERVICE_ACCOUNTS, "accounts", old=accounts(namespaces=("y",))),
    )

    comment = render(PreviewRun(steps=steps, counts={"update": 1}), stack="prod", now=NOW)

    assert "| update | Secret | `pull` | hosts removed: b.io; namespaces removed: y |" in comment
    assert "| delete | ServiceAccounts | `accounts` | Secrets: pull; namespaces: y; accounts: default |" in comment


def test_each_change_has_its_kind_name_and_op_in_order() -> None:
    steps = (
        step("update", SERVICE_ACCOUNTS, "b", new=accounts()),
        step("update", REGISTRY_SECRET, "z", new={"name": "pull"}),
        step("delete", REGISTRY_SECRET, "y", old={"name": "old"}),
        step("create", REGISTRY_SECRET, "x"),
        step("same", REGISTRY_SECRET, "w", new={"name": "same"}),
        step("read", SERVICE_ACCOUNTS, "v"),
        step("create", "kubernetes:core/v1:Secret", "u", new=secret()),
    )

    found = [(each.op, each.kind, each.name) for each in find_access_changes(PreviewRun(steps=steps))]

    assert found == [
        ("create", "Secret", "x"),
        ("delete", "Secret", "old"),
        ("update", "Secret", "pull"),
        ("update", "ServiceAccounts", "b"),
    ]


@pytest.mark.parametrize(
    ("op", "changed", "expected"),
    [
        ("update", ("expiresAt",), ("renew", ("renewal due: 3.0 hours left for a.io",))),
        (
            "update",
            ("expiresAt", "labels.team"),
            ("update", ("changed: labels.team", "renewal due: 3.0 hours left for a.io")),
        ),
        ("update", ("labels.team", "adopt"), ("update", ("changed: labels.team, adopt",))),
        ("update", ("registries[0].password",), ("update", ("changed: how the tokens are asked for, or a password",))),
        ("update", ("registries[0].roleArn", "adopt"), ("update", ("changed: adopt",))),
        ("update", ("namespaces[0]",), ("update", ())),
        ("replace", ("name", "expiresAt"), ("replace", ())),
    ],
)
def test_renewal_and_other_changes_are_told_apart(op: str, changed: tuple[str, ...], expected: Any) -> None:
    changing = step(op, REGISTRY_SECRET, old=secret("a.io"), new=secret("a.io"), changed=changed)
    due = Message(severity="info", text="renewal due: 3.0 hours left for a.io", urn=changing.urn)
    others = Message(severity="info", text="renewal due: of another", urn="urn:other")

    (change,) = find_access_changes(PreviewRun(steps=(changing,), messages=(due, others)))
    (silent,) = find_access_changes(PreviewRun(steps=(changing,)))

    assert (change.op, change.details) == expected
    assert ("renewal due" in silent.details) is any(each.startswith("renewal due") for each in expected[1])


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


def changed(old: Any, new: Any, op: str = "update", type_: str = "kubernetes:core/v1:Pod") -> list[tuple[Any, Any]]:
    told = {"old": old or {}, "new": new or {}}
    found = find_image_changes(PreviewRun(steps=(step(op, type_, "a", **told),)))
    return [
        (each.before and (each.before.image, each.before.policy), each.after and (each.after.image, each.after.policy))
        for each in found
    ]


ONE, TWO = "ghcr.io/a/b:1", "ghcr.io/a/b:2"
NOT_PRESENT, ALWAYS = PullPolicy.IF_NOT_PRESENT, PullPolicy.ALWAYS


@pytest.mark.parametrize(
    ("op", "old", "new", "expected"),
    [
        ("update", pod("a", ONE), pod("a", TWO), [((ONE, NOT_PRESENT), (TWO, NOT_PRESENT))]),
        ("update", pod("a", ONE), pod("a", ONE, "Always"), [((ONE, NOT_PRESENT), (ONE, ALWAYS))]),
        ("update", pod("a", ONE), pod("a", ONE, replicas=2), []),
        ("replace", pod("a", ONE), pod("a", TWO), [((ONE, NOT_PRESENT), (TWO, NOT_PRESENT))]),
        ("create", None, pod("a", ONE), [(None, (ONE, NOT_PRESENT))]),
        ("delete", pod("a", ONE), pod("a", ONE), [((ONE, NOT_PRESENT), None)]),
        ("discard", pod("a", ONE), pod("a", ONE), [((ONE, NOT_PRESENT), None)]),
        ("same", pod("a", ONE), pod("a", TWO), []),
        ("refresh", pod("a", ONE), pod("a", TWO), []),
        ("update", pod("a", UNKNOWN), pod("a", ONE), [(None, (ONE, NOT_PRESENT))]),
        ("update", pod("a", ONE), pod("a", SECRET), [((ONE, NOT_PRESENT), None)]),
        ("update", pod("a", ONE), pod("a", ONE, "always"), [((ONE, NOT_PRESENT), None)]),
    ],
)
def test_images_and_policies_that_change(op: str, old: Any, new: Any, expected: list[Any]) -> None:
    assert changed(old, new, op) == expected


def test_containers_are_compared_by_name() -> None:
    def two(*names: str) -> dict[str, Any]:
        containers = [{"name": name, "image": f"ghcr.io/{name}:1", "imagePullPolicy": "Always"} for name in names]
        return {"kind": "Pod", "metadata": {"name": "a"}, "spec": {"containers": containers}}

    assert changed(two("a", "b"), two("b", "c")) == [
        (("ghcr.io/a:1", ALWAYS), None),
        (None, ("ghcr.io/c:1", ALWAYS)),
    ]


def test_what_is_not_known_is_named_and_what_is_no_workload_is_not() -> None:
    steps = (
        step("create", "kubernetes:core/v1:Pod", "b", new=pod("b", UNKNOWN)),
        step("create", "kubernetes:core/v1:Pod", "bad", new=pod("bad", ONE, "always")),
        step("create", "kubernetes:core/v1:ConfigMap", "c", new={"kind": "ConfigMap", "spec": {"containers": []}}),
        step("create", "aws:s3:Bucket", "d", new={"kind": UNKNOWN}),
    )

    after = read_plan(PreviewRun(steps=steps))

    assert (after.images, after.unknown) == ((), ("Pod/b", "Pod/bad"))
    assert [each.workload for each in after.pods] == ["Pod/b", "Pod/bad"]


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
