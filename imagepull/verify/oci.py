"""An image looked up in any OCI registry, anonymously or with a credential.

Protocol: opencontainers/distribution-spec spec.md (pulling manifests), and distribution/distribution
docs/content/spec/auth/token.md for the token that a registry may ask for instead of the credential itself.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

import httpx2

from imagepull.images.reference import DEFAULT_TAG, HUB, ImageReference
from imagepull.registries.docker_config import Credential
from imagepull.verify.facts import ACCEPT, ImageFacts, Unverified, platform_of, read_manifest

__all__ = ["look_up"]

_LARGEST: Final = 4 * 1024 * 1024  # what the distribution-spec has registries take for a manifest
_HUB_URL: Final = "https://registry-1.docker.io"
_challenge = re.compile(r'([a-z]+)="([^"]*)"')


class _Refused(Exception):
    """The registry's final answer is a refusal."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


async def look_up(
    client: httpx2.AsyncClient, reference: ImageReference, credential: Credential | None, base_url: str | None = None
) -> ImageFacts | Unverified:
    """What the registry holds under the reference.

    Args:
        client: With the timeouts to use.
        credential: Of the registry; None asks anonymously.
        base_url: Where the registry is. Default: HTTPS at the reference's host, plain HTTP for localhost.
    """
    registry = _Registry(client, reference, credential, base_url or _url(reference.domain))
    try:
        return await registry.facts()
    except _Refused as refusal:
        return _explained(refusal.status, reference, credential)
    except httpx2.TimeoutException:
        return Unverified(code="registry-unreachable", text=f"{reference.domain} does not answer in time")
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        return Unverified(code="registry-unreachable", text=f"{reference.domain} fails: {type(error).__name__}")


class _Registry:
    def __init__(
        self, client: httpx2.AsyncClient, reference: ImageReference, credential: Credential | None, base_url: str
    ) -> None:
        self._client = client
        self._reference = reference
        self._basic = httpx2.BasicAuth(credential.username, credential.password) if credential else None
        self._base_url = base_url
        self._token: str | None = None
        self._challenged = False

    async def facts(self) -> ImageFacts | Unverified:
        reference = self._reference
        name = reference.digest or reference.tag or DEFAULT_TAG
        answer = await self._get(f"manifests/{name}", ", ".join(ACCEPT))
        manifest = read_manifest(answer.content)
        if manifest is None:
            text = f"{reference.canonical} is a document that is no image"
            return Unverified(code="image-not-found", text=text)
        platforms = manifest.platforms
        if manifest.config:
            config = await self._get(f"blobs/{manifest.config}", "*/*")
            platforms = tuple(filter(None, [platform_of(config.content)]))
        digest = answer.headers.get("Docker-Content-Digest") or reference.digest or ""
        return ImageFacts(digest=digest, size=manifest.size, platforms=platforms)

    async def _get(self, path: str, accept: str) -> httpx2.Response:
        url = f"{self._base_url}/v2/{self._reference.path}/{path}"
        answer = await self._ask(url, accept)
        if answer.status_code == 401 and not self._challenged:
            self._challenged = True
            await self._answer_challenge(answer.headers.get("WWW-Authenticate", ""))
            answer = await self._ask(url, accept)
        if answer.status_code != 200:
            raise _Refused(answer.status_code)
        return answer

    async def _ask(self, url: str, accept: str) -> httpx2.Response:
        headers = {"Accept": accept}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        auth: Any = self._basic if self._challenged and not self._token else None
        async with self._client.stream("GET", url, headers=headers, auth=auth, follow_redirects=True) as answer:
            if int(answer.headers.get("Content-Length") or 0) > _LARGEST:
                raise _Refused(413)
            await answer.aread()
        return answer

    async def _answer_challenge(self, challenge: str) -> None:
        """Fetch the token that the registry asks for. Where it asks for Basic, the credential itself is sent next."""
        if not challenge.lower().startswith("bearer "):
            return
        told = dict(_challenge.findall(challenge))
        realm = told.pop("realm", "")
        if realm.startswith("https://") or (realm.startswith("http://") and self._base_url.startswith("http://")):
            auth: Any = self._basic
            answer = await self._client.get(realm, params=told, auth=auth)
            if answer.status_code != 200:
                raise _Refused(answer.status_code)
            document = answer.json() if "json" in answer.headers.get("Content-Type", "json") else {}
            token = document.get("token") or document.get("access_token") if isinstance(document, Mapping) else None
            self._token = token if isinstance(token, str) else None


def _explained(status: int, reference: ImageReference, credential: Credential | None) -> Unverified:
    if status == 404:
        return Unverified(code="image-not-found", text=f"{reference.canonical} is not in the registry")
    if status in (400, 401, 403):
        how = "refuses the credential that is configured for it" if credential else "wants a credential"
        return Unverified(code="access-denied", text=f"{reference.domain} {how} (HTTP {status})")
    return Unverified(code="registry-unreachable", text=f"{reference.domain} answers with HTTP {status}")


def _url(domain: str) -> str:
    if domain == HUB:
        return _HUB_URL
    name = domain.partition(":")[0]
    return f"{'http' if name in ('localhost', '127.0.0.1') else 'https'}://{domain}"
