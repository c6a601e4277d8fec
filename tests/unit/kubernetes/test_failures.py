"""What an answer of the API server may say: never what we sent."""

import base64
import json
from urllib.parse import quote

import pytest

from imagepull.kubernetes.failures import make_refusal

PASSWORD = 'pa"ss\\wo/rd%1'


def sent() -> dict[str, object]:
    document = json.dumps({"auths": {"ghcr.io": {"username": "robot", "password": PASSWORD}}})
    return {"data": {".dockerconfigjson": base64.b64encode(document.encode()).decode()}}


@pytest.mark.parametrize(
    "shown", [PASSWORD, json.dumps(PASSWORD)[1:-1], quote(PASSWORD, safe=""), repr(PASSWORD)[1:-1]], ids=range(4)
)
def test_a_policy_that_quotes_the_password_in_any_form_shows_none_of_it(shown: str) -> None:
    said = str(make_refusal(422, f"denied by policy: value {shown} of robot", sent()))
    assert shown not in said
    assert said == "the cluster refuses (HTTP 422): denied by policy: value [redacted] of robot"
