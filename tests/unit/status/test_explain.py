"""What fails is said in the words of the diagnosis, whether it fails already or will at the next start."""

import pytest

from imagepull.status.assemble import assemble
from imagepull.status.explain import Explainer
from imagepull.status.inventory import Inventory
from imagepull.status.model import StartOutcome, Status
from tests.unit.status.cluster import ECR, inventory, pod, pull_secret
from tests.unit.status.test_next_start import FAILING, FINE, IMAGE

CODES = {
    "secret absent": "secret-absent",
    "secret expired": "token-expired",
    "account without it": "no-pull-secret",
    "pod older than the list": "pod-before-sa-patch",
    "cached here only": "no-pull-secret",
    "never": "never-absent",
    "key that does not match": "key-port-mismatch",
    "wrong type": "secret-wrong-type",
    "malformed": "secret-malformed",
    "no reference": "invalid-image-name",
    "annotation without a role": "node-role-invalid",
    "annotation with a key in place of a role": "node-role-invalid",
    "kubelets may not ask for its token": "node-audience-missing",
}


def status(found: Inventory) -> Status:
    explainer = Explainer(found)
    return assemble(found, 6 * 3600, explain=explainer.explain, fails_now=explainer.fails_now)


def test_every_case_has_a_code() -> None:
    assert CODES.keys() == FAILING.keys()


@pytest.mark.parametrize(("case", "code"), CODES.items(), ids=list(CODES))
def test_code_of_what_will_fail(case: str, code: str) -> None:
    (pull,) = status(FAILING[case]).pulls
    assert pull.code == code
    assert pull.cause
    assert pull.fix


@pytest.mark.parametrize("case", FINE.values(), ids=list(FINE))
def test_what_is_fine_has_no_cause(case: Inventory) -> None:
    assert {pull.cause for pull in status(case).pulls} == {""}


def test_what_fails_now_is_read_from_the_state() -> None:
    text = f'Back-off pulling image "{IMAGE}": ErrImagePull: {IMAGE}: not found'
    waiting = pod("web", IMAGE, secrets=["access"], running=False, waiting=("ImagePullBackOff", text))
    (pull,) = status(inventory(pods=[waiting], secrets=[pull_secret("access", ECR, hours_left=9)])).pulls
    assert (pull.outcome, pull.code, pull.secret) == (StartOutcome.FAILS_NOW, "image-absent", "access")


@pytest.mark.parametrize("reason", ["CrashLoopBackOff", "ContainerCreating", "CreateContainerConfigError"])
def test_a_pod_that_waits_for_something_else_does_not_fail(reason: str) -> None:
    waiting = pod("web", "nginx:1", running=False, waiting=(reason, ""))
    (pull,) = status(inventory(pods=[waiting])).pulls
    assert pull.outcome is StartOutcome.FINE
