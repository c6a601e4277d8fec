"""The cluster, as the resources see it: a few requests, retried within bounds, each failure one clear sentence."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from typing import Final, Self, TypeVar, overload

import aiohttp

from imagepull.errors import ClusterError, ClusterUnreachable, Conflict, NotFound, RequestRefused, RequestUnanswered
from imagepull.kubernetes import kubeconfig
from imagepull.kubernetes.connection import Connection
from imagepull.kubernetes.failures import describe_connection_failure, make_refusal
from imagepull.kubernetes.kinds import EVERY_NAMESPACE, KINDS, Kind, is_possible_name
from imagepull.kubernetes.objects import Document, KubernetesObject, is_object
from imagepull.kubernetes.transport import ApiAnswer, Request, Transport

__all__ = ["IN_FLIGHT", "Cluster", "for_each", "retry_on_conflict"]

IN_FLIGHT: Final = 32
"""Requests in flight at most: an API server takes 1,000 small writes in 1.3 s so, and more gains nothing."""
_TRIES: Final = 6
_ROUNDS: Final = 40
_FIRST_WAIT: Final = 0.1
_LONGEST_WAIT: Final = 4.0
_CHUNK: Final = 500
"""Objects in one answer to a list, as kubectl asks for."""
_LOG_BYTES: Final = 4096
"""The most that is read of a container's last line."""
_PASSING: Final = frozenset({429, 500, 502, 503, 504})
"""Statuses that the same request may not meet a moment later."""

T = TypeVar("T")
Item = TypeVar("Item")
_List = list  # in the class below the name is a method's


