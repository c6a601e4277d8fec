"""What an error of AWS means, by the one table; and that no source of credentials makes Python's own errors escape."""

import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import (
    ClientError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    ProfileNotFound,
    ReadTimeoutError,
    UnauthorizedSSOTokenError,
)

from imagepull.errors import CredentialError
from imagepull.registries.aws_errors import explain
from imagepull.registries.aws_session import explain_failure
from imagepull.registries.ecr_tokens import Principal, TokenRequest, ask_aws


def client_error(code: str, message: str = "m", status: int = 400) -> ClientError:
    response: Any = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(response, "GetAuthorizationToken")


@pytest.mark.parametrize(
    ("error", "cause", "advice", "reached"),
    [
        (NoCredentialsError(), "no AWS credentials", "AWS_PROFILE", True),
        (ProfileNotFound(profile="x"), "profile cannot be read", "list-profiles", True),
        (UnauthorizedSSOTokenError(), "session has expired", "aws sso login", True),
        (client_error("ExpiredTokenException"), "session has expired (ExpiredTokenException)", "sign in again", True),
        (client_error("AccessDeniedException", "User: u is not authorized"), "User: u", "ecr:GetAuthori", True),
        (client_error("UnrecognizedClientException"), "does not accept", "partition", True),
        (client_error("InvalidIdentityToken"), "web identity token", "trust policy", True),
        (client_error("ThrottlingException"), "throttles", "in a minute", False),
        (client_error("ServerException", status=500), "does not answer", "in a minute", False),
        (client_error("Whatever", status=500), "an error of its own (HTTP 500)", "in a minute", False),
        (client_error("Whatever", status=499), "AWS refuses: Whatever", "API references", True),
        (EndpointConnectionError(endpoint_url="https://x"), "cannot be reached", "region", False),
        (ReadTimeoutError(endpoint_url="https://x"), "does not answer", "in a minute", False),
        (RuntimeError("hunter2"), "AWS refuses: RuntimeError", "API references", True),
    ],
)
def test_each_fault_of_aws_has_a_cause_and_advice(error: Exception, cause: str, advice: str, reached: bool) -> None:
    said = explain_failure("ECR", explain(error))

    assert cause in said.cause
    assert advice in said.advice
    assert said.reached is reached
    assert "hunter2" not in str(said)


def test_role_is_named() -> None:
    principal = Principal(role_arn="arn:aws:iam::1:role/x")

    said = explain_failure("ECR", explain(client_error("AccessDenied", "no")), principal)

    assert said.cause == "access denied as arn:aws:iam::1:role/x (AccessDenied: no)"


def test_only_the_message_of_a_denial_is_passed_on_and_not_all_of_it() -> None:
    assert "SESSIONTOKEN" not in explain(client_error("SignatureDoesNotMatch", "token:SESSIONTOKEN")).details
    assert explain(client_error("AccessDenied", "x" * 900)).details == "AccessDenied: " + "x" * 300


def test_what_a_credential_process_printed_is_not_quoted() -> None:
    error = CredentialRetrievalError(provider="custom-process", error_msg="password hunter2")

    assert "hunter2" not in str(explain_failure("ECR", explain(error)))


STATIC = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
IRSA = {"AWS_ROLE_ARN": "arn:aws:iam::123456789012:role/x", "AWS_WEB_IDENTITY_TOKEN_FILE": "/nowhere/token"}
CONTAINER = "AWS_CONTAINER_CREDENTIALS_FULL_URI"
MFA = """
[profile source]
aws_access_key_id = a
aws_secret_access_key = b
[profile p]
role_arn = arn:aws:iam::123456789012:role/x
source_profile = source
mfa_serial = arn:aws:iam::123456789012:mfa/me
"""


def process(*command: str) -> str:
    return "[profile p]\ncredential_process = " + " ".join(f'"{part}"' for part in command)


ECHO = (sys.executable, "-c", "import sys; print(sys.argv[1])")


