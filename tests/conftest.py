"""One lab for the whole test run, of its own name, taken down at the end also when tests fail."""

from collections.abc import Iterator

import pytest

from lab import lifecycle
from lab.lifecycle import Lab


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """A lab that is up: real API server, kubelet, containerd, registry; ECR by moto with true expiry."""
    owner = lifecycle.this_process()
    name = f"test-{owner.pid}"
    yield lifecycle.up(name, owner=owner)
    lifecycle.down(name)
