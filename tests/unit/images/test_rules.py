"""The rules of an environment: what each refuses, what it says instead, and how an exception is made."""

import pytest

from imagepull.images.pull_policy import PullPolicy
from imagepull.images.rules import MutableTagPolicy, RuleExemption, RuleName, Rules, Subject

DIGEST = "@sha256:" + "0" * 64
WEB = Subject(kind="Deployment", name="web", namespace="shop")


def broken(rules: Rules, image: str, written: str | None = None) -> list[RuleName]:
    return [violation.rule for violation in rules.decide(image, written, WEB).violations]


@pytest.mark.parametrize(
    ("rules", "image", "written", "violated"),
    [
        (Rules(forbid_latest=True), "nginx", None, True),
        (Rules(forbid_latest=True), "nginx:latest", None, True),
        (Rules(forbid_latest=True), "nginx:latest" + DIGEST, None, True),
        (Rules(forbid_latest=True), "nginx" + DIGEST, None, False),
        (Rules(forbid_latest=True), "nginx:1", None, False),
        (Rules(require_digest=True), "nginx:1", None, True),
        (Rules(require_digest=True), "nginx:1" + DIGEST, None, False),
        (Rules(require_digest=True), "NGINX//", None, True),
        (Rules(mutable_tag_policy=MutableTagPolicy.ERROR), "nginx:1", None, True),
        (Rules(mutable_tag_policy=MutableTagPolicy.ERROR), "nginx:1", "IfNotPresent", True),
        (Rules(mutable_tag_policy=MutableTagPolicy.ERROR), "nginx:1", "Always", False),
        (Rules(mutable_tag_policy=MutableTagPolicy.ERROR), "nginx", None, False),
        (Rules(mutable_tag_policy=MutableTagPolicy.ERROR), "nginx:1" + DIGEST, None, False),
        (Rules(forbid_never=True), "nginx:1", "Never", True),
        (Rules(forbid_never=True), "nginx:1", "Always", False),
        (Rules(allowed_registries=("ghcr.io",)), "nginx", None, True),
        (Rules(allowed_registries=("ghcr.io",)), "ghcr.io/a/b:1", None, False),
        (Rules(allowed_registries=("ghcr.io",)), "ghcr.io.example.com/a/b:1", None, True),
        (Rules(allowed_registries=("ghcr.io/team",)), "ghcr.io/team/app:1", None, False),
        (Rules(allowed_registries=("ghcr.io/team",)), "ghcr.io/teams/app:1", None, True),
        (Rules(allowed_registries=("docker.io/library",)), "nginx:1", None, False),
        (Rules(allowed_registries=("*.dkr.ecr.*.amazonaws.com",)), "1.dkr.ecr.eu-west-1.amazonaws.com/a", None, False),
        (Rules(allowed_registries=("ghcr.io",)), "https://ghcr.io/a", None, True),
        (Rules(allowed_registries=("[::1]:5000",)), "[::1]:5000/a", None, False),
        (Rules(allowed_registries=("ghcr.i?",)), "ghcr.io/a", None, True),
    ],
)
def test_rule_refuses_what_it_names(rules: Rules, image: str, written: str | None, violated: bool) -> None:
    assert bool(broken(rules, image, written)) is violated


def test_no_rules_is_the_kubelets_rule() -> None:
    decision = Rules().decide("nginx")

    assert decision.policy is PullPolicy.ALWAYS
    assert decision.violations == ()


@pytest.mark.parametrize(
    ("image", "written", "policy"),
    [
        ("nginx:1", None, PullPolicy.ALWAYS),
        ("nginx:1", "IfNotPresent", PullPolicy.ALWAYS),
        ("nginx:1", "Never", PullPolicy.NEVER),
        ("nginx:1" + DIGEST, None, PullPolicy.IF_NOT_PRESENT),
        ("not//valid", None, PullPolicy.IF_NOT_PRESENT),
    ],
)
def test_mutable_tags_are_always_pulled_on_demand(image: str, written: str | None, policy: PullPolicy) -> None:
    decision = Rules(mutable_tag_policy=MutableTagPolicy.ALWAYS).decide(image, written)

    assert decision.policy is policy
    assert ("mutableTagPolicy" in decision.reason) is (policy is PullPolicy.ALWAYS)
    assert decision.violations == ()


def test_each_broken_rule_is_told_with_what_to_write() -> None:
    rules = Rules(forbid_latest=True, require_digest=True, forbid_never=True, allowed_registries=("ghcr.io", "quay.io"))

    told = {each.rule: each.message for each in rules.decide("nginx", "Never", WEB).violations}

    assert list(told) == [
        RuleName.FORBID_LATEST,
        RuleName.REQUIRE_DIGEST,
        RuleName.ALLOWED_REGISTRIES,
        RuleName.FORBID_NEVER,
    ]
    assert "write nginx@sha256:" in told[RuleName.REQUIRE_DIGEST]
    assert "use ghcr.io or quay.io" in told[RuleName.ALLOWED_REGISTRIES]
    assert "IfNotPresent" in told[RuleName.FORBID_NEVER]


@pytest.mark.parametrize(
    ("exception", "covered"),
    [
        (RuleExemption(reason="old"), True),
        (RuleExemption(reason="old", rules=(RuleName.FORBID_NEVER,)), False),
        (RuleExemption(reason="old", namespace="sh*"), True),
        (RuleExemption(reason="old", namespace="tools"), False),
        (RuleExemption(reason="old", workload="w*b"), True),
        (RuleExemption(reason="old", workload="Deployment/*"), True),
        (RuleExemption(reason="old", workload="DaemonSet/*"), False),
        (RuleExemption(reason="old", image="nginx"), True),
        (RuleExemption(reason="old", image="docker.io/library/*"), True),
        (RuleExemption(reason="old", image="ghcr.io/*"), False),
    ],
)
def test_exception_covers_what_it_names(exception: RuleExemption, covered: bool) -> None:
    decision = Rules(forbid_latest=True, exceptions=(exception,)).decide("nginx", None, WEB)

    assert (decision.violations == ()) is covered
    assert decision.reason.endswith("excepted from forbidLatest: old") is covered


def test_exception_from_a_set_policy_keeps_the_written_one() -> None:
    exception = RuleExemption(reason="air-gapped", rules=(RuleName.MUTABLE_TAG_POLICY,))
    rules = Rules(mutable_tag_policy=MutableTagPolicy.ALWAYS, exceptions=(exception,))

    assert rules.decide("nginx:1", "IfNotPresent", WEB).policy is PullPolicy.IF_NOT_PRESENT


def test_without_a_workload_no_exception_applies() -> None:
    rules = Rules(forbid_latest=True, exceptions=(RuleExemption(reason="old"),))

    assert rules.decide("nginx").violations
