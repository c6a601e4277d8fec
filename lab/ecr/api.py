"""The ECR, ECR Public and STS APIs: moto's, but for GetAuthorizationToken and the check of web identities.

moto answers that call with a constant password and an expiry in 2015 (getmoto/moto, `moto/ecr/responses.py`).
"""

import io
import json
import time
from collections.abc import Iterable
from urllib.parse import parse_qsl

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from moto.iam.models import get_account_id_from
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from moto.sts.models import sts_backends
from moto.utilities.utils import get_partition
from werkzeug.wrappers import Request, Response

from lab.ecr import web_identity
from lab.ecr.calls import Call, parse_credential_scope
from lab.ecr.faults import ApiError, FaultMode, FaultSwitch, make_api_error
from lab.ecr.tokens import PUBLIC, TokenStore
from lab.ecr.wsgi import Application, Environ, StartResponse

__all__ = ["EcrApi"]

_FORM = "application/x-www-form-urlencoded"
_ECR = "AmazonEC2ContainerRegistry_V20150921."
_TARGETS = {
    f"{_ECR}GetAuthorizationToken": "ecr",
    "SpencerFrontendService.GetAuthorizationToken": "ecr-public",
}
# ECR Public has an API in these regions only: https://docs.aws.amazon.com/general/latest/gr/ecr-public.html
_PUBLIC_REGIONS = frozenset({"us-east-1", "us-west-2"})


class EcrApi:
    """WSGI application; `calls` holds every call of GetAuthorizationToken since the process began, oldest first."""

    def __init__(
        self, tokens: TokenStore, faults: FaultSwitch, *, web_identity_key: RSAPublicKey | None = None
    ) -> None:
        self._tokens = tokens
        self._faults = faults
        self._web_identity_key = web_identity_key
        self._moto: Application = DomainDispatcherApplication(create_backend_app)
        self.calls: list[Call] = []

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        target = environ.get("HTTP_X_AMZ_TARGET", "")
        service = _TARGETS.get(target)
        if service is None:
            if target.startswith(_ECR):
                _lead_to_registry(environ)
            elif (response := self._refuse_web_identity(environ)) is not None:
                return response(environ, start_response)
            return self._moto(environ, start_response)
        return self._get_authorization_token(service, Request(environ))(environ, start_response)

    def _get_authorization_token(self, service: str, request: Request) -> Response:
        scope = parse_credential_scope(request.headers.get("Authorization", ""))
        if scope is None:
            return _make_refusal(
                ApiError(code="MissingAuthenticationTokenException", message="Missing Authentication Token")
            )
        access_key_id, region = scope
        account = get_account_id_from(access_key_id)
        _, principal, _ = sts_backends[account][get_partition(region)].get_caller_identity(access_key_id, region)
        fault = self._faults.take(region)
        self.calls.append(
            Call(
                time=time.time(),
                service=service,
                region=region,
                access_key_id=access_key_id,
                principal=principal,
                fault=None if fault is FaultMode.NONE else fault.value,
            )
        )
        if fault is FaultMode.DOWN:
            raise ConnectionAbortedError("the fault 'down' is set")
        if fault is not FaultMode.NONE:
            action = f"{service}:GetAuthorizationToken"
            return _make_refusal(make_api_error(fault, principal=principal, action=action, region=region))
        if service == "ecr-public":
            return self._public(region, access_key_id)
        accounts = json.loads(request.get_data() or b"{}").get("registryIds") or [account]
        return self._private(region, access_key_id, accounts)

    def _refuse_web_identity(self, environ: Environ) -> Response | None:
        """The refusal of an AssumeRoleWithWebIdentity; None for one that is granted, and for every other call."""
        key, is_form = self._web_identity_key, environ.get("CONTENT_TYPE", "").startswith(_FORM)
        if key is None or not is_form:
            return None
        body = _read_again(environ)
        form = dict(parse_qsl(body.decode(errors="replace")))
        if form.get("Action") != "AssumeRoleWithWebIdentity":
            return None
        trust = web_identity.read_trust(form.get("RoleArn", ""))
        error = web_identity.refuse(form.get("WebIdentityToken", ""), key, trust)
        return None if error is None else web_identity.make_refusal(error)

    def _private(self, region: str, access_key_id: str, accounts: list[str]) -> Response:
        token = self._tokens.issue(realm=region, access_key_id=access_key_id)
        suffix = "amazonaws.com.cn" if get_partition(region) == "aws-cn" else "amazonaws.com"
        data = [
            {
                "authorizationToken": token.authorization,
                "expiresAt": token.expires_at,
                "proxyEndpoint": f"https://{account}.dkr.ecr.{region}.{suffix}",
            }
            for account in accounts
        ]
        return _answer(200, {"authorizationData": data})

    def _public(self, region: str, access_key_id: str) -> Response:
        if region not in _PUBLIC_REGIONS:
            message = f"GetAuthorizationToken command is only supported in {' and '.join(sorted(_PUBLIC_REGIONS))}."
            return _make_refusal(ApiError(code="UnsupportedCommandException", message=message))
        token = self._tokens.issue(realm=PUBLIC, access_key_id=access_key_id)
        data = {"authorizationToken": token.authorization, "expiresAt": token.expires_at}
        return _answer(200, {"authorizationData": data})


def _lead_to_registry(environ: Environ) -> None:
    """Let a call that names another account's registry reach it, as a repository policy would: moto looks for every
    repository in the caller's own account."""
    body = _read_again(environ)
    try:
        account = json.loads(body or b"{}").get("registryId")
    except (AttributeError, ValueError):
        return  # moto says what is wrong with it
    if account:
        environ["HTTP_X_MOTO_ACCOUNT_ID"] = str(account)


def _read_again(environ: Environ) -> bytes:
    """The body of a request, which moto can still read afterwards."""
    body = Request(environ).get_data()
    environ["wsgi.input"] = io.BytesIO(body)
    return body


def _answer(status: int, document: object) -> Response:
    return Response(json.dumps(document), status, content_type="application/x-amz-json-1.1")


def _make_refusal(error: ApiError) -> Response:
    return _answer(400, {"__type": error.code, "message": error.message})
