"""Differences of inputs, by path."""

import pytest

from imagepull.differences import Difference, find_differences
from imagepull.inputs import UNKNOWN

ADD, DELETE, UPDATE = Difference.ADD, Difference.DELETE, Difference.UPDATE
SETS = {"namespaces": None, "registries": "host"}


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ({"name": "a"}, {"name": "a"}, {}),
        ({"name": "a"}, {"name": "b"}, {"name": UPDATE}),
        ({}, {"adopt": True}, {"adopt": ADD}),
        ({"adopt": True}, {}, {"adopt": DELETE}),
        ({"adopt": None}, {}, {}),
        ({"namespaces": ["a", "b"]}, {"namespaces": ["b", "a", "b"]}, {}),
        ({"namespaces": ["a", "c"]}, {"namespaces": ["a", "b", "c"]}, {"namespaces[1]": ADD}),
        ({"namespaces": ["a", "b", "c"]}, {"namespaces": ["a", "c"]}, {"namespaces[1]": DELETE}),
        ({"namespaces": ["a", "b"]}, {"namespaces": ["a", "c"]}, {"namespaces[1]": UPDATE}),
        ({"namespaces": ["a"]}, {"namespaces": UNKNOWN}, {"namespaces": UPDATE}),
        ({"namespaces": ["a"]}, {"namespaces": ["a", UNKNOWN]}, {"namespaces[1]": ADD}),
        (
            {"registries": [{"host": "x"}, {"host": "y"}]},
            {"registries": [{"host": "y"}, {"host": "x"}, {"host": "z"}]},
            {"registries[2]": ADD},
        ),
        (
            {"registries": [{"host": "x", "password": "1", "username": "u"}]},
            {"registries": [{"host": "x", "password": "2", "username": "u"}]},
            {"registries[0].password": UPDATE},
        ),
        (
            {"registries": [{"host": "x", "password": "1"}]},
            {"registries": [{"host": "w"}, {"host": "x", "password": "2"}]},
            {"registries[0]": ADD, "registries[1]": UPDATE},
        ),
        (
            {"labels": {"team": "a", "example.com/x": "1"}},
            {"labels": {"team": "b"}},
            {"labels.team": UPDATE, 'labels["example.com/x"]': DELETE},
        ),
    ],
)
def test_differences_by_path(old: dict[str, object], new: dict[str, object], expected: dict[str, Difference]) -> None:
    assert find_differences(old, new, sets=SETS) == expected