class Cluster:
    """One cluster, through one client. Every method raises ClusterError or the subclass that fits.

    Once no connection can be made, further requests fail at once: a thousand namespaces do not each wait for it. A
    request that times out fails alone: one slow admission webhook does not stop the other namespaces.

    Args:
        connection: Where, and as whom.
        pause: Waits between two tries, in seconds.
        seconds: How long one request may take.
    """

    def __init__(
        self,
        connection: Connection,
        *,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        seconds: float = 15.0,
    ) -> None:
        self.server: Final = connection.cluster.server
        self.namespace: Final = connection.namespace
        self._transport = Transport(connection, connections=IN_FLIGHT, seconds=seconds)
        self._pause = pause
        self._places = asyncio.Semaphore(IN_FLIGHT)
        self._looking = asyncio.Lock()
        self._lost: ClusterUnreachable | None = None
        # Kinds of failure that outlasted all tries of a request, until one succeeds: others are not tried as often. A
        # webhook that is down would otherwise cost each of a thousand namespaces eight seconds.
        self._hopeless: set[int] = set()

    @classmethod
    def connect(cls, config: str | None, context: str | None) -> Self:
        """The cluster that `kubeconfig.load` finds; nothing is sent yet."""
        return cls(kubeconfig.load(config, context))

    @overload
    async def list(
        self,
        kind: Kind,
        *,
        name: str | None = None,
        namespace: str = EVERY_NAMESPACE,
        fields: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> _List[KubernetesObject]: ...

    @overload
    async def list(
        self,
        kind: Kind,
        *,
        name: str | None = None,
        namespace: str = EVERY_NAMESPACE,
        fields: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
        parse: Callable[[Document], T],
    ) -> _List[T]: ...

    async def list(
        self,
        kind: Kind,
        *,
        name: str | None = None,
        namespace: str = EVERY_NAMESPACE,
        fields: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
        parse: Callable[[Document], T | KubernetesObject] = KubernetesObject.parse,
    ) -> _List[T] | _List[KubernetesObject] | _List[T | KubernetesObject]:
        """Objects of a kind, in one namespace or in all. What is no object holds up nobody: it is left out.

        Args:
            name: Of one name only.
            fields, labels: Selectors that the API server applies: field or label to its value.
            parse: What to keep of an object's JSON. It is applied to each chunk as it arrives, so that large objects
                that are kept in part do not have to fit into memory together.
        """
        named = {} if name is None else {"metadata.name": name}
        selected = {key: _escape(value) for key, value in {**(fields or {}), **named}.items()}
        selectors = {
            "fieldSelector": _join_selector(selected),
            "labelSelector": _join_selector(labels or {}),
        }
        query = {"limit": str(_CHUNK), **{key: value for key, value in selectors.items() if value}}
        found: list[T | KubernetesObject] = []
        while True:
            document = (
                await self._send_and_retry(Request(method="GET", path=kind.make_path(namespace), query=query))
            ).document
            items, metadata = document.get("items"), document.get("metadata")
            if not isinstance(items, list):
                raise self._explain_no_api_server()
            found += map(parse, filter(is_object, items))
            more = metadata.get("continue") if isinstance(metadata, dict) else None
            if not isinstance(more, str) or not more:
                return found
            query = {**query, "continue": more}

    async def get(self, kind: Kind, name: str, namespace: str) -> KubernetesObject | None:
        """The object, None when it (or its namespace) is not there, and for what can be no object's name."""
        if not is_possible_name(name):
            return None
        try:
            answer = await self._send_and_retry(Request(method="GET", path=kind.make_path(namespace, name)))
        except NotFound:
            return None
        return self._parse(answer.document)

    async def create(self, kind: Kind, body: Mapping[str, object]) -> KubernetesObject:
        """Creates the object that `body` describes, with `metadata.name` and `metadata.namespace`."""
        metadata = body["metadata"]
        assert isinstance(metadata, Mapping)
        path = kind.make_path(metadata.get("namespace", EVERY_NAMESPACE))
        whole = {"apiVersion": kind.api_version, "kind": kind.name, **body}
        return self._parse((await self._send_and_retry(Request(method="POST", path=path, body=whole))).document)

    async def patch(self, kind: Kind, name: str, namespace: str, body: Mapping[str, object]) -> KubernetesObject:
        """JSON merge patch; `metadata.uid` and `metadata.resourceVersion` in it are preconditions (else Conflict).

        Returns the object's metadata alone: a Secret's content does not come back over the wire.
        """
        path = kind.make_path(namespace, name)
        media_type = "application/merge-patch+json"
        request = Request(method="PATCH", path=path, body=body, media_type=media_type, metadata_only=True)
        answer = await self._send_and_retry(request)
        return self._parse(answer.document)

    async def delete(
        self,
        kind: Kind,
        name: str,
        namespace: str,
        *,
        uid: str | None = None,
        resource_version: str | None = None,
    ) -> None:
        """Deletes the object; one that is not there is done. Else Conflict if `uid` or `resource_version` differ."""
        preconditions = {"uid": uid, "resourceVersion": resource_version}
        given = {key: value for key, value in preconditions.items() if value is not None}
        body = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": given} if given else None
        with suppress(NotFound):
            await self._send_and_retry(Request(method="DELETE", path=kind.make_path(namespace, name), body=body))

    async def read_last_log_line(self, namespace: str, pod: str, container: str) -> str | None:
        """What a container wrote last; None if its log may not be read or is not there."""
        path = f"{KINDS['Pod'].make_path(namespace, pod)}/log"
        query = {"container": container, "tailLines": "1", "limitBytes": str(_LOG_BYTES)}
        try:
            answer = await self._send_and_retry(Request(method="GET", path=path, query=query, of_text=True))
        except RequestRefused:
            return None
        return str(answer.document["text"]).strip()

    async def close(self) -> None:
        """Closes all connections."""
        await self._transport.close()

    async def _send_and_retry(self, request: Request) -> ApiAnswer:
        """The answer to a request that was accepted; the request is repeated as long as that may help."""
        async with self._places:
            for wait in chain(_plan_waits(), (None,)):
                if self._lost is not None:
                    raise self._lost
                found = await self._try(request)
                if isinstance(found, ApiAnswer):
                    self._hopeless.clear()
                    return found
                if wait is None or not found.passing or found.kind in self._hopeless:
                    if found.passing:
                        self._hopeless.add(found.kind)
                    if found.unanswered:
                        await self._look_again()
                    raise found.error
                await self._pause(max(wait, min(found.retry_after, _LONGEST_WAIT)))
        raise AssertionError("the last try returns or raises")

    async def _try(self, request: Request) -> "ApiAnswer | _Failure":
        try:
            answer = await self._transport.send(request)
        except TimeoutError as error:
            if isinstance(error, aiohttp.ConnectionTimeoutError):
                return _NO_CONNECTION
            return _TIMED_OUT
        except aiohttp.ClientConnectorCertificateError as error:
            # Asked again it would be the same.
            self._lost = ClusterUnreachable(f"the cluster at {self.server} {describe_connection_failure(error)}")
            raise self._lost from None
        except (aiohttp.ClientError, OSError):
            return _NO_CONNECTION
        except ValueError:
            raise self._explain_no_api_server() from None
        if answer.status < 300:
            return answer
        return _Failure(
            kind=answer.status,
            error=make_refusal(answer.status, answer.message, request.body),
            passing=answer.status in _PASSING,
            retry_after=answer.retry_after,
        )

    async def _look_again(self) -> None:
        """Looks for the API server over a new connection; raises ClusterUnreachable, for all requests, if in vain."""
        async with self._looking:
            if self._lost is None:
                try:
                    await self._transport.look()
                except (aiohttp.ClientError, OSError) as error:
                    reason = describe_connection_failure(error)
                    self._lost = ClusterUnreachable(f"the cluster at {self.server} {reason}")
                except ValueError:
                    pass  # `ok` is no JSON; it is an answer.
            if self._lost is not None:
                raise self._lost

    def _parse(self, document: object) -> KubernetesObject:
        try:
            return KubernetesObject.parse(document)
        except ValueError:
            if isinstance(document, Mapping) and document.get("kind") and document.get("apiVersion"):
                raise ClusterError("the cluster shows an object without a name; ask who runs it") from None
            raise self._explain_no_api_server() from None

    def _explain_no_api_server(self) -> ClusterUnreachable:
        self._lost = ClusterUnreachable(f"{self.server} is no Kubernetes API server; correct the kubeconfig")
        return self._lost


@dataclass(frozen=True, kw_only=True)
class _Failure:
    """A try that brought nothing.

    Attributes:
        kind: The status; negative where there was no answer.
        error: What to raise if it is the last try.
        passing: Whether the same request may succeed a moment later.
        unanswered: Whether the cluster may be gone.
        retry_after: Seconds to wait at least.
    """

    kind: int
    error: ClusterError
    passing: bool
    unanswered: bool = False
    retry_after: float = 0.0


_TIMED_OUT: Final = _Failure(
    kind=-1,
    error=RequestUnanswered("the cluster did not answer in time; an admission webhook may be slow"),
    passing=False,
    unanswered=True,
)
"""Not repeated: the request may have arrived, and each try would hold up other namespaces for as long."""
_NO_CONNECTION: Final = _Failure(
    kind=-2,
    error=RequestUnanswered("the connection broke before the cluster answered; try again"),
    passing=True,
    unanswered=True,
)


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
    """Does the work on every item, IN_FLIGHT at a time; the first ClusterError ends it all and is raised."""
    remaining = iter(items)

    async def worker() -> None:
        for item in remaining:
            await work(item)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(IN_FLIGHT):
                group.create_task(worker())
    except* ClusterError as errors:
        first = next(_flatten(errors))
    else:
        return
    raise first


def _flatten(errors: BaseExceptionGroup[ClusterError]) -> Iterator[ClusterError]:
    for error in errors.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _flatten(error)
        else:
            yield error


def _join_selector(pairs: Mapping[str, str]) -> str:
    return ",".join(f"{key}={value}" for key, value in pairs.items())


def _escape(value: str) -> str:
    """A value in a field selector (kubernetes/apimachinery pkg/fields/selector.go, EscapeValue)."""
    return value.replace("\\", "\\\\").replace(",", "\\,").replace("=", "\\=")


def _plan_waits() -> Iterable[float]:
    for attempt in range(_TRIES - 1):
        longest = min(_FIRST_WAIT * 3**attempt, _LONGEST_WAIT)
        yield random.uniform(longest / 2, longest)  # noqa: S311 (jitter)
