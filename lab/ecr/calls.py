"""Calls of GetAuthorizationToken: who called, where, and how it went."""

import re
from dataclasses import dataclass

__all__ = ["Call", "parse_credential_scope"]

_SCOPE = re.compile(r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/,\s]+)/\d{8}/(?P<region>[^/,\s]+)/[^/,\s]+/aws4_request\b")


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call of GetAuthorizationToken, retries included.

    Args:
        time: Unix time in seconds.
        service: `ecr` or `ecr-public`.
        region: the region that was called.
        access_key_id: who called.
        principal: the ARN behind that key.
        fault: how it was made to fail (a value of `lab.ecr.faults.FaultMode`), or None.
    """

    time: float
    service: str
    region: str
    access_key_id: str
    principal: str
    fault: str | None


def parse_credential_scope(authorization: str) -> tuple[str, str] | None:
    """Access key id and region out of a Signature Version 4 Authorization header; None when it is not one.

    Source: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-authentication-methods.html
    """
    found = _SCOPE.match(authorization)
    return (found["key"], found["region"]) if found else None