@pytest.mark.parametrize(
    ("environment", "config", "cause", "advice"),
    [
        (IRSA, "", "the web identity token file gives no credentials (/nowhere/token: No such file", "IRSA"),
        ({}, process("/nowhere/tool", "hunter2"), "credential_process gives no credentials (/nowhere/tool: No", "JSON"),
        ({}, process(*ECHO, "hunter2"), "credential_process gives no credentials (JSONDecodeError)", "JSON"),
        ({}, process(*ECHO, "[]"), "credential_process gives no credentials (AttributeError)", "JSON"),
        ({}, process(*ECHO, "{}"), "credential_process gives no credentials", "JSON"),
        ({}, process(sys.executable, "-c", "exit('hunter2')"), "credential_process gives no credentials", "JSON"),
        ({}, "[profile p]\ncredential_process = 'hunter2", "credential_process gives no credentials", "JSON"),
        ({}, MFA, "the AWS profile asks for an MFA code, and nobody can be asked here", "export-credentials"),
        ({CONTAINER: "http://example.com/hunter2"}, "", "container credentials endpoint gives no", CONTAINER),
        ({CONTAINER: "hunter2"}, "", "container credentials endpoint gives no", CONTAINER),
        ({CONTAINER: "http://127.0.0.1:9/"}, "", "container credentials endpoint gives no", CONTAINER),
        (
            {CONTAINER: "http://127.0.0.1:9/", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": "/nowhere"},
            "",
            "container credentials endpoint gives no credentials (/nowhere: No such file",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        ),
        ({**STATIC, "AWS_ENDPOINT_URL_ECR": "hunter2"}, "", "endpoint is no usable URL", "AWS_ENDPOINT_URL"),
        ({**STATIC, "AWS_ENDPOINT_URL": "http://[::1"}, "", "endpoint is no usable URL", "AWS_ENDPOINT_URL"),
        ({**STATIC, "AWS_ENDPOINT_URL_ECR": "http://a:99999"}, "", "endpoint is no usable URL", "AWS_ENDPOINT_URL"),
        ({}, "[profile p\nhunter2", "the AWS profile cannot be read", "list-profiles"),
    ],
)
def test_each_broken_source_of_credentials_is_one_sentence(
    environment: dict[str, str], config: str, cause: str, advice: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _only(environment, tmp_path, monkeypatch)
    (tmp_path / "config").write_text(config)
    request = TokenRequest(principal=Principal(profile="p" if config else None), region="eu-west-1", public=False)

    with pytest.raises(CredentialError) as raised:
        ask_aws(request)

    assert cause in raised.value.cause
    assert advice in raised.value.advice
    assert "hunter2" not in str(raised.value)
    assert "\n" not in str(raised.value)
    assert raised.value.__cause__ is None


def test_credentials_that_a_process_prints_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _only({"AWS_ENDPOINT_URL": "http://127.0.0.1:9"}, tmp_path, monkeypatch)
    told = json.dumps({"Version": 1, "AccessKeyId": "a", "SecretAccessKey": "b"}).replace('"', '\\"')
    (tmp_path / "config").write_text(process(*ECHO, told))
    request = TokenRequest(principal=Principal(profile="p"), region="eu-west-1", public=False)

    with pytest.raises(CredentialError, match="AWS cannot be reached"):
        ask_aws(request)


@pytest.mark.parametrize(
    ("settings", "asked"),
    [
        ({}, "sts.cn-north-1.amazonaws.com.cn:443"),
        ({"AWS_DEFAULT_REGION": "cn-northwest-1"}, "sts.cn-northwest-1.amazonaws.com.cn:443"),
    ],
)
def test_a_pod_with_the_variables_of_irsa_alone_asks_the_sts_of_the_registrys_region(
    settings: dict[str, str], asked: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked_for: list[str] = []

    class Proxy(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            asked_for.append(self.path)
            self.send_error(403)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    token = tmp_path / "token"
    token.write_text("a web identity token")
    with ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}).start()
        variables = {
            "AWS_ROLE_ARN": IRSA["AWS_ROLE_ARN"],
            "AWS_WEB_IDENTITY_TOKEN_FILE": str(token),
            "AWS_MAX_ATTEMPTS": "1",
        }
        _only({**variables, **settings}, tmp_path, monkeypatch)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        for name in ("HTTPS_PROXY", "https_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{server.server_port}")
        request = TokenRequest(principal=Principal(), region="cn-north-1", public=False)

        with pytest.raises(CredentialError, match="AWS cannot be reached"):
            ask_aws(request)
        server.shutdown()

    assert asked_for == [asked]


def _only(environment: dict[str, str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """AWS's settings are these, and files in `folder`."""

    for name in [each for each in os.environ if each.startswith("AWS_")]:
        monkeypatch.delenv(name)
    files = {"AWS_CONFIG_FILE": "config", "AWS_SHARED_CREDENTIALS_FILE": "credentials"}
    for name, value in {**{name: str(folder / file) for name, file in files.items()}, **environment}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setattr("botocore.utils.ContainerMetadataFetcher.SLEEP_TIME", 0)
    monkeypatch.setattr("imagepull.registries.ecr_tokens._ATTEMPTS", 1)
