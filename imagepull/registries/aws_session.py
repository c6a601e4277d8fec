"""An AWS session of the principal that a registry names. What stands in the way of one is a CredentialError."""

import os
from typing import TYPE_CHECKING, Any, Final, NoReturn

from imagepull.errors import CredentialError
from imagepull.registries.aws_errors import AwsFault, explain, explain_unusable_credentials
from imagepull.registries.ecr_tokens import Principal

if TYPE_CHECKING:
    import boto3
    from botocore.config import Config

__all__ = ["DEFAULT_SESSION_NAME", "explain_failure", "open_client", "open_session"]

DEFAULT_SESSION_NAME: Final = "imagepull"
# An error of its own that is about credentials, and says no more than their source would.
_OF_A_SOURCE: Final = ("CredentialRetrievalError", "MetadataRetrievalError")


def open_session(principal: Principal, region: str, config: "Config", *, what: str) -> "boto3.Session":
    """A session whose credentials are there: the ones found, or those of the role assumed with them.

    Args:
        principal: Who asks.
        region: Whose STS endpoint assumes the role; and exchanges a web identity token where no region is configured.
        config: Time-outs and retries.
        what: What to call the request in an error: `ECR in eu-west-1`.

    Raises:
        CredentialError: there is no session.
    """
    import boto3
    from botocore.exceptions import BotoCoreError

    try:
        session = boto3.Session(profile_name=principal.profile)
        if session.region_name is None:
            # In a Pod with the variables of IRSA alone botocore would ask the global STS, which a private network does
            # not reach, and which knows no role of another partition.
            session = boto3.Session(profile_name=principal.profile, region_name=region)
    except BotoCoreError as error:
        raise explain_failure(what, explain(error)) from None
    _get_credentials(session, what)
    if principal.role_arn is None:
        return session
    external: dict[str, Any] = {} if principal.external_id is None else {"ExternalId": principal.external_id}
    sts = open_client(session, "sts", region, config, what=what)
    try:
        assumed = sts.assume_role(
            RoleArn=principal.role_arn, RoleSessionName=principal.session_name or DEFAULT_SESSION_NAME, **external
        )["Credentials"]
    except Exception as error:
        raise explain_failure(what, explain(error), principal) from None
    return boto3.Session(
        aws_access_key_id=assumed["AccessKeyId"],
        aws_secret_access_key=assumed["SecretAccessKey"],
        aws_session_token=assumed["SessionToken"],
    )


def open_client(session: "boto3.Session", service: Any, region: str, config: "Config", *, what: str) -> Any:
    """A client of an AWS API. Raises CredentialError: its endpoint is configured as something that is no URL."""
    try:
        return session.client(service, region_name=region, config=config)
    except Exception as error:  # a wrong address is Python's own ValueError
        raise explain_failure(what, explain(error)) from None


def explain_failure(what: str, fault: AwsFault, principal: Principal | None = None) -> CredentialError:
    """The error for a fault, naming the role where one is assumed."""
    who = f" as {principal.role_arn}" if principal and principal.role_arn is not None else ""
    details = f" ({fault.details})" if fault.details else ""
    return CredentialError(what, f"{fault.cause}{who}{details}", fault.advice, reached=fault.reached)


def _get_credentials(session: "boto3.Session", what: str) -> None:
    """Gets the session's credentials now, where the source of an error is still known."""
    from botocore.exceptions import BotoCoreError, ClientError

    # boto3 has no public way to the session below it, nor botocore to the one who asks for an MFA code: it would wait
    # at the terminal, unseen.
    core = session._session
    core.get_component("credential_provider").get_provider("assume-role")._prompter = _refuse_to_ask
    try:
        credentials = session.get_credentials()
        if credentials is not None:
            credentials.get_frozen_credentials()
    except Exception as error:
        # botocore lets through whatever a file, a program or an address makes Python raise (OSError, ValueError, ...).
        own = isinstance(error, BotoCoreError | ClientError) and type(error).__name__ not in _OF_A_SOURCE
        fault = explain(error) if own else explain_unusable_credentials(error, core.get_scoped_config(), os.environ)
        raise explain_failure(what, fault) from None


def _refuse_to_ask(prompt: str) -> NoReturn:
    raise EOFError(prompt)
