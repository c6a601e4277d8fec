"""HTTP to one API server: connections, TLS, proxy, proof of identity. What an answer means is decided elsewhere."""

import ipaddress
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass

import aiohttp
from multidict import CIMultiDict
from yarl import URL

from imagepull import USER_AGENT
from imagepull.kubernetes.connection import ClusterEntry, Connection
from imagepull.kubernetes.credentials import Credentials, Proof
from imagepull.kubernetes.tls import make_context

__all__ = ["ApiAnswer", "Request", "Transport"]

_CONNECT_SECONDS: Final = 3.0
_LOOK_SECONDS: Final = 10.0
_METADATA: Final = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1, application/json"
"""Kubernetes API concepts, "Metadata-only fetches"."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request; `body` is sent as JSON.

    Attributes:
        of_text: The answer is no JSON, as a log; it stands in the answer's document under `text`.
        metadata_only: Of the object that the answer holds, only its metadata are wanted.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, object] | None = field(default=None, repr=False)
    media_type: str = "application/json"
    of_text: bool = False
    metadata_only: bool = False


@dataclass(frozen=True, kw_only=True)
class ApiAnswer:
    """An answer of the API server.

    Attributes:
        document: Its JSON; empty for an error that has none, as of a load balancer.
        retry_after: Seconds after which the API server wants to be asked again; 0 if it does not say.
    """

    status: int
    document: Mapping[str, object] = field(repr=False)
    retry_after: float

    @property
    def message(self) -> str:
        """The reason of a refusal (`Status.message`), empty if there is none."""
        message = self.document.get("message")
        return message if isinstance(message, str) else ""


class Transport:
    """Kept-alive connections to the API server; opened at the first request.

    `send` raises TimeoutError, aiohttp.ClientError or OSError where there is no answer, ValueError where it is no JSON
    though it reports success, and ClusterUnreachable if the kubeconfig's user or certificates cannot be used.

    Args:
        connection: Where, and as whom.
        connections: The most at a time.
        seconds: How long the API server may be silent before a request has timed out.
    """

    def __init__(self, connection: Connection, *, connections: int, seconds: float) -> None:
        self._connection = connection
        self._connections = connections
        self._timeout = aiohttp.ClientTimeout(
            total=4 * seconds, sock_connect=min(_CONNECT_SECONDS, seconds), sock_read=seconds
        )
        self._credentials = Credentials(connection.user)
        self._proxy = connection.cluster.proxy or _find_proxy(connection.cluster.server)
        self._session: aiohttp.ClientSession | None = None
        self._tls: tuple[Proof, ssl.SSLContext] | None = None

    async def send(self, request: Request) -> ApiAnswer:
        """The answer to one request. Where it is 401, once more with a new proof if there can be one."""
        if self._session is None:
            self._session = self._open(force_close=False)
        proof = await self._credentials.get()
        answer = await self._exchange(self._session, request, proof, self._timeout)
        if answer.status == 401 and await self._credentials.replace(proof):
            answer = await self._exchange(self._session, request, await self._credentials.get(), self._timeout)
        return answer

    async def look(self) -> None:
        """Makes a new connection and asks for the API server's health, whatever it says; raises as `send` does."""
        limits = aiohttp.ClientTimeout(total=_LOOK_SECONDS, sock_connect=_CONNECT_SECONDS)
        async with self._open(force_close=True) as session:
            proof = await self._credentials.get()
            await self._exchange(session, Request(method="GET", path="/readyz"), proof, limits)

    async def close(self) -> None:
        """Closes all connections."""
        if self._session is not None:
            await self._session.close()

    def _open(self, *, force_close: bool) -> aiohttp.ClientSession:
        headers: CIMultiDict[str] = CIMultiDict([("User-Agent", USER_AGENT), ("Accept", "application/json")])
        headers.extend(self._connection.user.impersonation)
        if not self._connection.cluster.compressed:
            headers["Accept-Encoding"] = "identity"
        connector = aiohttp.TCPConnector(limit=self._connections, force_close=force_close)
        return aiohttp.ClientSession(connector=connector, headers=headers, cookie_jar=aiohttp.DummyCookieJar())

    async def _exchange(
        self, session: aiohttp.ClientSession, request: Request, proof: Proof, limits: aiohttp.ClientTimeout
    ) -> ApiAnswer:
        headers = {} if proof.authorization is None else {"Authorization": proof.authorization}
        data = None
        if request.body is not None:
            headers["Content-Type"] = request.media_type
            data = json.dumps(request.body).encode()
        if request.metadata_only:
            headers["Accept"] = _METADATA
        cluster = self._connection.cluster
        async with session.request(
            request.method,
            _make_url(cluster, request),
            headers=headers,
            data=data,
            timeout=limits,
            proxy=self._proxy,
            ssl=self._make_context(proof),
            server_hostname=cluster.tls_server_name,
            allow_redirects=False,
        ) as response:
            body = await response.read()
            if request.of_text and response.status < 300:
                return ApiAnswer(
                    status=response.status, document={"text": body.decode(errors="replace")}, retry_after=0
                )
            return _read_answer(response.status, response.headers.get("Retry-After", ""), body)

    def _make_context(self, proof: Proof) -> ssl.SSLContext | bool:
        if self._connection.cluster.server.startswith("http://"):
            return True
        # Another certificate than before (an exec plugin's) needs settings of its own.
        if self._tls is None or (self._tls[0].certificate, self._tls[0].key) != (proof.certificate, proof.key):
            self._tls = (proof, make_context(self._connection, proof))
        return self._tls[1]


def _make_url(cluster: ClusterEntry, request: Request) -> URL:
    return URL(f"{cluster.server}{request.path}", encoded=True).with_query(request.query or None)


def _read_answer(status: int, retry_after: str, body: bytes) -> ApiAnswer:
    try:
        document = json.loads(body)
        if not isinstance(document, dict):
            raise ValueError("no JSON object")
    except (ValueError, RecursionError):
        if status < 300:
            raise ValueError("no JSON") from None
        document = {}
    seconds = float(retry_after) if retry_after.isascii() and retry_after.isdecimal() else 0.0
    return ApiAnswer(status=status, document=document, retry_after=seconds)


def _find_proxy(server: str) -> str | None:
    """The proxy that HTTPS_PROXY and NO_PROXY name, never one for this machine (Go net/http, ProxyFromEnvironment)."""
    parts = urlsplit(server)
    host = parts.hostname or ""
    if host == "localhost" or _is_loopback(host) or proxy_bypass(parts.netloc):
        return None
    return getproxies_environment().get(parts.scheme)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
