"""Offline findings: one row for each thing that can be wrong, and for each that only looks so."""

from collections.abc import Sequence
from typing import Any

import pytest

from imagepull.images.pull_policy import PullPolicy
from imagepull.images.rules import RuleName, Violation
from imagepull.pull_plan.access import PlannedAccess, PodAccess
from imagepull.pull_plan.explicit import ResolvedImage
from imagepull.pull_plan.findings import Finding, Severity
from imagepull.pull_plan.findings import collect_findings as findings_of
from imagepull.pull_plan.plan import Plan
from tests.resolved_images import row

ECR = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
OTHER_ECR = "210987654321.dkr.ecr.eu-west-1.amazonaws.com"
DIGEST = "sha256:" + "4b" * 32
ACCESS = PlannedAccess(
    secret="registry-access", hosts=(ECR, "harbor.example.com:8443", "docker.io"), namespaces=("shop",)
)


def findings(
    images: Sequence[ResolvedImage], accesses: Sequence[PlannedAccess] | None, *pods: PodAccess
) -> list[Finding]:
    return findings_of(Plan(images=tuple(images), accesses=None if accesses is None else tuple(accesses), pods=pods))


def found(image: ResolvedImage, access: PlannedAccess | None = ACCESS) -> list[tuple[str, str]]:
    return [(each.severity.value, each.code) for each in findings([image], [access] if access else [])]


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        (row(f"{ECR}/shop/web@{DIGEST}"), []),
        (row(f"{ECR}/shop/web:latest"), []),
        (row(f"docker.io/acme/app@{DIGEST}"), []),
        (row(f"ghcr.io/acme/app@{DIGEST}"), []),  # may be public
        (row(f"{ECR}/shop/web:1.0.3"), [("info", "mutable-tag")]),
        (row(f"{ECR}/shop/web:main"), [("warning", "mutable-tag")]),
        (row(f"{ECR}/shop/web:1-alpine"), [("warning", "mutable-tag")]),
        (row(f"{ECR}/shop/web:latest@{DIGEST}"), [("warning", "latest-with-digest")]),
        (row(f"{ECR}/shop/web@{DIGEST}", policy="Never"), [("warning", "never")]),
        (row(f"{ECR}/shop/web@{DIGEST}", namespace="tools"), [("error", "secret-other-namespace")]),
        (row(f"{ECR}/shop/web@{DIGEST}", namespace=None), [("error", "secret-other-namespace")]),
        (row(f"{ECR}:443/shop/web@{DIGEST}"), [("error", "key-port-mismatch")]),
        (row(f"harbor.example.com/web@{DIGEST}"), [("error", "key-port-mismatch")]),
        (row(f"{OTHER_ECR}/tools/worker@{DIGEST}"), [("warning", "no-entry")]),
        (row(f"registry.example.com/web@{DIGEST}"), [("info", "no-entry")]),
        (row(ECR), [("error", "bare-registry-host")]),
        (row("registry.example.com:5000"), [("error", "bare-registry-host")]),
        (row("Shop/Web:1.0"), [("error", "invalid-image-name")]),
    ],
    ids=lambda value: value.image if isinstance(value, ResolvedImage) else "",
)
def test_each_image_has_its_findings(image: ResolvedImage, expected: list[tuple[str, str]]) -> None:
    assert found(image) == expected


def test_namespaces_that_are_not_known_yet_are_no_finding() -> None:
    unknown = PlannedAccess(secret="registry-access", hosts=(ECR,), namespaces=None)
    assert found(row(f"{ECR}/shop/web@{DIGEST}", namespace="tools"), unknown) == []


def test_one_secret_in_the_namespace_is_enough() -> None:
    elsewhere = PlannedAccess(secret="elsewhere", hosts=(ECR,), namespaces=("tools",))
    assert findings([row(f"{ECR}/shop/web@{DIGEST}")], [elsewhere, ACCESS]) == []


def test_nothing_is_said_of_entries_when_the_secrets_are_not_known() -> None:
    assert findings([row(f"{ECR}/shop/web@{DIGEST}")], None) == []


def test_program_that_declares_no_secret_may_get_them_from_elsewhere() -> None:
    assert [each.severity for each in findings([row(f"{ECR}/a@{DIGEST}")], [])] == [Severity.INFO]


def test_a_default_namespace_counts_as_default() -> None:
    access = PlannedAccess(secret="registry-access", hosts=(ECR,), namespaces=("default",))
    assert found(row(f"{ECR}/shop/web@{DIGEST}", namespace=None), access) == []


