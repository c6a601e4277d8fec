"""ECR tokens: one GetAuthorizationToken per (principal, partition, region), however many registries and namespaces.

A token opens every private registry of its region that the principal may read, and none of another region (sources:
kubernetes/cloud-provider-aws cmd/ecr-credential-provider/main.go; aws/eks-anywhere-packages#697).
"""

import asyncio
import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from imagepull import USER_AGENT
from imagepull.errors import CredentialError
from imagepull.registries.docker_config import Credential
from imagepull.registries.lifetimes import Lifetime

if TYPE_CHECKING:
    import boto3
    from botocore.config import Config

DEFAULT_SESSION_NAME: Final = "imagepull"


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
class Token:
    """A token as user name and password, and how long it lives."""

    credential: Credential = field(repr=False)
    lifetime: Lifetime


class TokenSource:
    """Asks for each token once, and shares it: also among callers that ask at the same time.

    Args:
        ask: Gets one token from AWS (blocking); raises CredentialError.
    """

    def __init__(self, ask: "Callable[[TokenRequest], Token] | None" = None) -> None:
        self._ask = ask or ask_aws
        self._asked: dict[TokenRequest, asyncio.Task[Token]] = {}

    async def get(self, request: TokenRequest) -> Token:
        """The token; raises CredentialError. A token past half of its life is asked for again."""
        asked = self._asked.get(request)
        if asked is None or (asked.done() and _is_stale(asked)):
            asked = self._asked[request] = asyncio.create_task(asyncio.to_thread(self._ask, request))
        return await asyncio.shield(asked)


def _is_stale(asked: "asyncio.Task[Token]") -> bool:
    if asked.cancelled() or asked.exception() is not None:
        return True
    lifetime = asked.result().lifetime
    return (datetime.now(UTC) - lifetime.issued).total_seconds() >= lifetime.seconds / 2


def ask_aws(request: TokenRequest) -> Token:
    """GetAuthorizationToken, as the request's principal; raises CredentialError. Blocks for at most about 30 s."""
    # Lazily: boto3 takes 0.3 s to import, and previews never come here.
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError, ClientError

    config = Config(
        connect_timeout=3,
        read_timeout=5,
        retries={"mode": "standard", "total_max_attempts": 4},
        user_agent_extra=USER_AGENT,
    )
    issued = datetime.now(UTC).replace(microsecond=0)
    try:
        session = session_of(boto3.Session(profile_name=request.principal.profile), request, config)
        answer = _authorization(session, request, config)
    except (BotoCoreError, ClientError) as error:
        cause, advice = _explained(error, request)
        raise CredentialError(str(request), cause, advice) from None
    return _token(answer, request, issued)


def session_of(session: "boto3.Session", request: TokenRequest, config: "Config") -> "boto3.Session":
    """The session of the principal that a request names: the one given, or the role that it assumes."""
    principal = request.principal
    if principal.role_arn is None:
        return session
    import boto3

    external: dict[str, Any] = {} if principal.external_id is None else {"ExternalId": principal.external_id}
    sts = session.client("sts", region_name=request.region, config=config)
    assumed = sts.assume_role(
        RoleArn=principal.role_arn, RoleSessionName=principal.session_name or DEFAULT_SESSION_NAME, **external
    )["Credentials"]
    return boto3.Session(
        aws_access_key_id=assumed["AccessKeyId"],
        aws_secret_access_key=assumed["SecretAccessKey"],
        aws_session_token=assumed["SessionToken"],
    )


def _authorization(session: "boto3.Session", request: TokenRequest, config: "Config") -> Any:
    if request.public:
        public = session.client("ecr-public", region_name=request.region, config=config)
        return public.get_authorization_token()
    return session.client("ecr", region_name=request.region, config=config).get_authorization_token()


def _token(answer: Any, request: TokenRequest, issued: datetime) -> Token:
    """The token in an answer: private ECR gives a list of one, ECR Public the one itself."""
    try:
        data = answer["authorizationData"] if request.public else answer["authorizationData"][0]
        username, _, password = base64.b64decode(data["authorizationToken"], validate=True).decode().partition(":")
        lifetime = Lifetime(issued=issued, expires=data["expiresAt"].astimezone(UTC))
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        username = password = ""
    if not username or not password:
        raise CredentialError(str(request), "the answer holds no token", "try again")
    return Token(credential=Credential(username=username, password=password), lifetime=lifetime)


