"""The plugin's gRPC service: Pulumi's own, with errors that read as one message, and partial success reported as such.

The stock service leaves the old inputs out of what it passes on, and cannot say that a resource is there though its
creation failed. For errors see `provider.faults`.
"""

import argparse
import asyncio
import os
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import grpc  # type: ignore[import-untyped]
import grpc.aio  # type: ignore[import-untyped]
from google.protobuf import empty_pb2, struct_pb2  # type: ignore[import-untyped]
from pulumi.provider.experimental.server import ProviderServicer
from pulumi.runtime import proto
from pulumi.runtime._grpc_settings import _GRPC_CHANNEL_OPTIONS
from pulumi.runtime.proto import provider_pb2_grpc

from imagepull import __version__
from imagepull.differences import Difference
from imagepull.errors import ImagePullError, InvalidInput
from imagepull.inputs import holds_unknown
from imagepull.resource_types import parse_urn

from .cluster_config import CLUSTER_ENTRY, check_config, diff_config, find_fingerprint, reach_one_cluster
from .faults import report_errors_of_every_call
from .lifetime import wait_until_orphaned
from .operations import DiffAnswer, Operation, Resource, State, Values
from .plugin import CLUSTER_UID, ImagePull
from .report import Engine, EngineReport
from .wire_values import mark_secrets, put_values, to_outputs_struct, to_plain_map

if TYPE_CHECKING:
    from .construct import Construction

__all__ = ["Servicer", "main"]

_KINDS: Final = {
    Difference.ADD: (proto.PropertyDiff.ADD, proto.PropertyDiff.ADD_REPLACE),
    Difference.DELETE: (proto.PropertyDiff.DELETE, proto.PropertyDiff.DELETE_REPLACE),
    Difference.UPDATE: (proto.PropertyDiff.UPDATE, proto.PropertyDiff.UPDATE_REPLACE),
}


@report_errors_of_every_call
class Servicer(ProviderServicer):
    """Serves the custom resources of `ImagePull`, and the components to programs in other languages."""

    def __init__(self, args: list[str], plugin: ImagePull, engine_address: str) -> None:
        super().__init__(args, __version__, plugin, engine_address=engine_address)
        self._plugin = plugin
        self._engine = Engine(engine_address)

    async def CheckConfig(self, request: Any, context: Any) -> Any:
        answer = _check(request.news, check_config)
        if not answer.failures and (entry := find_fingerprint(to_plain_map(request.news))) is not None:
            answer.inputs[CLUSTER_ENTRY] = entry
        return answer

    async def DiffConfig(self, request: Any, context: Any) -> Any:
        old = to_plain_map(request.old_inputs) or to_plain_map(request.olds)
        new = to_plain_map(request.news)
        changed, replaces = diff_config(old, new)
        if set(replaces) <= {"kubeconfig", "context"} and replaces and not holds_unknown(new):
            replaces = [] if await reach_one_cluster(old, new) else replaces
        changes = proto.DiffResponse.DIFF_SOME if changed else proto.DiffResponse.DIFF_NONE
        return proto.DiffResponse(changes=changes, diffs=changed, replaces=replaces)

    async def Configure(self, request: Any, context: Any) -> Any:
        self._plugin.configure_with(to_plain_map(request.args))
        return proto.ConfigureResponse(
            acceptSecrets=True, acceptResources=True, acceptOutputs=True, supportsPreview=True
        )

    async def Check(self, request: Any, context: Any) -> Any:
        return _check(request.news, self._find_resource(request).check)

    async def Diff(self, request: Any, context: Any) -> Any:
        resource, news = self._find_resource(request), to_plain_map(request.news)
        old = State(id=request.id, inputs=to_plain_map(request.old_inputs), outputs=to_plain_map(request.olds))
        async with self._run(request) as run:
            answer = resource.diff(run, old, news)
        return _make_diff_response(answer)

    async def Create(self, request: Any, context: Any) -> Any:
        resource, inputs = self._find_resource(request), to_plain_map(request.properties)
        if request.preview or holds_unknown(inputs):
            return proto.CreateResponse(properties=to_outputs_struct(resource.preview(None, inputs)))
        async with self._run(request) as run:
            work = self._plugin.in_known_cluster(None, lambda: resource.create(run, inputs))
            state = await self._plugin.finish(work, request.timeout)
        return proto.CreateResponse(id=state.id, properties=to_outputs_struct(state.outputs))

    async def Update(self, request: Any, context: Any) -> Any:
        resource, inputs = self._find_resource(request), to_plain_map(request.news)
        old = State(id=request.id, inputs=to_plain_map(request.old_inputs), outputs=to_plain_map(request.olds))
        if request.preview or holds_unknown(inputs):
            known = {CLUSTER_UID: old.outputs.get(CLUSTER_UID)}
            return proto.UpdateResponse(properties=to_outputs_struct({**known, **resource.preview(old, inputs)}))
        async with self._run(request) as run:
            work = self._plugin.in_known_cluster(old, lambda: resource.update(run, old, inputs))
            state = await self._plugin.finish(work, request.timeout)
        return proto.UpdateResponse(properties=to_outputs_struct(state.outputs))

    async def Read(self, request: Any, context: Any) -> Any:
        resource = self._find_resource(request)
        old = State(id=request.id, inputs=to_plain_map(request.inputs), outputs=to_plain_map(request.properties))
        async with self._run(request) as run:
            work = self._plugin.in_known_cluster(old, lambda: resource.read(run, old))
            state = await self._plugin.finish(work, request.timeout)
        if state is None:
            return proto.ReadResponse(id="")
        return proto.ReadResponse(
            id=state.id,
            properties=to_outputs_struct(state.outputs),
            inputs=put_values(request.inputs, state.inputs),
        )

    async def Delete(self, request: Any, context: Any) -> Any:
        resource = self._find_resource(request)
        old = State(id=request.id, inputs=to_plain_map(request.old_inputs), outputs=to_plain_map(request.properties))
        async with self._run(request) as run:
            work = self._plugin.in_known_cluster(old, lambda: resource.delete(run, old))
            await self._plugin.finish(work, request.timeout)
        return empty_pb2.Empty()

    async def Construct(self, request: Any, context: Any) -> Any:
        return await self._constructor.construct(request)

    async def Invoke(self, request: Any, context: Any) -> Any:
        raise ImagePullError(f"there is no function {request.tok}; imagepull has resources only")

    async def Call(self, request: Any, context: Any) -> Any:
        raise ImagePullError(f"there is no method {request.tok}; imagepull's resources have none")

    async def Parameterize(self, request: Any, context: Any) -> Any:
        raise ImagePullError("imagepull takes no parameters; write its name and nothing after it")

    @cached_property
    def _constructor(self) -> "Construction":
        # Lazily: programs in Python declare their components themselves.
        from .construct import Construction

        return Construction(self._args, self._engine_address)

    def _find_resource(self, request: Any) -> Resource:
        urn = parse_urn(request.urn)
        return self._plugin.resource(urn.type if urn else request.urn)

    def _run(self, request: Any) -> "_Running":
        return _Running(self._plugin, EngineReport(self._engine, request.urn), request.urn)