@pytest.mark.parametrize(
    ("image", "advice"),
    [
        (row(ECR), f"write {ECR}/REPOSITORY:TAG as the image"),
        (row("registry.example.com:5000"), "write registry.example.com:5000/REPOSITORY:TAG as the image"),
        (
            row(f"{ECR}/shop/web@{DIGEST}", namespace="tools"),
            "create registry-access in tools: add tools to `namespaces` of the RegistryAccess",
        ),
        (
            row(f"{ECR}:443/a@{DIGEST}"),
            f"write {ECR}:443 in `registries` of the RegistryAccess, or as the key in `auths`;"
            " or write the same port in the image",
        ),
        (
            row(f"{OTHER_ECR}/a@{DIGEST}"),
            f"add {{host: {OTHER_ECR}}} to registries, unless the nodes have a credential provider for it",
        ),
    ],
    ids=["bare", "bare with a port", "namespace", "port", "no-entry"],
)
def test_each_error_says_what_to_write(image: ResolvedImage, advice: str) -> None:
    assert findings([image], [ACCESS])[0].advice == advice


def test_a_violated_rule_is_an_error_beside_the_others() -> None:
    violation = Violation(rule=RuleName.FORBID_LATEST, message="write a version's tag")
    image = row(f"{ECR}/shop/web:latest")
    broken = ResolvedImage(**{**{f: getattr(image, f) for f in image.__dataclass_fields__}, "violations": (violation,)})
    assert found(broken) == [("error", "forbidLatest")]


def test_the_worst_come_first_and_equal_ones_keep_their_order() -> None:
    images = [row(f"{ECR}/a:main"), row(ECR), row(f"{ECR}/b:1.0.3"), row(f"{ECR}/c:main")]
    assert [(each.severity, each.image.image) for each in findings(images, [ACCESS])] == [
        (Severity.ERROR, ECR),
        (Severity.WARNING, f"{ECR}/a:main"),
        (Severity.WARNING, f"{ECR}/c:main"),
        (Severity.INFO, f"{ECR}/b:1.0.3"),
    ]


def test_a_finding_reads_as_one_line() -> None:
    finding = Finding(severity=Severity.ERROR, code="x", image=row(f"{ECR}/a:1"), text="it is wrong", advice="write b")
    expected = f"error: shop/Deployment/web, container web, image {ECR}/a:1: it is wrong; write b"
    assert str(finding) == expected


def test_never_with_a_private_image_tells_of_the_kubelet_from_1_35_on() -> None:
    private, public = row(f"{ECR}/a@{DIGEST}", policy="Never"), row(f"ghcr.io/a/b@{DIGEST}", policy="Never")
    texts = [each.text for each in findings([private, public], [ACCESS])]
    assert ["1.35" in text for text in texts] == [True, False]
    assert private.policy is PullPolicy.NEVER


@pytest.mark.parametrize(
    ("pod", "code", "text"),
    [
        ({"pull_secrets": ("registry-access",)}, None, ""),
        ({}, None, ""),
        (
            {"pull_secrets": ("theirs", "others")},
            "pod-own-list",
            "the Pod lists theirs, others in imagePullSecrets, so the Secret registry-access of its ServiceAccount",
        ),
        (
            {"pull_secrets": ("theirs",), "service_account": "ci"},
            "secret-not-given",
            "the Secret registry-access opens the image, but the Pod lists theirs in imagePullSecrets",
        ),
        (
            {"service_account": "ci"},
            "no-pull-secret",
            f"neither the Pod nor its ServiceAccount ci names a Secret for {ECR}",
        ),
    ],
)
def test_pods_that_do_not_get_the_secret_are_told(pod: dict[str, Any], code: str | None, text: str) -> None:
    image = row(f"{ECR}/shop/web@{DIGEST}")

    told = findings([image], [ACCESS], PodAccess(workload=image.workload, namespace="shop", **pod))

    assert [each.code for each in told] == ([code] if code else [])
    assert all(each.text.startswith(text) and each.advice.startswith("write access=...") for each in told)


def test_public_registry_may_be_asked_without_the_secret() -> None:
    image = row(f"docker.io/acme/app@{DIGEST}")

    assert findings([image], [ACCESS], PodAccess(workload=image.workload, namespace="shop", pull_secrets=("a",))) == []
