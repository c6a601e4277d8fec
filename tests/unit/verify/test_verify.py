"""Looking images up: against registries and an ECR in this process, and what the answers mean.

The lab's own registry and ECR are asked in tests/node/test_verify.py.
"""

import asyncio
import base64
import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from imagepull.images.reference import parse
from imagepull.pull_plan.findings import Severity
from imagepull.registries.docker_config import Credential
from imagepull.registries.ecr_tokens import Principal, TokenRequest
from imagepull.registry_secret.spec import RegistrySource
from imagepull.verify import ImageFacts, Settings, Unverified, Verifier, ecr, oci
from imagepull.verify.facts import read_manifest, read_platform
from tests.resolved_images import row

ECR = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
CONFIG = json.dumps({"os": "linux", "architecture": "amd64"}).encode()
CONFIG_DIGEST = f"sha256:{hashlib.sha256(CONFIG).hexdigest()}"
MANIFEST = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {"mediaType": "application/vnd.oci.image.config.v1+json", "digest": CONFIG_DIGEST, "size": 100},
        "layers": [{"digest": "sha256:" + "1" * 64, "size": 3_000_000}, {"digest": "sha256:" + "2" * 64, "size": 900}],
    }
).encode()
DIGEST = f"sha256:{hashlib.sha256(MANIFEST).hexdigest()}"
INDEX = json.dumps(
    {
        "manifests": [
            {"platform": {"os": "linux", "architecture": "amd64"}},
            {"platform": {"os": "linux", "architecture": "arm64", "variant": "v8"}},
            {"platform": {"os": "unknown", "architecture": "unknown"}},
        ]
    }
).encode()
BOT = Credential(username="bot", password="hunter2")
BASIC = "Basic " + base64.b64encode(b"bot:hunter2").decode()

Handler = Callable[[httpx2.Request], httpx2.Response]


