"""The comment of a pull request: golden files, its limit, and what foreign text cannot do to it.

After a wanted change run `UPDATE_GOLDEN=1 python -m pytest tests/unit/preview/test_comment.py`, and review the diff.
"""

import base64
import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from imagepull.errors import InvalidInput
from imagepull.preview.comment import GITHUB_LIMIT, LEAST_LIMIT, make_marker, render
from imagepull.preview.engine_events import Message, PreviewRun, Step, read
from imagepull.preview.image_changes import read_plan
from imagepull.preview.markdown import format_code, format_preformatted, format_prose
from imagepull.pull_plan.findings import collect_findings
from imagepull.redaction import REDACTED, redact
from tests.golden import GOLDEN, assert_golden

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
DIGEST = "sha256:" + "4b" * 32


def recorded(name: str) -> PreviewRun:
    return read((GOLDEN / f"{name}.preview.json").read_text())


def deployments(count: int, name: str = "app-{}") -> PreviewRun:
    def step(number: int) -> Step:
        def manifest(tag: str, policy: str) -> dict[str, object]:
            container = {"name": "app", "image": f"ghcr.io/acme/app-{number}:{tag}", "imagePullPolicy": policy}
            metadata = {"name": name.format(number), "namespace": "shop"}
            return {"kind": "Pod", "metadata": metadata, "spec": {"containers": [container]}}

        urn = f"urn:pulumi:prod::shop::kubernetes:core/v1:Pod::{name.format(number)}"
        old, new = manifest("1.0.0", "IfNotPresent"), manifest("latest", "Always")
        changed = ("spec.containers[0].image", "spec.containers[0].imagePullPolicy")
        return Step(op="update", urn=urn, type="kubernetes:core/v1:Pod", old=old, new=new, changed=changed)

    return PreviewRun(steps=tuple(map(step, range(count))), counts={"update": count})


@pytest.mark.parametrize("name", ["no-change", "first-deploy", "policy-change", "renewal-due", "findings", "failed"])
def test_comment_is_the_golden_one(name: str) -> None:
    assert_golden(f"{name}.md", render(recorded(name), stack="prod", now=NOW))


@pytest.mark.parametrize(
    ("name", "named"),
    [("findings", True), ("no-change", False), ("first-deploy", True), ("policy-change", True), ("renewal-due", True)],
)
def test_where_pods_are_concerned_the_commands_for_one_that_does_not_start_are_named(name: str, named: bool) -> None:
    assert ("`imagepull diagnose` says why a Pod" in render(recorded(name), stack="prod", now=NOW)) is named


def test_a_failed_update_names_the_commands_and_a_failed_preview_does_not() -> None:
    failed = recorded("failed")
    assert "`imagepull diagnose`" in render(replace(failed, preview=False), stack="prod", now=NOW)
    assert "`imagepull diagnose`" not in render(replace(failed, preview=True), stack="prod", now=NOW)


def test_comment_of_1000_changes_is_cut_by_importance_and_says_so() -> None:
    run = recorded("findings")
    many = replace(run, steps=(*run.steps, *deployments(1000).steps), counts={"create": 21, "update": 1000})
    comment = render(many, stack="prod", limit=12_000, log_url="https://github.com/acme/shop/actions/runs/1")
    assert_golden("1000-changes.md", comment)
    assert len(comment.encode()) <= 12_000
    assert "#### Findings" in comment
    assert "**Cut to fit into a comment:**" in comment
    assert comment.endswith(make_marker("prod") + "\n")


@pytest.mark.parametrize("limit", [LEAST_LIMIT, 5_000, 20_000, GITHUB_LIMIT])
@pytest.mark.parametrize(
    "run",
    [
        deployments(1000),
        deployments(300, "é" * 200 + "{}"),
        PreviewRun(messages=tuple(Message(severity="error", text=f"{each}" * 9000) for each in range(50)), failed=True),
    ],
    ids=["many", "long names, more bytes than characters", "long errors"],
)
def test_comment_is_never_over_the_limit(run: PreviewRun, limit: int) -> None:
    comment = render(run, stack="s" * 100, limit=limit, log_url="https://example.com/" + "x" * 400)
    assert len(comment.encode()) <= limit
    assert comment.count("<details>") == comment.count("</details>")
    assert comment.count("<pre>") == comment.count("</pre>")


def test_comment_uses_the_room_there_is() -> None:
    assert len(render(deployments(1000), stack="prod").encode()) > 0.95 * GITHUB_LIMIT


