"""What the API server's refusals, and failures to reach it, mean: one sentence each, the same for every namespace.

Sentences that are the same are listed together, so none names the object or the namespace.
"""

import base64
import binascii
import json
import re
import ssl
from collections.abc import Iterator, Mapping
from typing import Final
from urllib.parse import quote

import aiohttp

from imagepull.errors import (
    Conflict,
    Forbidden,
    NotFound,
    Overloaded,
    RequestRefused,
    Unauthorized,
    Unprocessable,
)
from imagepull.redaction import REDACTED, clean

__all__ = ["describe_connection_failure", "make_refusal"]

_CLASSES: Final[Mapping[int, type[RequestRefused]]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    422: Unprocessable,
    429: Overloaded,
}
_RBAC: Final = re.compile(r'User "(?P<user>[^"]*)" cannot (?P<verb>\w+) resource "(?P<resource>[^"]*)"')
_CERTIFICATE: Final[Mapping[int, str]] = {
    9: "shows a certificate that is not valid yet; check this machine's clock, then the certificate",
    10: "shows a certificate that has expired; renew it, or check this machine's clock",
    62: "shows a certificate for another name; correct the server's address, or set tls-server-name",
    64: "shows a certificate for another address; correct the server's address, or set tls-server-name",
}
"""By OpenSSL's X509_V_ERR numbers (openssl/include/openssl/x509_vfy.h.in)."""
_OTHER_AUTHORITY: Final = (
    "shows a certificate that the kubeconfig's authority did not sign; correct certificate-authority(-data)"
)
_SHORTEST_SECRET: Final = 4
"""Characters from which on a value of ours is taken out of an answer: shorter ones are in many a word."""


def make_refusal(status: int, message: str, sent: Mapping[str, object] | None) -> RequestRefused:
    """The error for an answer of the API server, of the class that fits its status.

    Args:
        message: The answer's `message`; whoever wrote an admission policy may have put anything into it.
        sent: The body of the request, whose secret values the message must not show.
    """
    return _CLASSES.get(status, RequestRefused)(_describe(status, message, sent), status=status)


def _describe(status: int, message: str, sent: Mapping[str, object] | None) -> str:
    if status == 401:
        return "the cluster does not accept these credentials; sign in again, or correct the kubeconfig's user"
    if "being terminated" in message:
        return "the namespace is being deleted; wait until it is gone, or take it out of namespaces"
    if (match := _RBAC.search(message)) is not None:
        user, verb, resource = map(clean, match.group("user", "verb", "resource"))
        return f"RBAC forbids it; allow {user} to {verb} {resource}"
    if status == 404 and message.startswith("namespaces "):
        return "the namespace does not exist; create it first, or take it out of namespaces"
    if status == 429:
        return f"the cluster is overloaded (HTTP {status}); try again in a minute"
    for value in sorted(_list_secret_values(sent or {}), key=len, reverse=True):
        message = message.replace(value, REDACTED)
    return f"the cluster refuses (HTTP {status}): {clean(message) or 'without a reason'}"


def describe_connection_failure(error: Exception) -> str:
    """Why there is no connection, as the end of a sentence that begins with the cluster."""
    cause = error.certificate_error if isinstance(error, aiohttp.ClientConnectorCertificateError) else error
    if isinstance(cause, ssl.SSLCertVerificationError):
        return _CERTIFICATE.get(cause.verify_code, _OTHER_AUTHORITY)
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "has a name that is not known here; check the server's address in the kubeconfig"
    if isinstance(error, aiohttp.ClientProxyConnectionError | aiohttp.ClientHttpProxyError):
        return "cannot be reached through the proxy; check proxy-url, or HTTPS_PROXY and NO_PROXY"
    if isinstance(error, TimeoutError):
        return "does not answer in time; check the network, and that its API server is up"
    return "cannot be reached; check the server's address in the kubeconfig, and that its API server is up"


def _list_secret_values(sent: Mapping[str, object]) -> Iterator[str]:
    """Every text in the `data` of a Secret that was sent, encoded, decoded, and the values in its JSON."""
    data = sent.get("data")
    for encoded in data.values() if isinstance(data, Mapping) else ():
        if isinstance(encoded, str) and len(encoded) >= _SHORTEST_SECRET:
            yield encoded
            try:
                decoded = base64.b64decode(encoded, validate=True).decode()
                yield from (text for text in (decoded, *_list_credentials(decoded)) if len(text) >= _SHORTEST_SECRET)
            except (binascii.Error, UnicodeDecodeError):
                continue


def _list_credentials(config: str) -> Iterator[str]:
    """Passwords and tokens in a dockerconfigjson document, plain and as JSON, a URL or a quoted value would have them.

    User names and hosts are no secrets.
    """
    try:
        auths = json.loads(config)["auths"]
        entries = [entry for entry in auths.values() if isinstance(entry, dict)]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return
    for entry in entries:
        for key, value in entry.items():
            if key != "username" and isinstance(value, str):
                yield value
                yield from (json.dumps(value)[1:-1], quote(value, safe=""), repr(value)[1:-1])
