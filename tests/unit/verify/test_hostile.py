"""Registries that mean harm: whatever they answer, the look-up ends, tells one line, and gives nothing away."""

import asyncio
import contextlib
import gzip
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx2
import pytest

from imagepull.images.reference import parse
from imagepull.registries.docker_config import Credential
from imagepull.registry_secret.spec import RegistrySource
from imagepull.verify import ImageFacts, Settings, Unverified, Verifier, oci
from imagepull.verify.requests import LARGEST
from tests.resolved_images import row

IMAGE = "r.example.com/acme/app:1"
BOT = Credential(username="bot", password="hunter2")
MANIFEST = json.dumps({"config": {"digest": "sha256:" + "1" * 64, "size": 1}, "layers": []}).encode()
BEARER = 'Bearer realm="https://auth.example.com/token",service="r",scope="repository:acme/app:pull"'

Handler = Callable[[httpx2.Request], httpx2.Response]


class Recorded:
    """Answers as `handler` does, and keeps what was asked."""

    def __init__(self, handler: Handler) -> None:
        self.handler = handler
        self.requests: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        return self.handler(request)

    @property
    def hosts_told_a_credential(self) -> set[str]:
        return {each.url.host for each in self.requests if "Authorization" in each.headers}

    @property
    def hosts(self) -> set[str]:
        return {each.url.host for each in self.requests}


@pytest.fixture(autouse=True)
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Addresses stand for themselves; `metadata.example.com` is a cloud's metadata; no other name resolves."""
    original = socket.getaddrinfo

    def getaddrinfo(host: str, *rest: object, **more: object) -> object:
        if host == "metadata.example.com":
            host = "169.254.169.254"
        if ":" not in host and not host.replace(".", "").isdigit():
            raise socket.gaierror("no such host")
        return original(host, None)

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


def ask(handler: Handler, image: str = IMAGE) -> ImageFacts | Unverified:
    async def look_up() -> ImageFacts | Unverified:
        async with httpx2.AsyncClient(transport=httpx2.MockTransport(handler)) as client:
            return await oci.look_up(client, parse(image), BOT)

    return asyncio.run(look_up())


def refused(handler: Handler, image: str = IMAGE) -> str:
    answer = ask(handler, image)
    assert isinstance(answer, Unverified)
    assert "hunter2" not in answer.text
    assert answer.text.isprintable()
    return answer.text


def with_token_service(answer: httpx2.Response) -> Recorded:
    """A registry that asks for a token of `auth.example.com`, which gives this answer."""

    def handler(request: httpx2.Request) -> httpx2.Response:
        if request.url.host == "auth.example.com":
            return answer
        if request.headers.get("Authorization", "").startswith("Bearer "):
            return httpx2.Response(404)
        return httpx2.Response(401, headers={"WWW-Authenticate": BEARER})

    return Recorded(handler)


@pytest.mark.parametrize(
    "answer",
    [
        httpx2.Response(200, content=b"<html>no JSON</html>", headers={"Content-Type": "application/json"}),
        httpx2.Response(200, content=b"[" * 100_000),
        httpx2.Response(200, content=b'{"token": "t\xc3\xb6ken"}'),
        httpx2.Response(200, json={"token": "a\r\nX-Evil: 1"}),
        httpx2.Response(200, json={"token": {"a": 1}}),
        httpx2.Response(200, json={"token": ""}),
        httpx2.Response(200, content=b"\xff\xfe"),
        httpx2.Response(200),
    ],
    ids=["html", "nested", "non-ascii", "line end", "object", "empty", "no utf-8", "nothing"],
)
def test_token_service_without_a_token_is_one_line(answer: httpx2.Response) -> None:
    assert refused(with_token_service(answer)) == "r.example.com names a token service whose answer holds no token"


@pytest.mark.parametrize(
    "content",
    [
        b'{"manifests":' + b"[" * 200_000,
        b'{"a":' * 200_000,
        b'{"config": {"size": ' + b"9" * 5000 + b'}, "layers": []}',
    ],
    ids=["list", "object", "number"],
)
def test_deep_documents_are_no_image(content: bytes) -> None:
    told = refused(lambda _: httpx2.Response(200, content=content))

    assert told.startswith("r.example.com, or a proxy before it, answers a document that is no image")


def test_platforms_that_are_none_are_left_out() -> None:
    content = b'{"manifests": [{"platform": {"os": 1, "architecture": []}}, 3, null]}'

    assert ask(lambda _: httpx2.Response(200, content=content)) == ImageFacts(digest="", size=None, platforms=())


