"""The control interface: JSON over HTTP on a port of its own, opened by the token in the configuration.

    GET /calls             every call of GetAuthorizationToken since the process began
    GET /issued            every token that was ever issued
    PUT /fault             {"mode": ..., "region": ..., "count": ...}: how GetAuthorizationToken fails from now on
    PUT /token-lifetime    {"seconds": ...}: of tokens issued from now on

`lab.ecr.client` is its client.
"""

import hmac
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import Any

from werkzeug.wrappers import Request, Response

from lab.ecr.api import EcrApi
from lab.ecr.faults import Fault, FaultMode, FaultSwitch
from lab.ecr.tokens import TokenStore
from lab.ecr.wsgi import Environ, StartResponse

__all__ = ["Control"]


class Control:
    """WSGI application; `token` is what clients must send as `Authorization: Bearer`."""

    def __init__(self, token: str, *, api: EcrApi, tokens: TokenStore, faults: FaultSwitch) -> None:
        self._authorization = f"Bearer {token}".encode()
        self._api = api
        self._tokens = tokens
        self._faults = faults
        self._routes: dict[tuple[str, str], Callable[[Any], object]] = {
            ("GET", "/calls"): lambda _: [asdict(call) for call in self._api.calls],
            ("GET", "/issued"): lambda _: [asdict(token) for token in self._tokens.issued()],
            ("PUT", "/fault"): self._set_fault,
            ("PUT", "/token-lifetime"): self._set_lifetime,
        }

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        return self._answer(Request(environ))(environ, start_response)

    def _answer(self, request: Request) -> Response:
        if not hmac.compare_digest(request.headers.get("Authorization", "").encode(), self._authorization):
            return _answer_json(
                401, {"error": "Authorization: Bearer with the control_token of the configuration is needed"}
            )
        route = self._routes.get((request.method, request.path))
        if route is None:
            return _answer_json(404, {"error": f"there is no {request.method} {request.path}"})
        try:
            return _answer_json(200, route(json.loads(request.get_data() or b"null")))
        except (KeyError, TypeError, ValueError) as error:
            return _answer_json(400, {"error": f"{request.method} {request.path}: {type(error).__name__}: {error}"})

    def _set_fault(self, document: Any) -> None:
        region, count = document.get("region"), document.get("count")
        self._faults.set(
            Fault(
                mode=FaultMode(document["mode"]),
                region=None if region is None else str(region),
                count=None if count is None else int(count),
            )
        )

    def _set_lifetime(self, document: Any) -> None:
        self._tokens.lifetime = float(document["seconds"])


def _answer_json(status: int, document: object) -> Response:
    return Response(json.dumps(document), status, content_type="application/json")