@dataclass(frozen=True, kw_only=True)
class _Fault:
    """A kind of refusal: the names by which it comes (exception classes and error codes), and what to say."""

    names: frozenset[str]
    cause: str
    advice: str


# Exception classes: botocore/exceptions.py; codes: the error lists of the STS and ECR API references.
_FAULTS: Final = (
    _Fault(
        names=frozenset({"NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError"}),
        cause="no AWS credentials found",
        advice="set AWS_PROFILE, or give the registry a profile, or run where a role is attached",
    ),
    _Fault(
        names=frozenset({"ProfileNotFound", "ConfigNotFound", "ConfigParseError", "InvalidConfigError"}),
        cause="the AWS profile cannot be read",
        advice="name a profile that `aws configure list-profiles` shows",
    ),
    _Fault(
        names=frozenset(
            {
                "ExpiredToken",
                "ExpiredTokenException",
                "RequestExpired",
                "TokenRetrievalError",
                "SSOTokenLoadError",
                "UnauthorizedSSOTokenError",
                "LoginRefreshRequired",
                "LoginTokenLoadError",
            }
        ),
        cause="the AWS session has expired",
        advice="sign in again (`aws sso login`, or fresh credentials)",
    ),
    _Fault(
        names=frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NotAuthorized"}),
        cause="access denied",
        advice="allow ecr:GetAuthorizationToken on * (and sts:AssumeRole on the role, if one is named)",
    ),
    _Fault(
        names=frozenset(
            {
                "UnrecognizedClientException",
                "InvalidClientTokenId",
                "InvalidSignatureException",
                "SignatureDoesNotMatch",
                "IncompleteSignature",
                "AuthFailure",
            }
        ),
        cause="AWS does not accept these credentials",
        advice="check that they are of this partition, the region is enabled in the account, and the clock is right",
    ),
    _Fault(
        names=frozenset(
            {"Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown"}
        ),
        cause="AWS throttles the requests",
        advice="try again in a minute",
    ),
    _Fault(
        names=frozenset({"InvalidRegionError", "NoRegionError", "UnknownEndpointError", "EndpointVariantError"}),
        cause="there is no such ECR region",
        advice="correct the region in the registry's host",
    ),
    _Fault(
        names=frozenset({"UnsupportedCommandException"}),
        cause="this account has no ECR Public",
        advice="take credentials of the aws partition, or leave the registry out: its images need no credential",
    ),
    _Fault(
        names=frozenset({"EndpointConnectionError", "ConnectTimeoutError", "ProxyConnectionError", "SSLError"}),
        cause="AWS cannot be reached",
        advice="check the network, the proxy and the region",
    ),
    _Fault(
        names=frozenset({"ReadTimeoutError", "ConnectionClosedError", "HTTPClientError", "ServerException"}),
        cause="AWS does not answer",
        advice="try again in a minute",
    ),
)


def _explained(error: Exception, request: TokenRequest) -> tuple[str, str]:
    """The cause and the advice for what botocore raised, without anything of a credential."""
    response: dict[str, Any] = getattr(error, "response", None) or {}
    code = str(response.get("Error", {}).get("Code", ""))
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    names = {each.__name__ for each in type(error).__mro__} | {code}
    fault = next((each for each in _FAULTS if each.names & names), None)
    if fault is None and isinstance(status, int) and status >= 500:
        return f"AWS answers with an error of its own (HTTP {status})", "try again in a minute"
    if fault is None:
        return f"AWS refuses: {code or type(error).__name__}", "look the error up in the ECR and STS API references"
    who = f" as {request.principal.role_arn}" if request.principal.role_arn is not None else ""
    # Only the message of a denial is passed on, which names principal and action; that of a wrong signature can hold
    # the session token.
    said = str(response.get("Error", {}).get("Message", "")) if fault.cause == "access denied" else ""
    details = ": ".join(part for part in (code, said[:300]) if part)
    return f"{fault.cause}{who}{f' ({details})' if details else ''}", fault.advice
