"""What an error of AWS means: cause and advice for a person, and whether AWS was reached at all. One table.

Tokens (`imagepull.registries.ecr_tokens`) and image look-ups (`imagepull.verify.ecr`) both explain their errors by it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

__all__ = ["ACCESS_DENIED", "UNREACHABLE", "AwsFault", "explain", "explain_code", "explain_unusable_credentials"]


@dataclass(frozen=True, kw_only=True)
class AwsFault:
    """An error of AWS in words.

    Attributes:
        cause: what went wrong, as a clause, without anything of a credential.
        advice: what to do about it.
        details: the error's code or the file that is concerned; empty where there is nothing to add.
        reached: AWS, or what stands for it, has answered: trying again later does not help.
    """

    cause: str
    advice: str
    details: str = ""
    reached: bool = True


@dataclass(frozen=True, kw_only=True)
class _Kind:
    """A kind of error: the names by which it comes (exception classes and error codes), and what to say."""

    names: frozenset[str]
    fault: AwsFault


ACCESS_DENIED: Final = AwsFault(
    cause="access denied",
    advice="allow ecr:GetAuthorizationToken on * (and sts:AssumeRole on the role, if one is named)",
)
UNREACHABLE: Final = AwsFault(
    cause="AWS cannot be reached", advice="check the network, the proxy and the region", reached=False
)
# Exception classes: botocore/exceptions.py; codes: the error lists of the STS and ECR API references.
_KINDS: Final = (
    _Kind(
        names=frozenset({"NoCredentialsError", "PartialCredentialsError"}),
        fault=AwsFault(
            cause="no AWS credentials found",
            advice="set AWS_PROFILE, or give the registry a profile, or run where a role is attached",
        ),
    ),
    _Kind(
        names=frozenset({"ProfileNotFound", "ConfigNotFound", "ConfigParseError", "InvalidConfigError"}),
        fault=AwsFault(
            cause="the AWS profile cannot be read", advice="name a profile that `aws configure list-profiles` shows"
        ),
    ),
    _Kind(
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
        fault=AwsFault(
            cause="the AWS session has expired", advice="sign in again (`aws sso login`, or fresh credentials)"
        ),
    ),
    _Kind(
        names=frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "NotAuthorized"}),
        fault=ACCESS_DENIED,
    ),
    _Kind(
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
        fault=AwsFault(
            cause="AWS does not accept these credentials",
            advice="check that they are of this partition, the region is enabled in the account, and the clock is"
            " right",
        ),
    ),
    _Kind(
        names=frozenset({"InvalidIdentityToken", "IDPRejectedClaim", "IDPCommunicationError"}),
        fault=AwsFault(
            cause="AWS does not accept the web identity token",
            advice="check the role's trust policy: the OIDC provider, the audience and the ServiceAccount",
        ),
    ),
    _Kind(
        names=frozenset(
            {"Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded", "SlowDown"}
        ),
        fault=AwsFault(cause="AWS throttles the requests", advice="try again in a minute", reached=False),
    ),
    _Kind(
        names=frozenset({"InvalidRegionError", "NoRegionError", "UnknownEndpointError", "EndpointVariantError"}),
        fault=AwsFault(cause="there is no such ECR region", advice="correct the region in the registry's host"),
    ),
    _Kind(
        names=frozenset({"UnsupportedCommandException"}),
        fault=AwsFault(
            cause="this account has no ECR Public",
            advice="take credentials of the aws partition, or leave the registry out: its images need no credential",
        ),
    ),
    _Kind(
        names=frozenset({"EndpointConnectionError", "ConnectTimeoutError", "ProxyConnectionError", "SSLError"}),
        fault=UNREACHABLE,
    ),
    _Kind(
        names=frozenset({"ReadTimeoutError", "ConnectionClosedError", "HTTPClientError", "ServerException"}),
        fault=AwsFault(cause="AWS does not answer", advice="try again in a minute", reached=False),
    ),
    # Python's own ValueError: botocore lets it through for an address that is none.
    _Kind(
        names=frozenset({"InvalidEndpointConfigurationError", "ValueError"}),
        fault=AwsFault(
            cause="the configured AWS endpoint is no usable URL",
            advice="correct AWS_ENDPOINT_URL, AWS_ENDPOINT_URL_ECR or AWS_ENDPOINT_URL_STS, or the profile's"
            " endpoint_url, or leave it out",
        ),
    ),
)


@dataclass(frozen=True, kw_only=True)
class _CredentialSource:
    """Where credentials may come from: the setting that names it, in a profile or in the environment."""

    settings: tuple[str, ...]
    what: str
    advice: str


# botocore/credentials.py, in the order in which its chain tries them.
_SOURCES: Final = (
    _CredentialSource(
        settings=("mfa_serial",),
        what="the AWS profile asks for an MFA code, and nobody can be asked here",
        advice="export a session first (`aws configure export-credentials`), or name a profile without mfa_serial",
    ),
    _CredentialSource(
        settings=("credential_process",),
        what="the profile's credential_process gives no credentials",
        advice="run the command by hand: it must print JSON with Version, AccessKeyId and SecretAccessKey",
    ),
    _CredentialSource(
        settings=("web_identity_token_file", "AWS_WEB_IDENTITY_TOKEN_FILE"),
        what="the web identity token file gives no credentials",
        advice="check the path in AWS_WEB_IDENTITY_TOKEN_FILE: in a Pod the EKS webhook mounts it (IRSA)",
    ),
    _CredentialSource(
        settings=("AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
        what="the container credentials endpoint gives no credentials",
        advice="check AWS_CONTAINER_CREDENTIALS_FULL_URI and AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: on EKS the Pod"
        " Identity agent sets them",
    ),
)


def explain(error: Exception) -> AwsFault:
    """What an error of botocore means. Its own message is quoted only for a denial, which names principal and action;
    that of a wrong signature can hold the session token."""
    response: dict[str, Any] = getattr(error, "response", None) or {}
    code = str(response.get("Error", {}).get("Code", ""))
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    names = {each.__name__ for each in type(error).__mro__} | {code}
    fault = next((kind.fault for kind in _KINDS if kind.names & names), None)
    if fault is None and isinstance(status, int) and status >= 500:
        cause = f"AWS answers with an error of its own (HTTP {status})"
        return AwsFault(cause=cause, advice="try again in a minute", reached=False)
    if fault is None:
        return _explain_unknown(code or type(error).__name__)
    return _add_details(fault, code, str(response.get("Error", {}).get("Message", "")))


def explain_code(code: str, message: str) -> AwsFault:
    """What an error code of AWS means that another program got, as `explain`."""
    fault = next((kind.fault for kind in _KINDS if code in kind.names), None)
    return _explain_unknown(code) if fault is None else _add_details(fault, code, message)


def _explain_unknown(name: str) -> AwsFault:
    return AwsFault(cause=f"AWS refuses: {name}", advice="look the error up in the ECR and STS API references")


def _add_details(fault: AwsFault, code: str, message: str) -> AwsFault:
    quoted = message if fault is ACCESS_DENIED else ""
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
    for source in _SOURCES:
        if any(profile.get(setting) or environment.get(setting) for setting in source.settings):
            return AwsFault(cause=source.what, advice=source.advice, details=details)
    advice = "check the profile and the AWS_* variables with `aws sts get-caller-identity`"
    return AwsFault(cause="the AWS credentials cannot be read", advice=advice, details=details)
