"""What AWS receives: each setting of a registry, in the request that it belongs to, on a server of this process."""

import asyncio
import base64
import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs

import pytest

from imagepull import USER_AGENT
from imagepull.errors import CredentialError
from imagepull.images.reference import parse
from imagepull.registries.aws_session import open_session
from imagepull.registries.ecr_tokens import Principal, TokenRequest, TokenSource, ask_aws
from imagepull.verify import ecr

ROLE: Final = "arn:aws:iam::444455556666:role/pull"
EXPIRES: Final = 1_900_000_000
TOKEN: Final = base64.b64encode(b"AWS:pa55").decode()
ASSUMED: Final = """<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials>
<AccessKeyId>ASIAASSUMED</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>session</SessionToken>
<Expiration>2030-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"""


@dataclass(kw_only=True)
class Received:
    """A request: its operation, its parameters, and whose key in which region signed it."""

    operation: str
    parameters: dict[str, Any]
    key: str
    region: str


@dataclass(kw_only=True)
class Aws:
    """Stands for STS, ECR and ECR Public."""

    requests: list[Received] = field(default_factory=list)
    user_agents: set[str] = field(default_factory=set)
    status: int = 200

    @property
    def operations(self) -> list[str]:
        return [each.operation for each in self.requests]

    def answer(self, received: Received) -> str:
        self.requests.append(received)
        data = {"authorizationToken": TOKEN, "expiresAt": EXPIRES}
        if received.operation == "AssumeRole":
            return ASSUMED
        if received.operation == "SpencerFrontendService.GetAuthorizationToken":
            return json.dumps({"authorizationData": data})
        if received.operation.endswith("DescribeImages"):
            return json.dumps({"imageDetails": [{"imageDigest": "sha256:" + "1" * 64, "imageSizeInBytes": 7}]})
        return json.dumps({"authorizationData": [data], "images": []})


