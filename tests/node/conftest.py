"""Tests of this folder need a kubelet."""

import os

import pytest

from lab.node import missing_for_node


@pytest.fixture(autouse=True, scope="session")
def _needs_a_node() -> None:
    reason = missing_for_node()
    if reason and os.environ.get("CI"):
        pytest.fail(f"CI must run the node tests, and cannot: {reason}")
    if reason:
        pytest.skip(reason)
