"""Faults that are switched on, and calls that are counted."""

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from lab.ecr.client import EcrControl
from lab.ecr.faults import FaultMode
from lab.errors import LabError
from lab.images import SHOP, TOOLS
from tests.node.lab_registry.ecr import Ecr


@pytest.mark.parametrize(
    ("mode", "code"),
    [
        (FaultMode.THROTTLED, "ThrottlingException"),
        (FaultMode.ACCESS_DENIED, "AccessDeniedException"),
        (FaultMode.EXPIRED_SESSION, "ExpiredTokenException"),
        (FaultMode.WRONG_REGION, "InvalidSignatureException"),
    ],
)
def test_the_sdk_sees_the_fault_that_is_set(ecr: Ecr, mode: FaultMode, code: str) -> None:
    ecr.control.set_fault(mode)

    with pytest.raises(ClientError) as failed:
        ecr.token()

    assert failed.value.response["Error"]["Code"] == code
    assert ecr.control.calls()[-1].fault == mode.value


def test_down_is_a_connection_that_closes(ecr: Ecr) -> None:
    ecr.control.set_fault(FaultMode.DOWN)

    with pytest.raises(ConnectionClosedError):
        ecr.token()


def test_a_fault_can_be_one_region_and_a_number_of_calls(ecr: Ecr) -> None:
    ecr.control.set_fault(FaultMode.THROTTLED, region=TOOLS.region, count=1)

    assert ecr.token(SHOP.region)
    with pytest.raises(ClientError, match="ThrottlingException"):
        ecr.token(TOOLS.region)
    assert ecr.token(TOOLS.region)


def test_a_registry_outlives_a_fault_of_the_api(ecr: Ecr) -> None:
    token = ecr.token()
    ecr.control.set_fault(FaultMode.DOWN)

    assert ecr.ask("GET", "/v2/", token=token)[0].status == 200


def test_each_call_is_counted_with_its_region(ecr: Ecr) -> None:
    before = len(ecr.control.calls())

    ecr.token(SHOP.region)
    ecr.token(TOOLS.region)

    calls = ecr.control.calls()[before:]
    assert [(call.service, call.region, call.access_key_id, call.fault) for call in calls] == [
        ("ecr", SHOP.region, "AKIAIOSFODNN7EXAMPLE", None),
        ("ecr", TOOLS.region, "AKIAIOSFODNN7EXAMPLE", None),
    ]


def test_the_control_interface_needs_its_own_token(ecr: Ecr) -> None:
    stranger = EcrControl(ecr.config.control_port, "guess")

    with pytest.raises(LabError, match="control_token"):
        stranger.issued()
    with pytest.raises(LabError, match="control_token"):
        stranger.set_fault(FaultMode.DOWN)
