"""The image pull plan, as a person and as a program reads it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from imagepull.images.pull_policy import PullPolicy
from imagepull.images.rules import RuleName, Violation
from imagepull.inputs import UNKNOWN
from imagepull.pull_plan.access import PlannedAccess, PodAccess
from imagepull.pull_plan.explicit import ResolvedImage
from imagepull.pull_plan.plan import Plan, add_colours, as_data, as_table, describe_violations, list_images_of_output


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


def plan(*images: ResolvedImage, **fields: Any) -> Plan:
    return Plan(images=images, **fields)


HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
IN_TWO_HOURS = NOW + timedelta(hours=2)
VIOLATION = Violation(rule=RuleName.FORBID_LATEST, message="write a version's tag")


def test_table_is_aligned_and_has_no_trailing_blanks() -> None:
    images = [
        image(),
        image(workload="Pod/a", namespace=None, image="b:1", policy=PullPolicy.IF_NOT_PRESENT, reason="tag is 1"),
    ]

    assert as_table(plan(*images)).splitlines() == [
        "Image pull plan",
        "WORKLOAD             CONTAINER  IMAGE  POLICY        WHY",
        "shop/Deployment/web  web        nginx  Always        no tag means latest",
        "Pod/a                web        b:1    IfNotPresent  tag is 1",
    ]


def test_digest_is_shortened() -> None:
    assert "nginx@sha256:012345678901..." in as_table(plan(image(image="nginx@sha256:" + "0123456789" * 6 + "0123")))


def test_what_is_not_known_yet_shows_as_such() -> None:
    last = as_table(plan(image(), unknown=("Deployment/api",))).splitlines()[-1]

    assert last.split() == ["Deployment/api", *["(known", "after", "up)"] * 2]


def test_plan_without_images_says_so() -> None:
    assert as_table(plan()) == "Image pull plan: no images"


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
    assert describe_violations([image(), image(violations=(VIOLATION,))]) == [
        "shop/Deployment/web, container web, image nginx: forbidLatest: write a version's tag"
    ]


def secret_of(accesses: list[PlannedAccess], image_name: str, *pods: PodAccess) -> str:
    """The last column of the only row."""
    table = as_table(plan(image(image=image_name), accesses=tuple(accesses), pods=pods), NOW)
    return table.splitlines()[-1].rpartition("  ")[2]


def access(secret: str = "pull", *hosts: str, **fields: Any) -> PlannedAccess:
    return PlannedAccess(secret=secret, hosts=hosts or (HOST,), namespaces=("shop",), **fields)


@pytest.mark.parametrize(
    ("accesses", "image_name", "expected"),
    [
        ([access(expires=IN_TWO_HOURS)], f"{HOST}/a:1", "pull, 2.0 hours left"),
        (
            [access(expires=IN_TWO_HOURS, written=NOW - timedelta(hours=10, minutes=5))],
            f"{HOST}/a:1",
            f"pull, 2.0 hours left as written at {NOW - timedelta(hours=10, minutes=5):%H:%M} UTC",
        ),
        ([access(expires=NOW - timedelta(hours=1))], f"{HOST}/a:1", "pull, expired 1.0 hours ago"),
        ([access(expires=UNKNOWN)], f"{HOST}/a:1", "pull, new token"),
        ([access("pull", "ghcr.io", expires=None)], "ghcr.io/a:1", "pull"),
        ([access("pull", "docker.io", expires=None)], "nginx", "pull [https://index.docker.io/v1/]"),
        ([access("one", "ghcr.io"), access("two", expires=None)], f"{HOST}/a:1", "two"),
        ([access(expires=None)], "nginx", "-"),
        ([access(expires=None)], "no image", "-"),
        ([PlannedAccess(secret="pull", hosts=(HOST,), namespaces=("tools",))], f"{HOST}/a:1", "-"),
    ],
)
def test_secret_that_opens_the_image_is_told_with_the_time_left(
    accesses: list[PlannedAccess], image_name: str, expected: str
) -> None:
    assert secret_of(accesses, image_name) == expected


@pytest.mark.parametrize(
    ("pod", "expected"),
    [
        ({"pull_secrets": ("two", "one")}, "two"),
        ({"pull_secrets": ("one",)}, "one"),
        ({"pull_secrets": ("theirs",)}, "-"),
        ({}, "one"),
        ({"service_account": "ci"}, "two"),
        ({"service_account": "other"}, "-"),
    ],
)
def test_only_secrets_that_the_pods_get_count_in_their_order(pod: dict[str, Any], expected: str) -> None:
    accesses = [access("one", expires=None), access("two", expires=None, service_accounts=("ci",))]

    found = secret_of(accesses, f"{HOST}/a:1", PodAccess(workload="Deployment/web", namespace="shop", **pod))

    assert found == expected


def test_what_component_and_transform_say_of_one_pod_adds_up() -> None:
    pods = [PodAccess(workload="Deployment/web", namespace="shop", pull_secrets=names) for names in (("pull",), ())]

    for order in (pods, pods[::-1]):
        assert secret_of([access(expires=None, service_accounts=())], f"{HOST}/a:1", *order) == "pull"


def test_there_is_no_column_of_secrets_where_the_program_declares_none() -> None:
    assert "SECRET" not in as_table(plan(image(), accesses=()))


def test_plan_as_data_has_the_secret_and_no_time() -> None:
    (row,) = plan(image(image=f"{HOST}/a:1"), accesses=(access(expires=IN_TWO_HOURS),)).as_data()

    assert row == {**as_data(image(image=f"{HOST}/a:1")), "secret": "pull", "entry": HOST}


def test_output_has_a_summary_and_all_images_below_a_key_that_the_cli_does_not_print() -> None:
    seen = plan(image(policy=PullPolicy.IF_NOT_PRESENT), image(policy=PullPolicy.IF_NOT_PRESENT), image())

    assert seen.as_output() == {"summary": "3 images: 2 IfNotPresent, 1 Always", "__images": seen.as_data()}
    assert list_images_of_output(seen.as_output()) == seen.as_data()
    assert plan(image()).summary == "1 image: 1 Always"
    assert plan().as_output() == {"summary": "no images", "__images": []}
    assert [list(list_images_of_output(other)) for other in (None, "text", [1], {}, {"__images": 5})] == [[]] * 5


def test_words_that_matter_are_coloured() -> None:
    codes = {name: f"<{name}>" for name in ("bold", "red", "yellow", "cyan", "off")}
    lines = [*as_table(plan(image())).splitlines(), "error: shop/Deployment/web"]

    assert [add_colours(line, codes) for line in lines] == [
        "<bold>Image pull plan<off>",
        "WORKLOAD             CONTAINER  IMAGE  POLICY  WHY",
        "shop/Deployment/web  web        nginx  <yellow>Always<off>  no tag means latest",
        "<red>error:<off> shop/Deployment/web",
    ]
