"""Requests to a registry that may be hostile: short, few, and without a credential for anybody else.

What an answer may cost is bounded here: its bytes, counted while they are read, and the redirects that it asks for.
The time is bounded by who calls (`imagepull.verify.verifier`).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import httpx2

from imagepull.errors import ImagePullError
from imagepull.verify.hosts import is_local

__all__ = ["LARGEST", "BadAnswer", "RegistryAnswer", "fetch", "is_same_origin"]

LARGEST: Final = 4 * 1024 * 1024
"""The most bytes of an answer: what the distribution-spec has registries take for a manifest."""
_MOST_REDIRECTS: Final = 5
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})


class BadAnswer(ImagePullError):
    """An answer that is not read on, and why, as a clause: `answers with more than 4 MiB`."""


@dataclass(frozen=True, kw_only=True)
class RegistryAnswer:
    """A registry's final answer. `url`: where it came from, after redirects."""

    url: httpx2.URL
    status: int
    headers: httpx2.Headers
    content: bytes


async def fetch(
    client: httpx2.AsyncClient, url: httpx2.URL, headers: Mapping[str, str], *, authorization: str = ""
) -> RegistryAnswer:
    """GET, following redirects.

    Args:
        client: Sends the requests.
        url: Where to begin.
        headers: To send to every host.
        authorization: Sent to the origin of `url` only, never on a redirect to another.

    Raises:
        BadAnswer: the answer is too long, encoded, or leads to where it must not.
        httpx2.HTTPError: the request fails.
    """
    start = url
    for _ in range(_MOST_REDIRECTS + 1):
        answer = await _fetch_one(client, url, {**headers, **_choose_authorization(url, start, authorization)})
        location = answer.headers.get("Location")
        if answer.status not in _REDIRECTS or location is None:
            return answer
        url = await _follow_redirect(url.join(location), start)
    raise BadAnswer(f"redirects more than {_MOST_REDIRECTS} times")


def is_same_origin(one: httpx2.URL, other: httpx2.URL) -> bool:
    """Whether scheme, host and port are the same."""
    return (one.scheme, one.host, _find_port(one)) == (other.scheme, other.host, _find_port(other))


async def _fetch_one(client: httpx2.AsyncClient, url: httpx2.URL, headers: Mapping[str, str]) -> RegistryAnswer:
    # Not encoded, so that the bytes that are counted are all there are: a small gzip can hold gigabytes.
    headers = {**headers, "Accept-Encoding": "identity"}
    async with client.stream("GET", url, headers=headers, follow_redirects=False) as response:
        if response.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise BadAnswer("answers in an encoding that it was not asked for")
        length = response.headers.get("Content-Length", "")
        too_long = BadAnswer(f"answers with more than {LARGEST // 1024 // 1024} MiB")
        if length.isdecimal() and len(length) > len(str(LARGEST)):
            raise too_long
        content = bytearray()
        async for chunk in response.aiter_bytes():
            content += chunk
            if len(content) > LARGEST:
                raise too_long
    return RegistryAnswer(url=url, status=response.status_code, headers=response.headers, content=bytes(content))


def _choose_authorization(url: httpx2.URL, start: httpx2.URL, authorization: str) -> dict[str, str]:
    return {"Authorization": authorization} if authorization and is_same_origin(url, start) else {}


async def _follow_redirect(url: httpx2.URL, start: httpx2.URL) -> httpx2.URL:
    """Where a redirect leads, if it may: what the registry itself could not do from here, it must not have us do."""
    if url.scheme != "https" and (url.scheme, start.scheme) != ("http", "http"):
        raise BadAnswer(f"redirects from {start.scheme} to another scheme")
    if await is_local(url.host) and not await is_local(start.host):
        raise BadAnswer("redirects to this machine or its own network link")
    return url.copy_with(username=None, password=None)


def _find_port(url: httpx2.URL) -> int | None:
    return url.port or {"http": 80, "https": 443}.get(url.scheme)
