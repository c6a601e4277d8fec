"""Tests of this folder need a kubelet."""

import os
import secrets

import pytest

from lab.ecr.config import EcrConfig
from lab.images import SHOP, WEB, Repository
from lab.lifecycle import Lab
from lab.node import find_missing_for_node
from lab.publish import publish
from tests.node.renewers import home, shop

__all__ = ["home", "image", "shop"]


@pytest.fixture(autouse=True, scope="session")
def _needs_a_node() -> None:
    reason = find_missing_for_node()
    if reason and os.environ.get("CI"):
        pytest.fail(f"CI must run the node tests, and cannot: {reason}")
    if reason:
        pytest.skip(reason)


@pytest.fixture
def image(lab: Lab) -> str:
    """An image in the private registry that this node never saw: `HOST/test/<random>:1`."""
    name = f"test/{secrets.token_hex(4)}"
    repository = Repository(registry=SHOP, name=name, script=WEB, tags=("1",))
    publish(EcrConfig.read(lab.layout.folder / "ecr.json"), (repository,))
    return repository.reference("1")
