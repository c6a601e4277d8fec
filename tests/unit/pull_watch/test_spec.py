"""Inputs of PullWatch: what is refused, what is a change, and which names are meant."""

from typing import Any

import pytest

from imagepull.differences import Difference
from imagepull.errors import InvalidInput
from imagepull.inputs import UNKNOWN
from imagepull.pull_watch.spec import WatchedWorkload, find_changes, parse

WEB: dict[str, Any] = {"kind": "Deployment", "name": "web", "namespace": "shop", "images": ["ghcr.io/a/web:1"]}


def test_inputs_are_parsed_with_their_defaults() -> None:
    spec = parse({"workloads": [WEB]})

    assert spec.workloads == (
        WatchedWorkload(kind="Deployment", name="web", namespace="shop", images=frozenset({"ghcr.io/a/web:1"})),
    )
    assert (spec.fail, spec.timeout) == (False, 600.0)


@pytest.mark.parametrize(
    ("inputs", "problem"),
    [
        ({}, "workloads: is missing"),
        ({"workloads": [{**WEB, "kind": "Rollout"}]}, "workloads[0].kind: is 'Rollout'; write one of Deployment"),
        ({"workloads": [{"images": ["a"], "kind": "Pod"}]}, "workloads[0].name: is missing"),
        ({"workloads": [{**WEB, "images": []}]}, "workloads[0].images: is missing"),
        ({"workloads": [{**WEB, "nam": "x"}]}, "workloads[0].nam: is no input here; is name meant?"),
        ({"workloads": [{**WEB, "namespace": "Shop"}]}, "workloads[0].namespace: is 'Shop'"),
        ({"workloads": [WEB], "timeout": "soon"}, "timeout: is 'soon'; write a duration"),
        ({"workloads": [WEB], "fail": "yes"}, "fail: is 'yes'; write true or false"),
    ],
)
def test_a_wrong_input_is_named_with_what_to_write(inputs: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        parse(inputs)
    assert any(str(each).startswith(problem) for each in refused.value.problems), refused.value


def test_what_is_not_known_yet_is_no_problem() -> None:
    assert parse({"workloads": UNKNOWN, "timeout": UNKNOWN}).workloads == ()
    (workload,) = parse({"workloads": [{**WEB, "images": UNKNOWN, "namespace": UNKNOWN}]}).workloads
    assert not workload.images


def test_nothing_but_the_workloads_starts_a_watch() -> None:
    old = {"workloads": [WEB], "fail": False}

    assert find_changes(old, {**old, "fail": True, "timeout": "1m"}) == {}
    assert find_changes(old, {"workloads": [{**WEB, "images": ["ghcr.io/a/web:2"]}]}) == {
        "workloads[0]": Difference.UPDATE
    }


@pytest.mark.parametrize(
    ("auto_named", "name", "called"),
    [
        (False, "web", True),
        (False, "web-api", False),
        (True, "web-0a1b2c3d", True),
        (True, "web", False),
        (True, "web-api-0a1b2c3d", False),
    ],
)
def test_a_name_is_whole_or_has_a_random_end(auto_named: bool, name: str, called: bool) -> None:
    workload = WatchedWorkload(
        kind="Deployment", name="web", namespace="shop", images=frozenset(), auto_named=auto_named
    )
    assert workload.is_called("Deployment", name) is called
    assert not workload.is_called("StatefulSet", name)
