"""What a run means for image pulls: images before and after, pull Secrets, who has them, and what comes and goes."""

from collections.abc import Mapping
from typing import Any

import pytest

from imagepull.images.pull_policy import PullPolicy
from imagepull.inputs import UNKNOWN
from imagepull.preview.comment import render
from imagepull.preview.engine_events import SECRET, Message, PreviewRun
from imagepull.preview.image_changes import find_access_changes, find_image_changes, read_plan
from imagepull.resource_types import REGISTRY_SECRET, SERVICE_ACCOUNTS
from tests.unit.preview.step_examples import NOT_KNOWN, NOW, ONE, TWO, accounts, pod, secret, step


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
        (
            "update",
            accounts(),
            {"namespaces": ["shop"], "nodeRoleArn": "arn:pull"},
            ("Secrets removed: pull", "nodes' role added: arn:pull"),
        ),
        (
            "create",
            {},
            {"namespaces": ["shop"], "nodeRoleArn": UNKNOWN},
            ("namespaces: shop", "accounts: default", f"nodes' role: {NOT_KNOWN}"),
        ),
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


def changed(old: Any, new: Any, op: str = "update", type_: str = "kubernetes:core/v1:Pod") -> list[tuple[Any, Any]]:
    told = {"old": old or {}, "new": new or {}}
    found = find_image_changes(PreviewRun(steps=(step(op, type_, "a", **told),)))
    return [
        (each.before and (each.before.image, each.before.policy), each.after and (each.after.image, each.after.policy))
        for each in found
    ]


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