def registry(*, auth: str = "none", calls: list[httpx2.Request] | None = None) -> Handler:
    """A registry with `acme/app:1` (one platform) and `acme/app:all` (an index). `auth`: none, basic or bearer."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        if calls is not None:
            calls.append(request)
        sent = request.headers.get("Authorization", "")
        if request.url.host == "auth.example.com":
            asked = dict(request.url.params)
            assert asked == {"service": "r", "scope": "repository:acme/app:pull"}
            return httpx2.Response(200, json={"token": "t0ken"}) if sent == BASIC else httpx2.Response(401)
        challenge = {
            "basic": 'Basic realm="r"',
            "bearer": 'Bearer realm="https://auth.example.com/token",service="r",scope="repository:acme/app:pull"',
        }
        good = {"basic": BASIC, "bearer": "Bearer t0ken"}
        if auth != "none" and sent != good[auth]:
            return httpx2.Response(401, headers={"WWW-Authenticate": challenge[auth]})
        contents = {
            "/v2/acme/app/manifests/1": MANIFEST,
            f"/v2/acme/app/manifests/{DIGEST}": MANIFEST,
            "/v2/acme/app/manifests/all": INDEX,
            "/v2/acme/app/manifests/odd": b"[]",
            f"/v2/acme/app/blobs/{CONFIG_DIGEST}": CONFIG,
        }
        content = contents.get(request.url.path)
        if content is None:
            return httpx2.Response(404)
        digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
        return httpx2.Response(200, content=content, headers={"Docker-Content-Digest": digest})

    return answer


def ask(handler: Handler, image: str, credential: Credential | None = None) -> ImageFacts | Unverified:
    async def look_up() -> ImageFacts | Unverified:
        async with httpx2.AsyncClient(transport=httpx2.MockTransport(handler)) as client:
            return await oci.look_up(client, parse(image), credential)

    return asyncio.run(look_up())


def code(answer: ImageFacts | Unverified) -> str:
    assert isinstance(answer, Unverified)
    return answer.code


@pytest.mark.parametrize("auth", ["none", "basic", "bearer"])
@pytest.mark.parametrize("name", [":1", f"@{DIGEST}", f":1@{DIGEST}"])
def test_digest_size_and_platform_of_an_image(auth: str, name: str) -> None:
    credential = None if auth == "none" else BOT
    found = ask(registry(auth=auth), f"r.example.com/acme/app{name}", credential)
    assert found == ImageFacts(digest=DIGEST, size=3_001_000, platforms=("linux/amd64",))


def test_platforms_of_an_index() -> None:
    found = ask(registry(), "r.example.com/acme/app:all")
    assert isinstance(found, ImageFacts)
    assert (found.platforms, found.size) == (("linux/amd64", "linux/arm64/v8"), None)


@pytest.mark.parametrize("auth", ["basic", "bearer"])
def test_wrong_credential_and_none_are_told_apart(auth: str) -> None:
    wrong = ask(registry(auth=auth), "r.example.com/acme/app:1", Credential(username="bot", password="no"))
    none = ask(registry(auth=auth), "r.example.com/acme/app:1")
    assert isinstance(wrong, Unverified)
    assert isinstance(none, Unverified)
    assert (wrong.code, none.code) == ("access-denied", "access-denied")
    assert "refuses the credential" in wrong.text
    assert "wants a credential" in none.text


@pytest.mark.parametrize(("tag", "told"), [("2", "image-absent"), ("odd", "unsupported-media")])
def test_tag_under_which_there_is_no_image_has_the_code_of_the_diagnosis(tag: str, told: str) -> None:
    assert code(ask(registry(), f"r.example.com/acme/app:{tag}")) == told


def test_credential_goes_to_nobody_before_it_is_asked_for() -> None:
    calls: list[httpx2.Request] = []
    ask(registry(calls=calls), "r.example.com/acme/app:1", BOT)
    assert [call.headers.get("Authorization") for call in calls] == [None, None]


def test_credential_does_not_go_to_a_token_server_without_tls() -> None:
    calls: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        calls.append(request)
        return httpx2.Response(401, headers={"WWW-Authenticate": 'Bearer realm="http://evil.example/token"'})

    ask(answer, "r.example.com/acme/app:1", BOT)
    assert {call.url.host for call in calls} == {"r.example.com"}


@pytest.mark.parametrize("failure", [httpx2.ConnectTimeout("slow"), httpx2.ConnectError("refused")])
def test_registry_that_does_not_answer_is_unreachable(failure: Exception) -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        raise failure

    assert code(ask(answer, "r.example.com/acme/app:1")) == "registry-unreachable"


@pytest.mark.parametrize("answer", [httpx2.Response(503), httpx2.Response(429), httpx2.Response(302)])
def test_registry_that_fails_is_unreachable(answer: httpx2.Response) -> None:
    assert code(ask(lambda _: answer, "r.example.com/acme/app:1")) == "registry-unreachable"


def test_overlong_answer_is_not_read() -> None:
    def answer(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, content=b"{}", headers={"Content-Length": "99999999"})

    assert code(ask(answer, "r.example.com/acme/app:1")) == "registry-unreachable"


@pytest.mark.parametrize("data", [b"", b"no JSON", b"[]", b"3", b"{}", b'{"config": 1, "layers": 2}', b"\xff"])
def test_other_documents_are_no_manifest(data: bytes) -> None:
    assert read_manifest(data) is None
    assert read_platform(data) == ""


@pytest.fixture
def ecr_client(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    import boto3

    with mock_aws():
        client = boto3.client("ecr", region_name="us-east-1")
        client.create_repository(repositoryName="shop/web")
        client.put_image(repositoryName="shop/web", imageManifest=MANIFEST.decode(), imageTag="1.0")
        yield client


REQUEST = TokenRequest(principal=Principal(), region="us-east-1", public=False)


def test_ecr_tells_digest_and_size_by_its_api(ecr_client: Any) -> None:
    found = ecr.look_up(parse(f"{ECR}/shop/web:1.0"), REQUEST, 5)
    assert isinstance(found, ImageFacts)
    assert found.digest.startswith("sha256:")
    assert ecr.look_up(parse(f"{ECR}/shop/web@{found.digest}"), REQUEST, 5) == found


@pytest.mark.parametrize("image", ["shop/web:2.0", "shop/none:1.0", f"shop/web@sha256:{'0' * 64}"])
def test_ecr_without_the_image_says_so(ecr_client: Any, image: str) -> None:
    assert code(ecr.look_up(parse(f"{ECR}/{image}"), REQUEST, 5)) == "image-absent"


class Counted:
    """Stands in for the look-up in a registry."""

    def __init__(self, answer: ImageFacts | Unverified) -> None:
        self.answer, self.under_way, self.most = answer, 0, 0
        self.asked: list[tuple[str, Credential | None]] = []

    async def look_up(self, client: object, reference: Any, credential: Credential | None, base_url: object) -> Any:
        self.asked.append((reference.canonical, credential))
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(0)
        self.under_way -= 1
        return self.answer


AMD64 = ImageFacts(digest=DIGEST, size=5 * 1024 * 1024, platforms=("linux/amd64", "linux/arm64/v8"))
MISSING = Unverified(code="image-absent", text="not there")


def judged(monkeypatch: pytest.MonkeyPatch, answer: ImageFacts | Unverified, **settings: Any) -> list[tuple[str, str]]:
    monkeypatch.setattr(oci, "look_up", Counted(answer).look_up)
    found = asyncio.run(Verifier([], Settings(**settings)).list_findings([row("r.example.com/a:1")]))
    return [(each.severity.value, each.code) for each in found]


@pytest.mark.parametrize(
    ("answer", "settings", "expected"),
    [
        (AMD64, {}, []),
        (AMD64, {"platforms": ("linux/amd64", "linux/arm64")}, []),
        (AMD64, {"platforms": ("linux/arm64", "windows/amd64")}, [("warning", "wrong-platform")]),
        (AMD64, {"largest": 5 * 1024 * 1024}, []),
        (AMD64, {"largest": 1024}, [("warning", "image-too-large")]),
        (MISSING, {}, [("warning", "image-absent")]),
        (MISSING, {"severity": Severity.ERROR}, [("error", "image-absent")]),
        (Unverified(code="access-denied", text="x"), {"severity": Severity.ERROR}, [("warning", "access-denied")]),
    ],
)
def test_what_is_wrong_is_a_warning_or_an_error_by_the_settings(
    monkeypatch: pytest.MonkeyPatch, answer: Any, settings: Any, expected: list[tuple[str, str]]
) -> None:
    assert judged(monkeypatch, answer, **settings) == expected


def test_each_reference_is_asked_once_and_only_so_many_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Counted(MISSING)
    monkeypatch.setattr(oci, "look_up", counted.look_up)
    rows = [row(f"r.example.com/a:{number % 30}") for number in range(90)]
    found = asyncio.run(Verifier([], Settings(at_once=8)).list_findings([*rows, row("No Image")]))
    assert len(found) == 90
    assert len(counted.asked) == 30
    assert counted.most == 8


def test_configured_credential_goes_to_its_own_registry_only(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = Counted(AMD64)
    monkeypatch.setattr(oci, "look_up", counted.look_up)
    registries = [RegistrySource(host="ghcr.io", fixed=BOT)]
    asyncio.run(Verifier(registries, Settings()).list_findings([row("ghcr.io/a/b:1"), row("quay.io/a/b:1")]))
    assert dict(counted.asked) == {"ghcr.io/a/b:1": BOT, "quay.io/a/b:1": None}


def test_faults_of_aws_are_explained_as_for_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_ENDPOINT_URL_ECR", "no address")
    reference = parse(f"{ECR}/shop/web:1.0")

    wrong = ecr.look_up(reference, REQUEST, 5)
    monkeypatch.setenv("AWS_ENDPOINT_URL_ECR", "http://127.0.0.1:9")
    away = ecr.look_up(reference, REQUEST, 1)

    assert isinstance(wrong, Unverified)
    assert isinstance(away, Unverified)
    assert (wrong.code, away.code) == ("access-denied", "registry-unreachable")
    assert "the configured AWS endpoint is no usable URL" in wrong.text
    assert "AWS cannot be reached" in away.text


def test_denied_look_up_says_what_to_allow() -> None:
    denied: Any = {"Error": {"Code": "AccessDeniedException", "Message": "User: u is not authorized"}}

    told = ecr._explain(ClientError(denied, "DescribeImages"), parse(f"{ECR}/shop/web:1.0"))

    assert told.code == "access-denied"
    assert told.text == (
        f"{ECR}/shop/web: access denied (AccessDeniedException: User: u is not authorized); "
        "allow ecr:DescribeImages and ecr:BatchGetImage on the repository"
    )
