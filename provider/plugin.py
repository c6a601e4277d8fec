"""The provider: its configuration, its resources, and what lives as long as the plugin's process."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from pulumi.provider.experimental.provider import GetSchemaRequest, GetSchemaResponse, Provider

from imagepull import __version__, resource_types
from imagepull.errors import ImagePullError
from imagepull.registries.ecr_tokens import TokenSource

from .completion import CANCELLED_EARLY
from .copied_secrets import CopiedSecretsResource
from .operations import Partial, Resource, State
from .pull_watch import PullWatchResource
from .registry_secret import RegistrySecretResource
from .renewal_rights import RenewalRightsResource
from .service_accounts import ServiceAccountsResource

if TYPE_CHECKING:
    from imagepull.kubernetes.client import Cluster

__all__ = ["CLUSTER_UID", "ImagePull", "Kept", "T"]

_RESOURCES: Final[Mapping[str, Resource]] = {
    resource_types.REGISTRY_SECRET: RegistrySecretResource(),
    resource_types.COPIED_SECRETS: CopiedSecretsResource(),
    resource_types.PULL_WATCH: PullWatchResource(),
    resource_types.RENEWAL_RIGHTS: RenewalRightsResource(),
    resource_types.SERVICE_ACCOUNTS: ServiceAccountsResource(),
}

CLUSTER_UID: Final = "clusterUid"
"""Output of every resource: the UID of the namespace `kube-system`, where it may be read."""

T = TypeVar("T")
Kept = TypeVar("Kept")


class ImagePull(Provider):
    """One process of the plugin. It serves one configuration: the engine starts one per provider resource."""

    def __init__(self) -> None:
        self.tokens = TokenSource()
        self.identities: set[str] = set()
        self._kubeconfig: str | None = None
        self._context: str | None = None
        self._cluster: Cluster | None = None
        self._running: set[asyncio.Task[Any]] = set()
        self._cancelled = False

    async def get_schema(self, request: GetSchemaRequest) -> GetSchemaResponse:
        from .schema import make_schema

        return GetSchemaResponse(schema=make_schema(__version__))

    async def cancel(self) -> None:
        """Ends what is running, each operation with a state of what it has done."""
        self._cancelled = True
        for task in self._running:
            task.cancel()

    def configure_with(self, inputs: Mapping[str, object]) -> None:
        """Takes the configuration; nothing is read or connected yet."""
        self._kubeconfig = _read_text(inputs.get("kubeconfig"))
        self._context = _read_text(inputs.get("context"))

    def connect(self) -> "Cluster":
        """The cluster, connected at the first call; raises ClusterError."""
        if self._cluster is None:
            # Lazily: the client takes 0.15 s to import, and previews never come here.
            from imagepull.kubernetes.client import Cluster

            self._cluster = Cluster.connect(self._kubeconfig, self._context)
        return self._cluster

    async def in_known_cluster(self, old: State | None, operation: Callable[[], Awaitable[Kept]]) -> Kept:
        """Does the operation if the cluster is the one that the old state knows, and adds its UID to the new state.

        Raises:
            WrongCluster: it is another one; nothing was done.
        """
        from imagepull.kubernetes.cluster_identity import confirm_cluster

        known = None if old is None else _read_text(old.outputs.get(CLUSTER_UID))
        uid = await confirm_cluster(self.connect(), known)
        try:
            state = await operation()
        except Partial as error:
            raise Partial(_add_uid(error.state, uid), error.reasons) from None
        return cast(Kept, _add_uid(state, uid)) if isinstance(state, State) else state

    def resource(self, kind: str) -> Resource:
        try:
            return _RESOURCES[kind]
        except KeyError:
            raise ImagePullError(f"there is no resource {kind}; there are {', '.join(_RESOURCES)}") from None

    async def finish(self, operation: Coroutine[Any, Any, T], timeout_seconds: float) -> T:
        """The operation's result; it is cancelled by `cancel` and after the timeout (0: none)."""
        task = asyncio.create_task(operation)
        self._running.add(task)
        if self._cancelled:
            task.cancel()
        timer = asyncio.get_running_loop().call_later(timeout_seconds, task.cancel) if timeout_seconds > 0 else None
        try:
            return await task
        except asyncio.CancelledError:
            # Operations that change something answer themselves; what comes here has changed nothing.
            raise ImagePullError(CANCELLED_EARLY) from None
        finally:
            self._running.discard(task)
            if timer is not None:
                timer.cancel()


def _add_uid(state: State, uid: str | None) -> State:
    return replace(state, outputs={**state.outputs, CLUSTER_UID: uid})


def _read_text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