@pytest.mark.parametrize("status", [200, 401, 404, 302])
@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Length": "many"},
        {"WWW-Authenticate": 'Bearer realm="https://[::1"'},
        {"WWW-Authenticate": 'Bearer realm="https://' + "a" * 300 + '.example/"'},
        {"WWW-Authenticate": "Bearer " + 'a="' * 5000},
        {"Location": "https://[::1"},
        {"Location": "http://\x7f/"},
        {"Location": "//"},
        {"Docker-Content-Digest": "sha256:\x1b[2J"},
        {"Set-Cookie": "a=b; Domain=..; Path=/"},
    ],
    ids=lambda headers: "-".join(headers),
)
def test_odd_headers_are_no_crash(status: int, headers: dict[str, str]) -> None:
    def handler(_: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(status, headers=headers, content=MANIFEST)

    if status == 200:
        assert ask(handler) == ImageFacts(digest="", size=1, platforms=())
    else:
        told = refused(handler)
        assert "r.example.com" in told
        assert len(told) < 200


@pytest.mark.parametrize("location", ["/again", "https://r.example.com/again"])
def test_redirects_come_to_an_end(location: str) -> None:
    endless = Recorded(lambda _: httpx2.Response(307, headers={"Location": location}))

    assert "redirects more than 5 times" in refused(endless)
    assert len(endless.requests) == 6


LOCAL = [
    "https://127.0.0.1/",
    "https://[::1]/",
    "https://[::ffff:127.0.0.1]/",
    "https://169.254.169.254/latest/meta-data/",
    "https://[fe80::1]/",
    "https://0.0.0.0/",
    "https://localhost/",
    "https://a.localhost/",
    "https://metadata.example.com/",
    "file:///etc/passwd",
    "ftp://example.com/",
    "http://example.com/",
    "gopher://example.com/",
]


@pytest.mark.parametrize("location", LOCAL)
def test_redirect_to_this_machine_or_another_scheme_is_not_followed(location: str) -> None:
    handler = Recorded(lambda _: httpx2.Response(302, headers={"Location": location}))

    assert "redirects" in refused(handler)
    assert handler.hosts == {"r.example.com"}


@pytest.mark.parametrize("realm", LOCAL)
def test_token_service_on_this_machine_or_without_tls_is_not_asked(realm: str) -> None:
    handler = Recorded(lambda _: httpx2.Response(401, headers={"WWW-Authenticate": f'Bearer realm="{realm}"'}))

    refused(handler)

    assert handler.hosts == {"r.example.com"}
    assert handler.hosts_told_a_credential == set()


def test_registry_on_this_machine_may_stay_there() -> None:
    def handler(request: httpx2.Request) -> httpx2.Response:
        if request.url.port == 5000:
            return httpx2.Response(302, headers={"Location": f"http://127.0.0.1:5001{request.url.path}"})
        return httpx2.Response(200, content=MANIFEST)

    assert isinstance(ask(handler, "localhost:5000/acme/app:1"), ImageFacts)


def test_redirect_to_a_store_of_blobs_is_followed_without_the_credential() -> None:
    def handler(request: httpx2.Request) -> httpx2.Response:
        if request.url.host == "blobs.example.net":
            return httpx2.Response(200, json={"os": "linux", "architecture": "amd64"})
        if not request.headers.get("Authorization"):
            return httpx2.Response(401, headers={"WWW-Authenticate": "Basic"})
        if "/blobs/" in request.url.path:
            return httpx2.Response(307, headers={"Location": "https://u:p@blobs.example.net/x?signature=1"})
        return httpx2.Response(200, content=MANIFEST)

    recorded = Recorded(handler)
    found = ask(recorded)

    assert isinstance(found, ImageFacts)
    assert found.platforms == ("linux/amd64",)
    assert recorded.hosts_told_a_credential == {"r.example.com"}


@pytest.mark.parametrize("challenge", ["Basic", 'Bearer realm="https://evil.example/token"'])
@pytest.mark.parametrize("location", ["https://evil.example/", "https://r.example.com:8443/"])
def test_challenge_of_a_host_that_was_redirected_to_gets_no_credential(challenge: str, location: str) -> None:
    def handler(request: httpx2.Request) -> httpx2.Response:
        if request.url.netloc == b"r.example.com":
            return httpx2.Response(302, headers={"Location": location})
        return httpx2.Response(401, headers={"WWW-Authenticate": challenge})

    recorded = Recorded(handler)

    refused(recorded)

    assert recorded.hosts_told_a_credential == set()


def test_token_service_that_redirects_elsewhere_passes_no_credential_on() -> None:
    away = httpx2.Response(307, headers={"Location": "https://evil.example/token"})
    recorded = with_token_service(away)
    inner = recorded.handler
    recorded.handler = lambda request: (
        httpx2.Response(200, json={"token": "t"}) if request.url.host == "evil.example" else inner(request)
    )

    refused(recorded)

    assert recorded.hosts_told_a_credential == {"auth.example.com", "r.example.com"}
    assert [each.headers.get("Authorization") for each in recorded.requests if each.url.host == "evil.example"] == [
        None
    ]


def test_user_in_a_realm_takes_the_place_of_nothing() -> None:
    challenge = {"WWW-Authenticate": 'Bearer realm="https://u:p@auth.example.com/token"'}
    recorded = Recorded(lambda _: httpx2.Response(401, headers=challenge))

    refused(recorded)

    sent = [each.headers["Authorization"] for each in recorded.requests if each.url.host == "auth.example.com"]
    assert sent == ["Basic Ym90Omh1bnRlcjI="]


def test_encoded_answer_is_not_unpacked() -> None:
    bomb = gzip.compress(b"0" * (20 * LARGEST))

    async def look_up() -> ImageFacts | Unverified:
        answer = _writing(_head(f"Content-Encoding: gzip\r\nContent-Length: {len(bomb)}"), bomb)
        async with _served(answer) as url, httpx2.AsyncClient() as client:
            return await oci.look_up(client, parse(IMAGE), None, url)

    found = asyncio.run(look_up())
    assert isinstance(found, Unverified)
    assert found.text == "r.example.com answers in an encoding that it was not asked for"


def test_endless_answer_is_read_up_to_the_limit_only() -> None:
    sent = 0

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await reader.readuntil(b"\r\n\r\n")
        writer.write(_head("Transfer-Encoding: chunked"))
        chunk = b"100000\r\n" + b" " * 0x100000 + b"\r\n"
        while True:
            writer.write(chunk)
            await writer.drain()
            sent += 1

    async def look_up() -> ImageFacts | Unverified:
        async with _served(endless) as url, httpx2.AsyncClient() as client:
            return await oci.look_up(client, parse(IMAGE), None, url)

    found = asyncio.run(look_up())
    assert isinstance(found, Unverified)
    assert found.text == "r.example.com answers with more than 4 MiB"
    assert sent < 40  # MiB: what was read, and what the sockets between hold


def test_one_time_limit_holds_for_a_look_up_as_a_whole() -> None:
    async def dripping(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(_head("Transfer-Encoding: chunked"))
        while not writer.is_closing():
            writer.write(b"1\r\n \r\n")
            await writer.drain()
            await asyncio.sleep(0.05)

    async def look_up() -> str:
        async with _served(dripping) as url:
            settings = Settings(timeout=5, time_limit=0.5, base_urls={"r.example.com": url})
            (finding,) = await Verifier([RegistrySource(host="r.example.com", fixed=BOT)], settings).list_findings(
                [row(IMAGE)]
            )
            return f"{finding.code} {finding.text}"

    # Each piece comes within its own limit: without one for the whole this would not end.
    assert asyncio.run(look_up()).startswith("registry-unreachable r.example.com does not answer within")


def test_what_a_registry_says_has_no_control_character_and_is_short() -> None:
    platform = {"os": "li\x1b[2Jnux\n\u202e", "architecture": "x" * 5000}
    index = json.dumps({"manifests": [{"platform": {**platform, "variant": str(i)}} for i in range(500)]})
    headers = {"Docker-Content-Digest": "sha256:\x1b]0;title\x07"}

    async def look_up() -> str:
        transport = httpx2.MockTransport(lambda _: httpx2.Response(200, content=index, headers=headers))
        async with httpx2.AsyncClient(transport=transport) as client:
            found = await oci.look_up(client, parse(IMAGE), None)
        assert isinstance(found, ImageFacts)
        assert found.digest == ""
        verifier = Verifier([], Settings(platforms=("linux/amd64",)))
        return " ".join(text for _, _, text in verifier._judge(found))

    told = asyncio.run(look_up())
    assert told.isprintable()
    assert "and 492 more" in told
    assert len(told) < 1000


def _head(header: str) -> bytes:
    return f"HTTP/1.1 200 OK\r\n{header}\r\n\r\n".encode()


def _writing(*parts: bytes) -> Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]:
    async def write(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for part in parts:
            writer.write(part)
        await writer.drain()
        writer.close()

    return write


@contextlib.asynccontextmanager
async def _served(
    answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[str]:
    """A server on this machine; its address as a base URL."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            await answer(reader, writer)
        writer.close()

    connections: list[asyncio.StreamWriter] = []

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.close()
        for each in connections:
            each.transport.abort()
