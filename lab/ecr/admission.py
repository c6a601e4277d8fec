"""Whether a registry lets a request in, and what it answers when not: ECR's own answers.

Sources: aquasecurity/trivy#6217 and moby's "no basic auth credentials" (none: 401), kubernetes/kubernetes#69141 and the
ECR documentation (expired: 403), aws/aws-cli#5317 and akuity/kargo#3482 (another region's token, or no token: 400).
"""

import base64
import binascii
import json
from dataclasses import dataclass, field

from lab.ecr.tokens import USER, Standing, TokenStore, compute_fingerprint

__all__ = ["Admission", "Refusal", "admit"]


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """The answer to a request that is not let in."""

    status: int
    content_type: str
    body: str
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Admission:
    """The decision: let in when `refusal` is None; `credential` is the fingerprint of the token, None when unknown."""

    credential: str | None
    refusal: Refusal | None


def _deny(status: int, message: str) -> Refusal:
    body = json.dumps({"errors": [{"code": "DENIED", "message": message}]})
    return Refusal(status=status, content_type="application/json; charset=utf-8", body=body)


_INVALID = _deny(400, "Your Authorization Token is invalid.")
_REFUSALS = {
    Standing.LIVE: None,
    Standing.EXPIRED: _deny(403, "Your authorization token has expired. Reauthenticate and try again."),
    Standing.OTHER_REALM: _INVALID,
    Standing.UNKNOWN: _INVALID,
}


def admit(authorization: str | None, *, host: str, realm: str, tokens: TokenStore) -> Admission:
    """Decide about a request to the registry `host` of `realm` by its Authorization header."""
    scheme, _, parameter = (authorization or "").partition(" ")
    if scheme.lower() != "basic":
        return Admission(credential=None, refusal=_make_challenge(host))
    user, password = _decode_basic(parameter)
    standing = tokens.standing(password, realm=realm) if user == USER else Standing.UNKNOWN
    credential = None if standing is Standing.UNKNOWN else compute_fingerprint(parameter.strip())
    return Admission(credential=credential, refusal=_REFUSALS[standing])


def _make_challenge(host: str) -> Refusal:
    return Refusal(
        status=401,
        content_type="text/plain; charset=utf-8",
        body="Not Authorized\n",
        headers={"Www-Authenticate": f'Basic realm="https://{host}/",service="ecr.amazonaws.com"'},
    )


def _decode_basic(parameter: str) -> tuple[str, str]:
    try:
        user, _, password = base64.b64decode(parameter.strip(), validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return user, password
