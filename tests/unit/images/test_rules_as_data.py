"""Rules as a configuration, or a program in another language, gives them: keys have effects, mistakes have paths."""

from typing import Any

import pytest

from imagepull.errors import InvalidInput
from imagepull.images.pull_policy import PullPolicy
from imagepull.images.rules import MutableTagPolicy, RuleExemption, RuleName, Rules, Subject, parse_rules

WEB = Subject(kind="Deployment", name="web", namespace="shop")
DIGEST = "@sha256:" + "0" * 64


@pytest.mark.parametrize(
    ("data", "rules"),
    [
        ({}, Rules()),
        ({"forbidLatest": True}, Rules(forbid_latest=True)),
        ({"requireDigest": True}, Rules(require_digest=True)),
        ({"forbidNever": True}, Rules(forbid_never=True)),
        ({"mutableTagPolicy": "Always"}, Rules(mutable_tag_policy=MutableTagPolicy.ALWAYS)),
        ({"mutableTagPolicy": "error"}, Rules(mutable_tag_policy=MutableTagPolicy.ERROR)),
        ({"allowedRegistries": ["ghcr.io", "quay.io"]}, Rules(allowed_registries=("ghcr.io", "quay.io"))),
        ({"exceptions": [{"reason": "old"}]}, Rules(exceptions=(RuleExemption(reason="old"),))),
        (
            {
                "exceptions": [
                    {"reason": "a", "rules": ["forbidNever", "requireDigest"]},
                    {"reason": "b", "namespace": "tools", "workload": "Job/*", "image": "ghcr.io/*"},
                ]
            },
            Rules(
                exceptions=(
                    RuleExemption(reason="a", rules=(RuleName.FORBID_NEVER, RuleName.REQUIRE_DIGEST)),
                    RuleExemption(reason="b", namespace="tools", workload="Job/*", image="ghcr.io/*"),
                )
            ),
        ),
        ({"forbidLatest": False, "forbidNever": None, "exceptions": []}, Rules()),
    ],
)
def test_each_key_has_its_effect(data: dict[str, Any], rules: Rules) -> None:
    assert parse_rules(data) == rules


@pytest.mark.parametrize(
    ("data", "image", "written", "violated"),
    [
        ({"requireDigest": True}, "ghcr.io/a:1", None, ["requireDigest"]),
        ({"requireDigest": True}, f"ghcr.io/a{DIGEST}", None, []),
        ({"forbidNever": True}, "ghcr.io/a:1", "Never", ["forbidNever"]),
        ({"forbidNever": True}, "ghcr.io/a:1", "Always", []),
        ({"allowedRegistries": ["ghcr.io/team"]}, "ghcr.io/team/a:1", None, []),
        ({"allowedRegistries": ["ghcr.io/team"]}, "ghcr.io/teams/a:1", None, ["allowedRegistries"]),
        ({"requireDigest": True, "allowedRegistries": ["quay.io"]}, "ghcr.io/a:1", None, ["requireDigest", "allowedR"]),
    ],
)
def test_rules_given_as_data_are_kept(
    data: dict[str, Any], image: str, written: str | None, violated: list[str]
) -> None:
    found = parse_rules(data).decide(image, written, WEB).violations

    assert len(found) == len(violated)
    assert all(each.rule.startswith(name) for each, name in zip(found, violated, strict=True))


