"""The lab's STS takes a ServiceAccount's token as AWS does: by signature, life, audience and the role's trust."""

import base64
import json
from collections.abc import Mapping

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from lab.ecr.web_identity import refuse

NOW = 1_800_000_000.0
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SUBJECT = "system:serviceaccount:shop:renewer"
CLAIMS: Mapping[str, object] = {"aud": ["sts.amazonaws.com"], "exp": NOW + 60, "sub": SUBJECT}


def encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def token(key: rsa.RSAPrivateKey = KEY, **claims: object) -> str:
    signed = f"{encode(b'{}')}.{encode(json.dumps({**CLAIMS, **claims}).encode())}"
    return f"{signed}.{encode(key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


@pytest.mark.parametrize(
    ("given", "trusted", "code"),
    [
        (token(), SUBJECT, None),
        (token(OTHER_KEY), SUBJECT, "InvalidIdentityToken"),
        ("no token", SUBJECT, "InvalidIdentityToken"),
        (token(aud=["https://kubernetes.default.svc"]), SUBJECT, "InvalidIdentityToken"),
        (token(exp=NOW - 1), SUBJECT, "ExpiredTokenException"),
        (token(), "system:serviceaccount:other:renewer", "AccessDenied"),
    ],
)
def test_a_token_is_taken_or_refused(given: str, trusted: str, code: str | None) -> None:
    error = refuse(given, KEY.public_key(), {"sub": trusted}, now=NOW)

    assert (None if error is None else error.code) == code
