"""The cluster, as the resources see it: a few requests, retried within bounds, each failure one clear sentence."""

import asyncio
import random
import re
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, TypeVar

import httpx2
from lightkube import AsyncClient
from lightkube.core.exceptions import ApiError, ConfigError
from lightkube.types import PatchType

from imagepull import USER_AGENT
from imagepull.errors import (
    ClusterError,
    ClusterUnreachable,
    Conflict,
    Forbidden,
    NotFound,
    Overloaded,
    RequestRefused,
    Unauthorized,
    Unprocessable,
)
from imagepull.kubernetes import kubeconfig

if TYPE_CHECKING:
    from lightkube.config.kubeconfig import SingleConfig

IN_FLIGHT: Final = 32
"""Requests in flight at most: an API server takes 1,000 small writes in 1.3 s so, and more gains nothing."""
_TRIES: Final = 6
_ROUNDS: Final = 40
_FIRST_WAIT: Final = 0.1
_LONGEST_WAIT: Final = 4.0
_TIMEOUT: Final = httpx2.Timeout(15, connect=3)
_RETRIED: Final = frozenset({429, 500, 502, 503, 504})
_REFUSALS: Final[Mapping[int, type[RequestRefused]]] = {
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    422: Unprocessable,
    429: Overloaded,
}
_RBAC = re.compile(r'User "(?P<user>[^"]*)" cannot (?P<verb>\w+) resource "(?P<resource>[^"]*)"')

__all__ = ["IN_FLIGHT", "Cluster", "for_each", "retry_on_conflict"]

T = TypeVar("T")
Item = TypeVar("Item")


class Cluster:
    """One cluster, through one client. Every method raises ClusterError or the subclass that fits.

    Once the cluster cannot be reached, further requests fail at once: a thousand namespaces do not each wait for it.
    """

    def __init__(self, config: "SingleConfig") -> None:
        try:
            self._client = AsyncClient(config, timeout=_TIMEOUT)
            # lightkube has no argument for it.
            self._client._client._client.headers["User-Agent"] = USER_AGENT
        except (OSError, ssl.SSLError, ValueError) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            raise ClusterError(
                f"kubeconfig: a certificate or key of context {config.context_name} is unreadable ({reason}); mend it"
            ) from None
        self._server = config.cluster.server
        self._places = asyncio.Semaphore(IN_FLIGHT)
        self._lost: ClusterError | None = None

    @classmethod
    def connect(cls, config: str | None, context: str | None) -> "Cluster":
        """The cluster that `kubeconfig.load` finds; nothing is sent yet."""
        return cls(kubeconfig.load(config, context))

    async def list(
        self,
        kind: Any,
        *,
        name: str | None = None,
        namespace: str | None = "*",
        fields: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
        parse: Callable[[Any], Any] = lambda found: found,
    ) -> list[Any]:
        """Objects of a kind, in one namespace or in all (`*`); None for a kind that has none.

        Args:
            name: Of one name only.
            fields, labels: Selectors that the API server applies: field or label to its value.
            parse: What to keep of an object. It is applied while the list arrives, so that large objects that are
                kept in part do not have to fit into memory together.
        """
        selected: dict[str, Any] = {**(fields or {}), **({} if name is None else {"metadata.name": name})}

        async def chunks() -> list[Any]:
            found = self._client.list(
                kind, namespace=namespace, fields=selected or None, labels=dict(labels or {}) or None, chunk_size=500
            )
            return [parse(each) async for each in found]

        return await self._request(chunks)

    async def get(self, kind: Any, name: str, namespace: str) -> Any | None:
        """The object, None when it (or its namespace) is not there."""
        try:
            return await self._request(lambda: self._client.get(kind, name, namespace=namespace))
        except NotFound:
            return None

    async def create(self, kind: Any, body: Mapping[str, Any]) -> Any:
        return await self._request(lambda: self._client.create(kind.from_dict(body)))

    async def patch(self, kind: Any, name: str, namespace: str, body: Mapping[str, Any]) -> Any:
        """JSON merge patch; a `metadata.resourceVersion` in the body is a precondition (else Conflict)."""
        return await self._request(
            lambda: self._client.patch(kind, name, dict(body), namespace=namespace, patch_type=PatchType.MERGE)
        )

    async def delete(self, kind: Any, name: str, namespace: str) -> None:
        """Deletes the object; one that is not there is done."""
        with suppress(NotFound):
            await self._request(lambda: self._client.delete(kind, name, namespace=namespace))

    async def close(self) -> None:
        await self._client.close()

    async def _request(self, send: Callable[[], Awaitable[T]]) -> T:
        async with self._places:
            for wait in (*_waits(), None):
                if self._lost is not None:
                    raise self._lost
                try:
                    return await send()
                except httpx2.HTTPStatusError as error:
                    status = error.response.status_code
                    if status not in _RETRIED or wait is None:
                        raise _REFUSALS.get(status, RequestRefused)(_refusal(error, status), status=status) from None
                    wait = max(wait, min(_retry_after(error.response), _LONGEST_WAIT))
                except httpx2.TransportError as error:
                    if wait is None or isinstance(error, httpx2.UnsupportedProtocol):
                        self._lost = ClusterUnreachable(f"the cluster at {self._server} {_silence(error)}")
                        raise self._lost from None
                except (ConfigError, OSError, KeyError, ValueError) as error:
                    self._lost = ClusterUnreachable(_misconfigured(error, self._server))
                    raise self._lost from None
                await asyncio.sleep(wait)
        raise AssertionError("the last try returns or raises")


