"""What an error of AWS means: cause and advice for a person, and whether AWS was reached at all.

The words are those of the table of causes (`imagepull.causes`, group "aws"). Tokens, the renewer and image look-ups
(`imagepull.registries.ecr_tokens`, `imagepull.renewal`, `imagepull.verify.ecr`) explain their errors by it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, Final

from imagepull.causes.table import as_clause, fill, get_cause

__all__ = ["AwsFault", "describe", "explain", "explain_code", "explain_unusable_credentials"]


@dataclass(frozen=True, kw_only=True)
class AwsFault:
    """An error of AWS in words.

    Attributes:
        code: in the table of causes.
        cause: what went wrong, as a clause, without anything of a credential.
        advice: what to do about it.
        details: the error's code or the file that is concerned; empty where there is nothing to add.
        reached: AWS, or what stands for it, has answered: trying again later does not help.
    """

    code: str
    cause: str
    advice: str
    details: str = ""
    reached: bool = True

    @property
    def is_denial(self) -> bool:
        """AWS knows who asks, and does not allow it."""
        return self.code == _ACCESS_DENIED


@dataclass(frozen=True, kw_only=True)
class _Kind:
    """A kind of error: its code in the table of causes, and the names by which it comes (exceptions, error codes)."""

    code: str
    names: frozenset[str]


_ACCESS_DENIED: Final = "aws-access-denied"
# Exception classes: botocore/exceptions.py; codes: the error lists of the STS and ECR API references.
_KINDS: Final = (
    _Kind(code="aws-no-credentials", names=frozenset({"NoCredentialsError", "PartialCredentialsError"})),
    _Kind(
        code="aws-profile-unreadable",
        names=frozenset({"ProfileNotFound", "ConfigNotFound", "ConfigParseError", "InvalidConfigError"}),
    ),
    _Kind(
        code="aws-session-expired",
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
    ),
    _Kind(
        code=_ACCESS_DENIED,
        names=frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NotAuthorized"}),
    ),
    _Kind(
        code="aws-credentials-refused",
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
    ),
    _Kind(
        code="aws-web-identity-refused",
        names=frozenset({"InvalidIdentityToken", "IDPRejectedClaim", "IDPCommunicationError"}),
    ),
    _Kind(
        code="aws-throttled",
        names=frozenset(
            {"Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown"}
        ),
    ),
    _Kind(
        code="aws-no-such-region",
        names=frozenset({"InvalidRegionError", "NoRegionError", "UnknownEndpointError", "EndpointVariantError"}),
    ),
    _Kind(code="aws-no-ecr-public", names=frozenset({"UnsupportedCommandException"})),
    _Kind(
        code="aws-unreachable",
        names=frozenset({"EndpointConnectionError", "ConnectTimeoutError", "ProxyConnectionError", "SSLError"}),
    ),
    _Kind(
        code="aws-no-answer",
        names=frozenset({"ReadTimeoutError", "ConnectionClosedError", "HTTPClientError", "ServerException"}),
    ),
    # Python's own ValueError: botocore lets it through for an address that is none.
    _Kind(code="aws-endpoint-wrong", names=frozenset({"InvalidEndpointConfigurationError", "ValueError"})),
)
# botocore/credentials.py, in the order in which its chain tries them: the settings of a profile, or of the environment,
# that name where credentials may come from, and the code where none came.
_SOURCES: Final = (
    (("mfa_serial",), "aws-mfa-asked"),
    (("credential_process",), "aws-process-fails"),
    (("web_identity_token_file", "AWS_WEB_IDENTITY_TOKEN_FILE"), "aws-web-identity-unusable"),
    (
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
        "aws-container-endpoint-fails",
    ),
)


def describe(code: str, facts: Mapping[str, str] = MappingProxyType({})) -> AwsFault:
    """The fault in the words of the table of causes.

    Args:
        code: Of its group "aws".
        facts: For the words in braces of its sentences.
    """
    cause = get_cause(code)
    return AwsFault(
        code=code,
        cause=as_clause(fill(cause.cause, facts)),
        advice=as_clause(fill(cause.fix, facts)),
        reached=not cause.waiting_helps,
    )


def explain(error: Exception) -> AwsFault:
    """What an error of botocore means. Its own message is quoted only for a denial, which names principal and action;
    that of a wrong signature can hold the session token."""
    response: dict[str, Any] = getattr(error, "response", None) or {}
    code = str(response.get("Error", {}).get("Code", ""))
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    names = {each.__name__ for each in type(error).__mro__} | {code}
    kind = next((kind.code for kind in _KINDS if kind.names & names), None)
    if kind is None and isinstance(status, int) and status >= 500:
        return describe("aws-server-error", {"status": f"HTTP {status}"})
    if kind is None:
        return _explain_unknown(code or type(error).__name__)
    return _add_details(describe(kind), code, str(response.get("Error", {}).get("Message", "")))


def explain_code(code: str, message: str) -> AwsFault:
    """What an error code of AWS means that another program got, as `explain`."""
    kind = next((kind.code for kind in _KINDS if code in kind.names), None)
    return _explain_unknown(code) if kind is None else _add_details(describe(kind), code, message)


def _explain_unknown(name: str) -> AwsFault:
    return describe("aws-refused", {"status": name})


def _add_details(fault: AwsFault, code: str, message: str) -> AwsFault:
    quoted = message if fault.is_denial else ""
    return replace(fault, details=": ".join(part for part in (code, quoted[:300]) if part))


def explain_unusable_credentials(
    error: Exception, profile: Mapping[str, Any], environment: Mapping[str, str]
) -> AwsFault:
    """Why no credentials came from where the settings say, whatever botocore raised (many kinds are not its own).

    Args:
        error: As raised. Of its message nothing is quoted but a file's name: it can hold what a program printed.
        profile: The profile's settings by name.
        environment: Of this process.
    """
    file = error.filename if isinstance(error, OSError) and isinstance(error.filename, str) else ""
    details = f"{file}: {error.strerror}" if file and isinstance(error, OSError) else type(error).__name__
    for settings, code in _SOURCES:
        if any(profile.get(setting) or environment.get(setting) for setting in settings):
            return replace(describe(code), details=details)
    return replace(describe("aws-credentials-unreadable"), details=details)