@pytest.mark.parametrize(
    "narrowing",
    [
        {"rules": ["forbidLatest"]},
        {"namespace": "tools"},
        {"workload": "DaemonSet/*"},
        {"image": "quay.io/*"},
    ],
)
def test_exception_covers_no_more_than_it_names(narrowing: dict[str, Any]) -> None:
    def violations(exception: dict[str, Any]) -> int:
        rules = parse_rules({"requireDigest": True, "exceptions": [{"reason": "old", **exception}]})
        return len(rules.decide("ghcr.io/a:1", None, WEB).violations)

    assert violations({}) == 0
    assert violations(narrowing) == 1


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ({"forbidLatests": True}, "rules.forbidLatests: is no input here; is forbidLatest meant?"),
        ({"forbid_latest": True}, "rules.forbid_latest: is no input here; is forbidLatest meant?"),
        ({"requireDigest": "yes"}, "rules.requireDigest: is 'yes'; write true or false"),
        ({"mutableTagPolicy": "always"}, "rules.mutableTagPolicy: is 'always'; write one of Always, error; is Always"),
        ({"allowedRegistries": "ghcr.io"}, "rules.allowedRegistries: is 'ghcr.io'; write a list"),
        ({"allowedRegistries": [""]}, "rules.allowedRegistries[0]: is empty; write a text that is not empty"),
        ({"exceptions": [{}]}, "rules.exceptions[0].reason: is missing; write a text that is not empty"),
        ({"exceptions": ["old"]}, "rules.exceptions[0]: is 'old'; write a mapping"),
        (
            {"exceptions": [{"reason": "x", "namespaces": "a"}]},
            "rules.exceptions[0].namespaces: is no input here; is namespace meant?",
        ),
        (
            {"exceptions": [{"reason": "x", "rules": ["all"]}]},
            "rules.exceptions[0].rules[0]: is 'all'; write one of forbidLatest, requireDigest, mutableTagPolicy,",
        ),
    ],
)
def test_mistake_has_its_path(data: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        parse_rules(data)

    assert str(raised.value).startswith(told)


def test_all_mistakes_are_reported_at_once() -> None:
    with pytest.raises(InvalidInput) as raised:
        parse_rules({"forbidLatest": 1, "forbidNever": 2, "exceptions": [{}, {"reason": "", "image": 3}]})

    assert [problem.path for problem in raised.value.problems] == [
        "rules.forbidLatest",
        "rules.forbidNever",
        "rules.exceptions[0].reason",
        "rules.exceptions[1].image",
        "rules.exceptions[1].reason",
    ]


@pytest.mark.parametrize(
    ("rules", "rule"),
    [
        (Rules(require_digest=True), RuleName.REQUIRE_DIGEST),
        (Rules(allowed_registries=("ghcr.io",)), RuleName.ALLOWED_REGISTRIES),
        (Rules(require_digest=True, allowed_registries=("ghcr.io",)), RuleName.REQUIRE_DIGEST),
    ],
)
def test_image_that_is_none_is_against_the_rule_that_needs_one(rules: Rules, rule: RuleName) -> None:
    (violation,) = rules.decide("NGINX//", None, WEB).violations

    assert violation.rule is rule
    assert "NGINX//" in violation.message


def test_message_says_what_to_write_only_where_the_rule_does_not_do_it_itself() -> None:
    error = Rules(mutable_tag_policy=MutableTagPolicy.ERROR).decide("nginx:1", None, WEB)
    always = Rules(mutable_tag_policy=MutableTagPolicy.ALWAYS).decide("nginx:1", None, WEB)

    assert error.violations[0].message == (
        "a tag may be pushed again, and nodes that have the image would not see it;"
        " write a digest, or imagePullPolicy: Always"
    )
    assert (always.policy, always.reason) == (
        PullPolicy.ALWAYS,
        "mutableTagPolicy: a tag may be pushed again, and nodes that have the image would not see it",
    )


def test_reason_keeps_the_kubelets_and_adds_the_exceptions() -> None:
    rules = parse_rules({"forbidLatest": True, "exceptions": [{"reason": "old"}]})

    assert rules.decide("nginx", None, WEB).reason == "no tag means latest; excepted from forbidLatest: old"


@pytest.mark.parametrize("namespace", [None, "*"])
def test_pattern_matches_line_ends_and_a_lack_of_namespace(namespace: str | None) -> None:
    subject = Subject(kind="Pod", name="a\nb", namespace=None)
    exception = {"reason": "old", "workload": "a*b", **({"namespace": namespace} if namespace else {})}

    assert (
        parse_rules({"forbidLatest": True, "exceptions": [exception]}).decide("nginx", None, subject).violations == ()
    )
