"""The lab's ECR as AWS SDKs and container tools meet it: the real process, boto3, skopeo and docker-registry."""

import os
from collections.abc import Iterator

import pytest

from lab.debian import find
from lab.ecr.faults import FaultMode
from lab.publish import publish
from tests.node.lab_registry.ecr import Ecr

_MISSING = [program for program in ("docker-registry", "skopeo", "busybox") if find(program) is None]


@pytest.fixture(autouse=True, scope="session")
def _needs_the_registry() -> None:
    if _MISSING and os.environ.get("CI"):
        pytest.fail(f"CI must run the registry's tests, and lacks {', '.join(_MISSING)}")
    if _MISSING:
        pytest.skip(f"not installed: {', '.join(_MISSING)}")


@pytest.fixture(scope="module")
def ecr(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ecr]:
    process = Ecr(tmp_path_factory.mktemp("ecr"))
    yield process
    if process.process.poll() is None:
        process.stop()


@pytest.fixture(autouse=True)
def _mended(ecr: Ecr) -> Iterator[None]:
    yield
    if ecr.process.poll() is not None:
        ecr.start()
    ecr.control.set_fault(FaultMode.NONE)
    ecr.control.set_token_lifetime(ecr.config.token_lifetime)


@pytest.fixture(scope="module")
def digests(ecr: Ecr) -> dict[str, str]:
    """Every image of the lab is in the registries: reference to digest."""
    return publish(ecr.config)