def test_first_line_is_the_verdict_with_counts() -> None:
    def first(run: PreviewRun) -> str:
        return render(run, stack="prod").splitlines()[0]

    assert first(recorded("no-change")) == "### ✅ prod: no changes · 10 unchanged"
    assert first(recorded("failed")).startswith("### ❌ prod: preview failed · 1 error")
    assert "image pulls: 2 images, 1 Secret, 1 ServiceAccount list" in first(recorded("policy-change"))
    assert "1 renewal" in first(recorded("renewal-due"))
    assert re.search(r"⚠️|❌", first(recorded("findings")))
    assert "findings: 3 errors, 4 warnings" in first(recorded("findings"))


ECHO = "an unhandled error occurred: Program exited with non-zero exit code: 1"


def test_pulumis_own_line_about_a_failed_program_is_not_counted() -> None:
    def comment(*texts: str) -> str:
        said = [{"severity": "error", "message": f"<{{%reset%}}>{text}<{{%reset%}}>\n"} for text in texts]
        return render(read(json.dumps({"diagnostics": said, "steps": []})), stack="prod")

    assert comment("error: no such host", ECHO).splitlines()[0] == "### ❌ prod: preview failed · 1 error"
    assert "unhandled" not in comment("no such host", ECHO)
    assert "unhandled" in comment(ECHO)


@pytest.mark.parametrize(
    "registries",
    ["04da6b54-80e4-46f7-96ec-b56ff0331ba9", "[secret]", ["04da6b54-80e4-46f7-96ec-b56ff0331ba9"], [{}], None, {}, 3],
    ids=["unknown", "secret", "unknown entry", "no host", "none", "mapping", "number"],
)
def test_registries_that_a_preview_does_not_know_are_said_to_be_so(registries: object) -> None:
    inputs = {"name": "pull", "namespaces": ["shop"], "registries": registries}
    urn = "urn:pulumi:s::p::imagepull:index:RegistrySecret::pull"
    pod = {"kind": "Pod", "metadata": {"name": "a"}, "spec": {"containers": [{"name": "a", "image": "ghcr.io/a/b:1"}]}}
    steps = [
        {"op": "create", "urn": urn, "newState": {"inputs": inputs}},
        {"op": "update", "urn": urn + "2", "oldState": {"inputs": inputs}, "newState": {"inputs": inputs}},
        {"op": "create", "urn": "urn:pulumi:s::p::kubernetes:core/v1:Pod::a", "newState": {"inputs": pod}},
    ]

    run = read(json.dumps({"steps": steps, "changeSummary": {"create": 2}}))

    assert "| create | Secret | `pull` |" in render(run, stack="prod")
    if registries and not isinstance(registries, dict | int):
        assert "hosts: (known after up)" in render(run, stack="prod")
        assert read_plan(run).accesses is None  # and so nothing is said about what opens an image


def test_preview_that_told_nothing_is_a_comment_too() -> None:
    comment = render(read(""), stack="prod")
    assert comment.startswith("### ❌ prod: preview failed")
    assert "failed before it began" in comment


def test_findings_that_only_the_program_knows_are_shown_and_counted() -> None:
    own = "error: shop2/Deployment/web, container web, image ghcr.io/a/b:1: ghcr.io/a/b:1 is not in the registry"
    run = recorded("findings")
    known = str(collect_findings(read_plan(run))[0])
    said = Message(severity="info", text=f"Image pull plan\nWORKLOAD\n\n{own}\n{known}")
    comment = render(replace(run, messages=(said,)), stack="prod")
    assert "findings: 4 errors, 4 warnings" in comment.splitlines()[0]
    assert f"#### Findings of the program\n\n- {own}\n\n" in comment
    assert "Messages" not in comment


def test_same_run_has_the_same_comment_in_whatever_order_it_is_told() -> None:
    run = recorded("policy-change")
    assert render(replace(run, steps=run.steps[::-1]), stack="prod") == render(run, stack="prod")


@pytest.mark.parametrize("stack", ["", "a b", "a--b", "-a", "a>b", "a-->", "x" * 101])
def test_stack_that_would_break_the_marker_is_refused(stack: str) -> None:
    with pytest.raises(InvalidInput, match="stack"):
        render(PreviewRun(), stack=stack)


@pytest.mark.parametrize(("limit", "log_url"), [(1999, ""), (5000, "javascript:x"), (5000, "https://a/b)c")])
def test_wrong_limit_or_url_is_refused(limit: int, log_url: str) -> None:
    with pytest.raises(InvalidInput):
        render(PreviewRun(), stack="prod", limit=limit, log_url=log_url)