async def retry_on_conflict(
    what: str,
    existing: Item | None,
    attempt: Callable[[Item | None], Awaitable[T]],
    read: Callable[[], Awaitable[Item | None]],
) -> T:
    """What `attempt` returns, made on the object as it is: read again whenever somebody else was quicker.

    Args:
        what: The object, for the ClusterError after the last round.
        existing: The object as last seen, None for not there.
        attempt: Writes, on condition that the object is as given.
        read: Reads the object anew.
    """
    for _ in range(_ROUNDS):
        try:
            return await attempt(existing)
        except Conflict:
            pass
        except NotFound:
            # Without an object to change it is the namespace that is not there.
            if existing is None:
                raise
        await asyncio.sleep(random.uniform(0, _FIRST_WAIT))  # noqa: S311 (jitter)
        existing = await read()
    raise ClusterError(f"somebody else keeps changing {what}; try again")


async def for_each(items: Iterable[Item], work: Callable[[Item], Awaitable[None]]) -> None:
    """Does the work on every item, IN_FLIGHT at a time; the first exception ends it all."""
    remaining = iter(items)

    async def worker() -> None:
        for item in remaining:
            await work(item)

    async with asyncio.TaskGroup() as group:
        for _ in range(IN_FLIGHT):
            group.create_task(worker())


def _waits() -> Iterable[float]:
    for attempt in range(_TRIES - 1):
        longest = min(_FIRST_WAIT * 3**attempt, _LONGEST_WAIT)
        yield random.uniform(longest / 2, longest)  # noqa: S311 (jitter)


def _retry_after(response: httpx2.Response) -> float:
    value = response.headers.get("Retry-After", "")
    return float(value) if value.isdecimal() else 0.0


def _refusal(error: httpx2.HTTPStatusError, status: int) -> str:
    """The API server's answer in a sentence that is the same for every namespace, so that they are listed together."""
    message = error.status.message or "" if isinstance(error, ApiError) else ""
    if status == 401:
        return "the cluster does not accept these credentials; sign in again, or correct the kubeconfig's user"
    if "being terminated" in message:
        return "the namespace is being deleted; wait until it is gone, or take it out of namespaces"
    if (match := _RBAC.search(message)) is not None:
        return f"RBAC forbids it; allow {match['user']} to {match['verb']} {match['resource']}"
    if status == 404 and message.startswith("namespaces "):
        return "the namespace does not exist; create it first, or take it out of namespaces"
    if status == 429:
        return f"the cluster is overloaded (HTTP {status}); try again in a minute"
    return f"the cluster refuses (HTTP {status}): {message or 'without a reason'}"


def _silence(error: httpx2.TransportError) -> str:
    if isinstance(error, httpx2.TimeoutException):
        return "does not answer in time; check the network, and that its API server is up"
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return "shows a certificate that the kubeconfig's authority did not sign; correct certificate-authority(-data)"
    return "cannot be reached; check the server's address in the kubeconfig, and that its API server is up"


def _misconfigured(error: Exception, server: str) -> str:
    if isinstance(error, ConfigError):
        return f"kubeconfig: {str(error).strip().splitlines()[0]}; run the command by hand, or correct the user"
    if isinstance(error, FileNotFoundError) and error.filename:
        return f"kubeconfig: the command {error.filename} is not installed; install it, or correct the user's exec"
    if isinstance(error, OSError):
        return f"kubeconfig: the user's command cannot be run ({error.strerror}); correct the user's exec"
    return f"{server} is no Kubernetes API server, or the user's command prints no token; correct the kubeconfig"
