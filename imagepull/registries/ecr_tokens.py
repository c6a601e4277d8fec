"""ECR tokens: one GetAuthorizationToken per (principal, partition, region), however many registries and namespaces.

A token opens every private registry of its region that the principal may read, and none of another region (sources:
kubernetes/cloud-provider-aws cmd/ecr-credential-provider/main.go; aws/eks-anywhere-packages#697).
"""

import asyncio
import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from imagepull import USER_AGENT
from imagepull.errors import CredentialError
from imagepull.registries.docker_config import Credential
from imagepull.registries.lifetimes import Lifetime

__all__ = ["EcrToken", "Principal", "TokenRequest", "TokenSource", "ask_aws"]

_ATTEMPTS: Final = 4


@dataclass(frozen=True, kw_only=True)
class Principal:
    """Who asks: what the AWS SDK finds (or the profile named), and the role to assume with it."""

    profile: str | None = None
    role_arn: str | None = None
    external_id: str | None = None
    session_name: str | None = None


@dataclass(frozen=True, kw_only=True)
class TokenRequest:
    """What identifies a token: the region stands for its partition too. `public`: of ECR Public, else private ECR."""

    principal: Principal
    region: str
    public: bool

    def __str__(self) -> str:
        return "ECR Public" if self.public else f"ECR in {self.region}"


@dataclass(frozen=True, kw_only=True)
class EcrToken:
    """A token as user name and password, and how long it lives."""

    credential: Credential = field(repr=False)
    lifetime: Lifetime


class TokenSource:
    """Asks for each token once, and shares it: also among callers that ask at the same time.

    Args:
        ask: Gets one token from AWS (blocking); raises CredentialError.
    """

    def __init__(self, ask: "Callable[[TokenRequest], EcrToken] | None" = None) -> None:
        self._ask = ask or ask_aws
        self._asked: dict[TokenRequest, asyncio.Task[EcrToken]] = {}

    async def get(self, request: TokenRequest) -> EcrToken:
        """The token; raises CredentialError. A token past half of its life is asked for again."""
        asked = self._asked.get(request)
        if asked is None or (asked.done() and _is_stale(asked)):
            asked = self._asked[request] = asyncio.create_task(asyncio.to_thread(self._ask, request))
        return await asyncio.shield(asked)


def _is_stale(asked: "asyncio.Task[EcrToken]") -> bool:
    if asked.cancelled() or asked.exception() is not None:
        return True
    lifetime = asked.result().lifetime
    return (datetime.now(UTC) - lifetime.issued).total_seconds() >= lifetime.seconds / 2


def ask_aws(request: TokenRequest) -> EcrToken:
    """GetAuthorizationToken, as the request's principal; raises CredentialError. Blocks for at most about 30 s."""
    # Lazily: botocore and boto3 take 0.3 s to import, and previews never come here.
    from botocore.config import Config

    from imagepull.registries.aws_errors import explain
    from imagepull.registries.aws_session import explain_failure, open_client, open_session

    config = Config(
        connect_timeout=3,
        read_timeout=5,
        retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
        user_agent_extra=USER_AGENT,
    )
    issued = datetime.now(UTC).replace(microsecond=0)
    what = str(request)
    session = open_session(request.principal, request.region, config, what=what)
    service = "ecr-public" if request.public else "ecr"
    client = open_client(session, service, request.region, config, what=what)
    try:
        answer = client.get_authorization_token()
    except Exception as error:  # beside botocore's own, what a proxy or a CA bundle makes Python raise
        raise explain_failure(what, explain(error), request.principal) from None
    return _read_token(answer, request, issued)


def _read_token(answer: Any, request: TokenRequest, issued: datetime) -> EcrToken:
    """The token in an answer: private ECR gives a list of one, ECR Public the one itself."""
    try:
        data = answer["authorizationData"] if request.public else answer["authorizationData"][0]
        username, _, password = base64.b64decode(data["authorizationToken"], validate=True).decode().partition(":")
        expires = data["expiresAt"].astimezone(UTC)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        username, password, expires = "", "", issued
    if not username or not password:
        raise CredentialError(str(request), "the answer holds no token", "try again")
    return EcrToken(
        credential=Credential(username=username, password=password), lifetime=Lifetime(issued=issued, expires=expires)
    )
