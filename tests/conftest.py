"""One lab for the whole test run, of its own name, taken down at the end also when tests fail."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab import lifecycle
from lab.ecr.faults import FaultMode
from lab.errors import LabError
from lab.lifecycle import Lab
from tests.namespaces import create_namespace
from tests.pulumi_project import PulumiProject
from tests.secrecy import content, found_in

_TESTS = Path(__file__).parent
_LAYERS = ("node", "package", "stack", "browser", "provider", "unit")
"""The folders of tests/, those with the longest tests first."""
_numbers = itertools.count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Runs the layers with the longest tests first, so that no worker is left with one while the others have ended."""
    items.sort(key=lambda item: _LAYERS.index(item.path.relative_to(_TESTS).parts[0]))


@pytest.fixture(scope="session")
def lab() -> Iterator[Lab]:
    """A lab that is up: real API server, kubelet, containerd, registry; ECR by moto with true expiry."""
    owner = lifecycle.identify_this_process()
    name = f"test-{owner.pid}"
    yield lifecycle.up(name, owner=owner)
    lifecycle.down(name)


@pytest.fixture
def namespace(lab: Lab) -> Iterator[str]:
    """A namespace of the test's own, with its `default` ServiceAccount; deleted afterwards."""
    name = f"test-{next(_numbers)}"
    create_namespace(lab, name)
    yield name
    lab.kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture
def project(lab: Lab, tmp_path: Path) -> Iterator[Callable[[str], PulumiProject]]:
    """Makes a Pulumi project out of the text of its program; destroyed afterwards, with AWS mended.

    Whatever the test was about: no token that was issued meanwhile may stand in what any project printed or kept.
    """
    made: list[PulumiProject] = []
    issued_before = len(lab.ecr.issued())

    def make(program: str, *, name: str = "test-project", **env: str) -> PulumiProject:
        made.append(PulumiProject(lab, tmp_path / f"project-{len(made)}", program, name=name, env=env))
        return made[-1]

    yield make
    try:
        lab.ecr.set_fault(FaultMode.NONE)
    except LabError:
        pytest.fail("the lab's ECR has ended")
    for one in reversed(made):
        one.destroy(check=False)
    tokens = [(token.password, "AWS") for token in lab.ecr.issued()[issued_before:]]
    for one in made:
        assert found_in(one.output.encode() + content(one.state), tokens) == []
