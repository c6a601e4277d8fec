"""A registry as clients see it: ECR's admission in front of docker-registry, every request logged.

docker-registry's htpasswd file knows one password per user; ECR has many that are good at the same time. So the token
is judged here, and docker-registry gets a credential that only this process knows.
"""

import http.client
import json
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from http import HTTPStatus

from werkzeug.datastructures import EnvironHeaders
from werkzeug.wrappers import Response
from werkzeug.wsgi import get_input_stream

from lab.ecr.access_log import Access
from lab.ecr.admission import admit
from lab.ecr.config import RegistryConfig
from lab.ecr.journal import Journal
from lab.ecr.tokens import TokenStore
from lab.ecr.wsgi import Environ, StartResponse

__all__ = ["RegistryFront"]

_CHUNK = 1 << 16
# RFC 9110, section 7.6.1: these speak about one connection, not about the message.
_HOP_BY_HOP = frozenset(
    {"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"}
)


class RegistryFront:
    """WSGI application of one registry.

    Args:
        registry: which one.
        authorization: the Authorization header that its docker-registry takes.
        tokens: to judge what clients send.
        log: where every request goes, as `Access.record`.
    """

    def __init__(self, registry: RegistryConfig, authorization: str, tokens: TokenStore, log: Journal) -> None:
        self._registry = registry
        self._authorization = authorization
        self._tokens = tokens
        self._log = log

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        came_in = datetime.now(UTC)
        registry = self._registry
        admission = admit(
            environ.get("HTTP_AUTHORIZATION"), host=registry.host, realm=registry.region, tokens=self._tokens
        )
        refusal = admission.refusal
        if refusal is None:
            response = self._pass_on(environ)
        else:
            response = Response(
                refusal.body, _format_status(refusal.status), headers=refusal.headers, content_type=refusal.content_type
            )
        access = Access(
            time=came_in,
            host=registry.host,
            method=environ["REQUEST_METHOD"],
            path=environ["PATH_INFO"],
            status=response.status_code,
            user_agent=environ.get("HTTP_USER_AGENT"),
            credential=admission.credential,
        )
        self._log.append(access.record())
        return response(environ, start_response)

    def _pass_on(self, environ: Environ) -> Response:
        connection = http.client.HTTPConnection("127.0.0.1", self._registry.backend_port, blocksize=_CHUNK)
        try:
            # RAW_URI, because an upload's address carries a signed state that must not be decoded and encoded again.
            connection.request(
                environ["REQUEST_METHOD"],
                environ["RAW_URI"],
                body=_read_body(environ),
                headers=self._headers(environ),
                encode_chunked="CONTENT_LENGTH" not in environ,
            )
            answer = connection.getresponse()
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            message = f"the registry behind {self._registry.host} does not answer: {error}"
            body = json.dumps({"errors": [{"code": "UNAVAILABLE", "message": message}]})
            return Response(body, _format_status(502), content_type="application/json; charset=utf-8")
        headers = [(name, value) for name, value in answer.getheaders() if name.lower() not in _HOP_BY_HOP]
        response = Response(_stream(connection, answer), f"{answer.status} {answer.reason}", headers=headers)
        response.automatically_set_content_length = False
        return response

    def _headers(self, environ: Environ) -> dict[str, str]:
        dropped = _HOP_BY_HOP | {"authorization", "expect"}
        headers = {name: value for name, value in EnvironHeaders(environ) if name.lower() not in dropped}
        if _is_chunked(environ):
            headers["Transfer-Encoding"] = "chunked"
        return headers | {"Authorization": self._authorization}


def _format_status(code: int) -> str:
    """Status line as registries write it, `401 Unauthorized`: the kubelet's messages quote it."""
    return f"{code} {HTTPStatus(code).phrase}"


def _is_chunked(environ: Environ) -> bool:
    return "chunked" in str(environ.get("HTTP_TRANSFER_ENCODING", "")).lower()


def _read_body(environ: Environ) -> Iterator[bytes] | None:
    if "CONTENT_LENGTH" not in environ and not _is_chunked(environ):
        return None
    stream = get_input_stream(environ)
    return iter(lambda: stream.read(_CHUNK), b"")


def _stream(connection: http.client.HTTPConnection, answer: http.client.HTTPResponse) -> Iterator[bytes]:
    try:
        while data := answer.read(_CHUNK):
            yield data
    finally:
        connection.close()
