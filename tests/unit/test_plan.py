"""The image pull plan, as a person and as a program reads it."""

from typing import Any

from imagepull.plan import as_data, as_table, broken_rules
from imagepull.pull_policy import PullPolicy
from imagepull.rules import RuleName, Violation
from imagepull.workload import ResolvedImage


def image(**fields: Any) -> ResolvedImage:
    return ResolvedImage(
        **{
            "workload": "Deployment/web",
            "namespace": "shop",
            "container": "web",
            "image": "nginx",
            "policy": PullPolicy.ALWAYS,
            "reason": "no tag means latest",
            "path": "spec.template.spec.containers[0]",
            **fields,
        }
    )


VIOLATION = Violation(rule=RuleName.FORBID_LATEST, message="write a version's tag")


def test_table_is_aligned_and_has_no_trailing_blanks() -> None:
    images = [
        image(),
        image(workload="Pod/a", namespace=None, image="b:1", policy=PullPolicy.IF_NOT_PRESENT, reason="tag is 1"),
    ]

    assert as_table(images).splitlines() == [
        "Image pull plan",
        "WORKLOAD             CONTAINER  IMAGE  POLICY        WHY",
        "shop/Deployment/web  web        nginx  Always        no tag means latest",
        "Pod/a                web        b:1    IfNotPresent  tag is 1",
    ]


def test_digest_is_shortened() -> None:
    assert "nginx@sha256:012345678901..." in as_table([image(image="nginx@sha256:" + "0123456789" * 6 + "0123")])


def test_what_is_not_known_yet_shows_as_such() -> None:
    last = as_table([image()], ["Deployment/api"]).splitlines()[-1]

    assert last.split() == ["Deployment/api", *["(known", "after", "up)"] * 2]


def test_plan_without_images_says_so() -> None:
    assert as_table([]) == "Image pull plan: no images"


def test_data_has_what_is_there() -> None:
    assert as_data(image(namespace=None)) == {
        "workload": "Deployment/web",
        "container": "web",
        "image": "nginx",
        "policy": "Always",
        "reason": "no tag means latest",
        "path": "spec.template.spec.containers[0]",
    }


def test_data_has_violations() -> None:
    data = as_data(image(violations=(VIOLATION,)))

    assert data["violations"] == [{"rule": "forbidLatest", "message": "write a version's tag"}]


def test_violation_names_workload_container_image_rule_and_remedy() -> None:
    assert broken_rules([image(), image(violations=(VIOLATION,))]) == [
        "shop/Deployment/web, container web, image nginx: forbidLatest: write a version's tag"
    ]