@pytest.fixture
def aws(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    served = Aws()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            target = self.headers.get("X-Amz-Target", "")
            parameters = json.loads(body) if target else {name: value[0] for name, value in parse_qs(body).items()}
            signed = re.search(r"Credential=(\w+)/\d+/([\w-]+)/", self.headers["Authorization"])
            assert signed is not None
            operation = target or parameters.pop("Action")
            answer = served.answer(
                Received(operation=operation, parameters=parameters, key=signed[1], region=signed[2])
            ).encode()
            served.user_agents.add(self.headers["User-Agent"])
            self.send_response(served.status)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ROLE_ARN", "AWS_WEB_IDENTITY_TOKEN_FILE"):
        monkeypatch.delenv(name, raising=False)
    config = tmp_path / "config"
    config.write_text("[profile other]\naws_access_key_id = AKIAPROFILE\naws_secret_access_key = s\n")
    for name, value in {
        "AWS_CONFIG_FILE": str(config),
        "AWS_SHARED_CREDENTIALS_FILE": str(tmp_path / "credentials"),
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
        "AWS_ACCESS_KEY_ID": "AKIAENVIRONMENT",
        "AWS_SECRET_ACCESS_KEY": "s",
    }.items():
        monkeypatch.setenv(name, value)
    for service in ("ECR", "ECR_PUBLIC", "STS"):
        monkeypatch.delenv(f"AWS_ENDPOINT_URL_{service}", raising=False)
    yield served
    server.shutdown()
    thread.join()
    server.server_close()


def request(*, region: str = "eu-west-1", public: bool = False, **principal: str) -> TokenRequest:
    return TokenRequest(principal=Principal(**principal), region=region, public=public)


def test_token_is_asked_for_in_its_region_as_who_the_environment_says(aws: Aws) -> None:
    token = ask_aws(request(region="ap-south-1"))

    (asked,) = aws.requests
    assert asked == Received(
        operation="AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken",
        parameters={},
        key="AKIAENVIRONMENT",
        region="ap-south-1",
    )
    assert (token.credential.username, token.credential.password) == ("AWS", "pa55")
    assert token.lifetime.expires.timestamp() == EXPIRES
    assert token.lifetime.issued < token.lifetime.expires
    assert token.lifetime.issued.microsecond == 0


def test_profile_is_used(aws: Aws) -> None:
    ask_aws(request(profile="other"))

    assert [each.key for each in aws.requests] == ["AKIAPROFILE"]


@pytest.mark.parametrize(
    ("principal", "parameters"),
    [
        ({}, {"RoleSessionName": "imagepull"}),
        ({"external_id": "shared-with-us"}, {"RoleSessionName": "imagepull", "ExternalId": "shared-with-us"}),
        ({"session_name": "ci-42"}, {"RoleSessionName": "ci-42"}),
        ({"session_name": "ci", "external_id": "x1"}, {"RoleSessionName": "ci", "ExternalId": "x1"}),
    ],
)
def test_role_is_assumed_with_external_id_and_session_name(
    aws: Aws, principal: dict[str, Any], parameters: dict[str, str]
) -> None:
    ask_aws(request(role_arn=ROLE, profile="other", **principal))

    assume, asked = aws.requests
    assert assume.operation == "AssumeRole"
    assert {name: value for name, value in assume.parameters.items() if name != "Version"} == {
        "RoleArn": ROLE,
        **parameters,
    }
    assert (assume.key, assume.region) == ("AKIAPROFILE", "eu-west-1")
    assert (asked.key, asked.region) == ("ASIAASSUMED", "eu-west-1")


def test_ecr_public_is_asked_by_its_own_api(aws: Aws) -> None:
    token = ask_aws(request(region="us-east-1", public=True))

    assert aws.operations == ["SpencerFrontendService.GetAuthorizationToken"]
    assert aws.requests[0].region == "us-east-1"
    assert token.credential.password == "pa55"


@pytest.mark.parametrize(
    ("host", "account"),
    [
        ("123456789012.dkr.ecr.eu-west-1.amazonaws.com", {"registryId": "123456789012"}),
        ("ecr.internal.example.com", {}),
    ],
)
def test_image_is_looked_up_in_the_registry_of_its_account(aws: Aws, host: str, account: dict[str, str]) -> None:
    ecr.look_up(parse(f"{host}/shop/web:1.0"), request(role_arn=ROLE), 5)

    assert aws.operations[0] == "AssumeRole"
    _, described, held = aws.requests
    asked = {"repositoryName": "shop/web", "imageIds": [{"imageTag": "1.0"}], **account}
    assert described.parameters == asked
    assert {name: held.parameters[name] for name in asked} == asked
    assert "application/vnd.oci.image.index.v1+json" in held.parameters["acceptedMediaTypes"]


@pytest.mark.parametrize(
    ("image", "asked"),
    [("web", {"imageTag": "latest"}), ("web@sha256:" + "1" * 64, {"imageDigest": "sha256:" + "1" * 64})],
)
def test_image_is_looked_up_by_its_digest_or_tag(aws: Aws, image: str, asked: dict[str, str]) -> None:
    ecr.look_up(parse(f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/{image}"), request(), 5)

    assert aws.requests[0].parameters["imageIds"] == [asked]


def test_error_names_registry_and_region(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aws, "answer", lambda received: "{}")

    with pytest.raises(CredentialError) as private:
        ask_aws(request())
    with pytest.raises(CredentialError) as public:
        ask_aws(request(public=True))

    assert str(private.value).startswith("ECR in eu-west-1: the answer holds no token")
    assert str(public.value).startswith("ECR Public: the answer holds no token")


def test_a_source_of_tokens_asks_aws(aws: Aws) -> None:
    token = asyncio.run(TokenSource().get(request()))

    assert token.credential.password == "pa55"


def test_aws_sees_who_asks(aws: Aws) -> None:
    ask_aws(request(role_arn=ROLE))

    assert aws.user_agents
    assert all(USER_AGENT in each for each in aws.user_agents)


def test_a_refusal_names_the_role_that_was_refused(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(received: Received) -> str:
        if received.operation == "AssumeRole":
            aws.requests.append(received)
            return ASSUMED
        aws.requests.append(received)
        aws.status = 400
        return json.dumps({"__type": "AccessDeniedException", "message": "not authorized"})

    monkeypatch.setattr(aws, "answer", answer)

    with pytest.raises(CredentialError) as refused:
        ask_aws(request(role_arn=ROLE))

    assert str(refused.value).startswith("ECR in eu-west-1: ")
    assert f" as {ROLE}" in str(refused.value)
    assert len(aws.requests) == 2  # a refusal is not repeated


@pytest.mark.parametrize(("principal", "endpoint"), [({"profile": "absent"}, None), ({}, "no URL")])
def test_what_stands_in_the_way_of_a_call_names_the_registry(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, principal: dict[str, Any], endpoint: str | None
) -> None:
    if endpoint is not None:
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)

    with pytest.raises(CredentialError, match="ECR in eu-west-1: "):
        ask_aws(request(**principal))

    assert aws.requests == []


def test_a_fault_of_aws_is_tried_four_times(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    aws.status = 500

    with pytest.raises(CredentialError, match="ECR in eu-west-1"):
        ask_aws(request())

    assert len(aws.requests) == 4


def test_a_call_to_aws_ends_within_half_a_minute(aws: Aws, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[Any] = []

    def keep(principal: Any, region: str, config: Any, *, what: str) -> Any:
        given.append(config)
        return open_session(principal, region, config, what=what)

    monkeypatch.setattr("imagepull.registries.aws_session.open_session", keep)
    ask_aws(request())

    (config,) = given
    longest = (config.connect_timeout + config.read_timeout) * config.retries["total_max_attempts"]
    assert longest <= 32