class _Running:
    """A Operation whose messages have arrived by its end."""

    def __init__(self, plugin: ImagePull, report: EngineReport, urn: str) -> None:
        self._report = report
        self._run = Operation(
            urn=urn, report=report, tokens=plugin.tokens, clusters=plugin, identities=plugin.identities
        )

    async def __aenter__(self) -> Operation:
        return self._run

    async def __aexit__(self, *_: object) -> None:
        await self._report.flush()


def main(args: list[str]) -> None:
    """Serves until the engine ends the process; prints the port, as every plugin does."""
    parser = argparse.ArgumentParser(prog="imagepull", description="Pulumi provider plugin imagepull")
    parser.add_argument("engine", help="address of the engine's gRPC service; without one the plugin ends")
    known, _ = parser.parse_known_args(args)
    parent = os.getppid()

    async def serve() -> None:
        server = grpc.aio.server(options=_GRPC_CHANNEL_OPTIONS)
        servicer = Servicer(args, ImagePull(), known.engine)
        provider_pb2_grpc.add_ResourceProviderServicer_to_server(servicer, server)
        port = server.add_insecure_port("127.0.0.1:0")
        await server.start()
        sys.stdout.write(f"{port}\n")
        sys.stdout.flush()
        try:
            await wait_until_orphaned(parent, known.engine)
        finally:
            # Else the server is stopped when it is collected, after its event loop is closed: grpc prints a traceback.
            await server.stop(None)

    with suppress(KeyboardInterrupt):
        asyncio.run(serve())


def _check(news: struct_pb2.Struct, check: Callable[[Values], None]) -> Any:
    try:
        check(to_plain_map(news))
    except InvalidInput as error:
        failures = [proto.CheckFailure(property=one.path, reason=one.reason) for one in error.problems]
        return proto.CheckResponse(failures=failures)
    return proto.CheckResponse(inputs=mark_secrets(news))


def _make_diff_response(answer: DiffAnswer) -> Any:
    detailed = {
        path: proto.PropertyDiff(kind=_KINDS[kind][path in answer.replaces], inputDiff=True)
        for path, kind in answer.differences.items()
    }
    for name in answer.outputs:
        detailed[name] = proto.PropertyDiff(kind=proto.PropertyDiff.UPDATE, inputDiff=False)
    return proto.DiffResponse(
        changes=proto.DiffResponse.DIFF_SOME if detailed else proto.DiffResponse.DIFF_NONE,
        replaces=list(answer.replaces),
        diffs=list(dict.fromkeys(re.split(r"[.\[]", path)[0] for path in detailed)),
        detailedDiff=detailed,
        hasDetailedDiff=True,
    )