HOSTILE = [
    "`code` `` ```",
    "a|b\\|c",
    "@octocat and @acme/team",
    "</details></pre><img src=x onerror=alert(1)>",
    "<!-- imagepull: dev -->",
    "[click](https://evil.example) ![x](y) #1 GH-1",
    "line\n\n# heading\n- item",
    "**bold** _em_ ~~gone~~ $x$ &amp;",
    "right\u202eleft\u200b",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_foreign_text_has_no_effect_on_the_comment(text: str) -> None:
    row = {"name": text, "image": text, "imagePullPolicy": "Always"}
    manifest = {"kind": "Pod", "metadata": {"name": text, "namespace": text}, "spec": {"containers": [row]}}
    step = Step(op="create", urn=f"urn:pulumi:s::p::kubernetes:core/v1:Pod::{text}", type="t", new=manifest)
    said = tuple(Message(severity=severity, text=text) for severity in ("error", "warning"))
    comment = render(PreviewRun(steps=(step,), messages=said, counts={"create": 1}), stack="prod")
    assert comment.count("<!--") == 1
    effective = re.sub(r"`[^`\n]*`", "CODE", comment)
    assert effective.count("<details>") == effective.count("</details>") == 3
    assert effective.count("<pre>") == effective.count("</pre>") == 3
    assert "<img" not in effective
    for line in comment.splitlines():
        if line.startswith("|"):
            plain = re.sub(r"`[^`]*`", "CODE", line)
            assert not re.search(r"(?<!\\)[<*_~\[](?!br)", plain.replace("**CODE**", "CODE"))
            assert not re.search(r"[@#]\w", plain)
    tables = [line for line in comment.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in tables} <= {5, 7}


@pytest.mark.parametrize("form", [format_code, format_prose, format_preformatted])
def test_each_form_redacts(form: Callable[[str], str]) -> None:
    shown = form("password of bot: ghp_abcdefghijklmnopqrstuvwx")
    assert "ghp_" not in shown
    assert "redacted" in shown


ECR_PASSWORD = base64.b64encode(
    json.dumps({"payload": "x9Kd" * 60, "datakey": "Q7" * 40, "version": "2"}).encode()
).decode()
DOCKER_CONFIG = json.dumps(
    {"auths": {"ghcr.io": {"username": "bot", "password": "hunter2", "auth": "Ym90Omh1bnRlcjI="}}}
)


@pytest.mark.parametrize(
    ("text", "secrets"),
    [
        (f"token {ECR_PASSWORD} end", [ECR_PASSWORD, ECR_PASSWORD[:60]]),
        (base64.b64encode(f"AWS:{ECR_PASSWORD}".encode()).decode(), [ECR_PASSWORD[:40], "QVdTOm"]),
        (DOCKER_CONFIG, ["hunter2", "Ym90Omh1bnRlcjI="]),
        (json.dumps(DOCKER_CONFIG), ["hunter2", "Ym90Omh1bnRlcjI="]),
        (DOCKER_CONFIG[:70], ["hunt"]),
        (base64.b64encode(DOCKER_CONFIG.encode()).decode(), ["eyJhdXRocyI6"]),
        ('{"auth": "Ym90Omh1bnRlcjI="}', ["Ym90"]),
        ("auth Ym90Omh1bnRlcjI=", ["Ym90"]),
        ("Authorization: Basic Ym90Omg=", ["Ym90"]),
        ("Authorization: Bearer eyJhbGciOi.eyJzdWIi.sig-na_ture", ["eyJhbG", "sig-na"]),
        ("https://bot:hun/ter2@ghcr.io/v2/", ["hun/ter2"]),
        ("docker login --password=hunter2", ["hunter2"]),
        ("https://bot:hunter2@ghcr.io/v2/", ["hunter2", "bot"]),
        ("password='hunter2'", ["hunter2"]),
        ("AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", ["AKIA", "wJalr"]),
    ],
    ids=lambda value: "" if isinstance(value, list) else value[:24],
)
def test_what_looks_like_a_credential_is_taken_out(text: str, secrets: Sequence[str]) -> None:
    shown = redact(text)
    assert REDACTED in shown
    assert not [secret for secret in secrets if secret in shown]


@pytest.mark.parametrize(
    "text",
    [
        f"123456789012.dkr.ecr.us-east-1.amazonaws.com/team/long-repository-name/with-parts:1.0@{DIGEST}",
        "urn:pulumi:prod::shop::imagepull:index:RegistryAccess$imagepull:index:RegistrySecret::registry-access",
        "kubernetes:rbac.authorization.k8s.io/v1:ClusterRoleBinding",
        "registries[1].password: is missing beside username; give both",
        "spec.template.spec.containers[0].imagePullPolicy",
        "image: busybox, password: [secret]",
        'password = "[secret]"',
        "the registry wants basic authentication; see https://ghcr.io:443/v2/",
    ],
)
def test_what_is_no_credential_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    "part", ['{"auths":', 'password: "', "a:b://c:", "\\\\", "{ ", "Basic ", "aB3" * 20 + ".", "QVdTO"]
)
def test_long_hostile_text_does_not_hang(part: str) -> None:
    assert redact(part * 20_000) is not None
