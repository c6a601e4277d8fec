"""An image looked up in any OCI registry, anonymously or with a credential.

Protocol: opencontainers/distribution-spec spec.md (pulling manifests), and distribution/distribution
docs/content/spec/auth/token.md for the token that a registry may ask for instead of the credential itself.
"""

import base64
import re
from collections.abc import Sequence
from typing import Final

import httpx2

from imagepull.errors import ImagePullError
from imagepull.images.reference import DEFAULT_TAG, HUB, ImageReference
from imagepull.registries.docker_config import Credential
from imagepull.verify.facts import (
    ACCEPT,
    ImageFacts,
    Unverified,
    make_absent,
    make_unreadable,
    read_document,
    read_manifest,
    read_platform,
)
from imagepull.verify.hosts import is_local
from imagepull.verify.requests import BadAnswer, RegistryAnswer, fetch, is_same_origin

__all__ = ["list_tags", "look_up"]

_MOST_TAGS: Final = 1_000
_HUB_URL: Final = "https://registry-1.docker.io"
_challenge = re.compile(r'([a-z]{1,32})="([^"]{0,4096})"')
_digest = re.compile(r"[a-z0-9]+(?:[+._-][a-z0-9]+)*:[0-9a-zA-Z=_-]{32,512}")
_token = re.compile(r"[\x21-\x7e]{1,65536}")


class _Refused(ImagePullError):
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
    try:
        return await _Registry(client, reference, credential, base_url or _make_url(reference.domain)).read_facts()
    except _Refused as refusal:
        return _explain(refusal.status, reference, credential)
    except BadAnswer as error:
        return Unverified(code="registry-unreachable", text=f"{reference.domain} {error}")
    except httpx2.TimeoutException:
        return Unverified(code="registry-unreachable", text=f"{reference.domain} does not answer in time")
    except Exception as error:
        # Whatever a hostile answer makes a library raise, it is this registry's failure and nobody else's.
        return Unverified(code="registry-unreachable", text=f"{reference.domain} fails: {type(error).__name__}")


async def list_tags(
    client: httpx2.AsyncClient, reference: ImageReference, credential: Credential | None, base_url: str | None = None
) -> Sequence[str] | None:
    """The tags of the repository, as many as the registry tells at once; None where it says that there is none.

    Args are those of `look_up`. A registry that does not tell its tags has none here: the list is a hint, no proof.
    """
    try:
        return await _Registry(client, reference, credential, base_url or _make_url(reference.domain)).read_tags()
    except _Refused as refusal:
        return None if refusal.status == 404 else ()
    except Exception:
        # Whatever a hostile answer makes a library raise: there is no hint then.
        return ()


class _Registry:
    def __init__(
        self, client: httpx2.AsyncClient, reference: ImageReference, credential: Credential | None, base_url: str
    ) -> None:
        self._client = client
        self._reference = reference
        self._basic = _encode_basic(credential) if credential else ""
        self._base = httpx2.URL(base_url)
        self._authorization = ""
        self._challenged = False

    async def read_facts(self) -> ImageFacts | Unverified:
        reference = self._reference
        name = reference.digest or reference.tag or DEFAULT_TAG
        answer = await self._get(f"manifests/{name}", ", ".join(ACCEPT))
        manifest = read_manifest(answer.content)
        if manifest is None:
            return make_unreadable(reference)
        platforms = manifest.platforms
        if manifest.config and _digest.fullmatch(manifest.config):
            config = await self._get(f"blobs/{manifest.config}", "*/*")
            platforms = tuple(filter(None, [read_platform(config.content)]))
        sent = answer.headers.get("Docker-Content-Digest", "")
        digest = sent if _digest.fullmatch(sent) else reference.digest or ""
        return ImageFacts(digest=digest, size=manifest.size, platforms=platforms)

    async def read_tags(self) -> Sequence[str]:
        told = read_document((await self._get(f"tags/list?n={_MOST_TAGS}", "application/json")).content).get("tags")
        return [tag for tag in told if isinstance(tag, str)] if isinstance(told, list) else ()

    async def _get(self, path: str, accept: str) -> RegistryAnswer:
        url = httpx2.URL(f"{str(self._base).rstrip('/')}/v2/{self._reference.path}/{path}")
        answer = await fetch(self._client, url, {"Accept": accept}, authorization=self._authorization)
        # A challenge counts from the registry itself: what it redirects to has no claim on its credential.
        if answer.status == 401 and not self._challenged and is_same_origin(answer.url, self._base):
            self._challenged = True
            await self._answer_challenge(answer.headers.get("WWW-Authenticate", ""))
            answer = await fetch(self._client, url, {"Accept": accept}, authorization=self._authorization)
        if answer.status != 200:
            raise _Refused(answer.status)
        return answer

    async def _answer_challenge(self, challenge: str) -> None:
        """Fetch the token that the registry asks for. Where it asks for Basic, the credential itself is sent next."""
        if not challenge.lower().startswith("bearer "):
            self._authorization = self._basic
            return
        sent = dict(_challenge.findall(challenge))
        realm = httpx2.URL(sent.get("realm", ""))
        if not await self._is_fit(realm):
            return
        asked = {name: sent[name] for name in ("service", "scope") if name in sent}
        url = realm.copy_merge_params(asked).copy_with(username=None, password=None)
        answer = await fetch(self._client, url, {"Accept": "application/json"}, authorization=self._basic)
        if answer.status != 200:
            raise _Refused(answer.status)
        document = read_document(answer.content)
        token = document.get("token") or document.get("access_token")
        if not isinstance(token, str) or not _token.fullmatch(token):
            raise BadAnswer("names a token service whose answer holds no token")
        self._authorization = f"Bearer {token}"

    async def _is_fit(self, realm: httpx2.URL) -> bool:
        """Whether a token service may be asked: with TLS where the registry has it, and not on this machine."""
        if realm.scheme != "https" and (realm.scheme, self._base.scheme) != ("http", "http"):
            return False
        return not await is_local(realm.host) or await is_local(self._base.host)


def _encode_basic(credential: Credential) -> str:
    pair = f"{credential.username}:{credential.password}".encode()
    return f"Basic {base64.b64encode(pair).decode()}"


def _explain(status: int, reference: ImageReference, credential: Credential | None) -> Unverified:
    if status == 404:
        return make_absent(reference)
    if status in (400, 401, 403):
        how = "refuses the credential that is configured for it" if credential else "wants a credential"
        return Unverified(code="access-denied", text=f"{reference.domain} {how} (HTTP {status})")
    return Unverified(code="registry-unreachable", text=f"{reference.domain} answers with HTTP {status}")


def _make_url(domain: str) -> str:
    if domain == HUB:
        return _HUB_URL
    name = domain.partition(":")[0]
    return f"{'http' if name in ('localhost', '127.0.0.1') else 'https'}://{domain}"
