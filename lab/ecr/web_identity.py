"""Whether STS takes a ServiceAccount's token for a role: AssumeRoleWithWebIdentity. moto takes any text.

As AWS does it: the cluster's key must have signed the token, for the audience sts.amazonaws.com, and the role's trust
policy must name the ServiceAccount. Of roles that nobody made in the lab's IAM every ServiceAccount is trusted.

Source: https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html (Errors)
"""

import base64
import json
import time
from collections.abc import Mapping
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from moto.iam.models import iam_backends
from werkzeug.wrappers import Response

from lab.ecr.faults import ApiError

__all__ = ["AUDIENCE", "make_refusal", "read_trust", "refuse"]

AUDIENCE = "sts.amazonaws.com"


def refuse(token: str, key: RSAPublicKey, trust: Mapping[str, str], *, now: float | None = None) -> ApiError | None:
    """Why STS does not take a token; None when it does.

    Args:
        token: a JSON Web Token.
        key: that of the cluster, which signs its ServiceAccounts' tokens.
        trust: conditions of the role's trust policy, by claim: `{"sub": "system:serviceaccount:shop:web"}`.
        now: Unix time in seconds.
    """
    claims = _verify(token, key)
    if claims is None:
        return ApiError(code="InvalidIdentityToken", message="No OpenIDConnect provider found in your account")
    if claims["exp"] < (time.time() if now is None else now):
        return ApiError(code="ExpiredTokenException", message="Token expired")
    if AUDIENCE not in claims["aud"]:
        return ApiError(code="InvalidIdentityToken", message="Incorrect token audience")
    if any(wanted not in _list_texts(claims.get(claim)) for claim, wanted in trust.items()):
        message = "Not authorized to perform sts:AssumeRoleWithWebIdentity"
        return ApiError(code="AccessDenied", message=message)
    return None


def read_trust(role_arn: str) -> dict[str, str]:
    """What the trust policy of a role in moto's IAM asks of a token, by claim; nothing where there is no such role."""
    _, partition, _, _, account, _ = role_arn.split(":", 5)
    roles = [role for role in iam_backends[account][partition].get_roles() if role.arn == role_arn]
    found: dict[str, str] = {}
    for statement in [each for role in roles for each in json.loads(role.assume_role_policy_document)["Statement"]]:
        for key, value in statement.get("Condition", {}).get("StringEquals", {}).items():
            found[key.rpartition(":")[2]] = value
    return found


def make_refusal(error: ApiError) -> Response:
    """An error in the form of STS, which speaks XML."""
    kind = f"<Type>Sender</Type><Code>{error.code}</Code><Message>{error.message}</Message>"
    body = f'<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error>{kind}</Error></ErrorResponse>'
    return Response(body, 403 if error.code == "AccessDenied" else 400, content_type="text/xml")


def _verify(token: str, key: RSAPublicKey) -> dict[str, Any] | None:
    signed, _, signature = token.rpartition(".")
    try:
        key.verify(_decode(signature), signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return dict(json.loads(_decode(signed.partition(".")[2])))
    except (InvalidSignature, ValueError):
        return None


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _list_texts(value: object) -> list[object]:
    return value if isinstance(value, list) else [value]
