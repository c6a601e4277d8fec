"""Authorization tokens: what one looks like, and whether one is still good.

ECR's rules: user `AWS`, a password of about two thousand characters, a new one with every call, all of them good until
their own expiry, in every registry of the region that issued them and in no other (AWS documentation of
GetAuthorizationToken; aquasecurity/trivy#1026).
"""

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum

__all__ = ["PUBLIC", "USER", "Standing", "Token", "TokenStore", "compute_fingerprint"]

USER = "AWS"
PUBLIC = "public.ecr.aws"


class Standing(Enum):
    """What a registry thinks of a password."""

    LIVE = "live"
    EXPIRED = "expired"
    OTHER_REALM = "other-realm"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Token:
    """A token that was issued.

    Args:
        password: what goes with user `AWS`.
        realm: what it opens: a region, or `public.ecr.aws`.
        access_key_id: the AWS access key that asked for it.
        issued_at: Unix time in seconds.
        expires_at: Unix time in seconds; dead from then on.
    """

    password: str = field(repr=False)
    realm: str
    access_key_id: str
    issued_at: float
    expires_at: float

    @property
    def authorization(self) -> str:
        """The API's `authorizationToken`, and the parameter of an HTTP Basic Authorization header."""
        return base64.b64encode(f"{USER}:{self.password}".encode()).decode()

    @property
    def fingerprint(self) -> str:
        """Names the token in logs."""
        return compute_fingerprint(self.authorization)


def compute_fingerprint(authorization: str) -> str:
    """A name for an `authorizationToken` (`auth` in a pull Secret) that does not give it away: 12 hex digits."""
    return hashlib.sha256(authorization.encode()).hexdigest()[:12]


class TokenStore:
    """Every token that was issued.

    Args:
        known: those of an earlier run.
        record: called with each new one, to keep it for a later run.
        lifetime: seconds that a new token lives; may be set at any time.
        clock: Unix time in seconds.
    """

    def __init__(
        self,
        known: Iterable[Token] = (),
        *,
        lifetime: float,
        record: Callable[[Token], None] = lambda token: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._tokens = {token.password: token for token in known}
        self._lock = threading.Lock()
        self._record = record
        self._clock = clock
        self.lifetime = lifetime

    def issue(self, *, realm: str, access_key_id: str) -> Token:
        """A new token; older ones stay as good as they were."""
        now = self._clock()
        expires_at = round(now + self.lifetime, 3)
        token = Token(
            password=_make_password(expires_at),
            realm=realm,
            access_key_id=access_key_id,
            issued_at=round(now, 3),
            expires_at=expires_at,
        )
        with self._lock:
            self._tokens[token.password] = token
            self._record(token)
        return token

    def issued(self) -> list[Token]:
        """All of them, the oldest first, the dead ones too."""
        with self._lock:
            return list(self._tokens.values())

    def standing(self, password: str, *, realm: str) -> Standing:
        """What a registry of `realm` thinks of `password`."""
        token = self._tokens.get(password)
        if token is None:
            return Standing.UNKNOWN
        if token.realm != realm:
            return Standing.OTHER_REALM
        return Standing.LIVE if self._clock() < token.expires_at else Standing.EXPIRED


def _make_password(expires_at: float) -> str:
    """As long as ECR's own, and of its shape: base64 of a JSON object."""
    content = {
        "payload": base64.b64encode(secrets.token_bytes(880)).decode(),
        "datakey": base64.b64encode(secrets.token_bytes(184)).decode(),
        "version": "2",
        "type": "DATA_KEY",
        "expiration": int(expires_at),
    }
    return base64.b64encode(json.dumps(content).encode()).decode()
