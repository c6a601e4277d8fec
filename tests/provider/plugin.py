"""The plugin's process, spoken to as the engine does."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc.aio  # type: ignore[import-untyped]
from google.protobuf.empty_pb2 import Empty  # type: ignore[import-untyped]
from pulumi.runtime import proto
from pulumi.runtime.proto import engine_pb2_grpc, provider_pb2, provider_pb2_grpc, status_pb2

from lab.layout import CHECKOUT
from provider.wire_values import to_plain_map, to_struct
from tests.provider.faulty_api import FaultyApi, served

URN = "urn:pulumi:dev::shop::imagepull:index:{}::pull"
SECRET, ACCOUNTS = URN.format("RegistrySecret"), URN.format("ServiceAccountImagePullSecrets")

# Go's client, which the engine is, takes 16 MiB of trailers; the partial state of many namespaces comes in them.
_LIKE_THE_ENGINE = [("grpc.max_metadata_size", 1 << 24), ("grpc.absolute_max_metadata_size", 1 << 24)]


class Log(engine_pb2_grpc.EngineServicer):
    """The engine's log."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    async def Log(self, request: Any, context: Any) -> Empty:
        self.messages.append(request.message)
        return Empty()


class Refused(Exception):
    """What the plugin answered in place of a response; `partial`: the outputs of an ErrorResourceInitFailed."""

    def __init__(self, message: str, partial: Mapping[str, Any] | None = None, reasons: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.partial = partial
        self.reasons = list(reasons)


class Plugin:
    """One process of the plugin. Every method raises Refused."""

    def __init__(self, stub: Any, log: Log) -> None:
        self._stub = stub
        self.log = log

    async def check(self, urn: str, inputs: Mapping[str, object]) -> dict[str, str]:
        """Problems by path."""
        answer = await self._call(self._stub.Check(proto.CheckRequest(urn=urn, news=to_struct(inputs))))
        return {failure.property: failure.reason for failure in answer.failures}

    async def diff(self, urn: str, inputs: Mapping[str, object], outputs: Mapping[str, object], new: Any) -> Any:
        request = proto.DiffRequest(
            id="pull", urn=urn, old_inputs=to_struct(inputs), olds=to_struct(outputs), news=to_struct(new)
        )
        return await self._call(self._stub.Diff(request))

    async def create(
        self, urn: str, inputs: Mapping[str, object], *, preview: bool = False, timeout_seconds: float = 0.0
    ) -> dict[str, object]:
        """`timeout_seconds`: what `customTimeouts` says; 0 for none."""
        request = proto.CreateRequest(urn=urn, properties=to_struct(inputs), preview=preview, timeout=timeout_seconds)
        return to_plain_map((await self._call(self._stub.Create(request))).properties)

    async def update(
        self, urn: str, inputs: Mapping[str, object], outputs: Mapping[str, object], new: Mapping[str, object]
    ) -> dict[str, object]:
        request = proto.UpdateRequest(
            id="pull", urn=urn, old_inputs=to_struct(inputs), olds=to_struct(outputs), news=to_struct(new)
        )
        return to_plain_map((await self._call(self._stub.Update(request))).properties)

    async def read(self, urn: str, inputs: Mapping[str, object], outputs: Mapping[str, object]) -> dict[str, object]:
        request = proto.ReadRequest(id="pull", urn=urn, inputs=to_struct(inputs), properties=to_struct(outputs))
        return to_plain_map((await self._call(self._stub.Read(request))).properties)

    async def check_config(self, inputs: Mapping[str, object]) -> dict[str, object]:
        """The inputs as they go to the state."""
        answer = await self._call(self._stub.CheckConfig(proto.CheckRequest(news=to_struct(inputs))))
        return to_plain_map(answer.inputs)

    async def diff_config(self, old: Mapping[str, object], new: Mapping[str, object]) -> tuple[list[str], list[str]]:
        """The values that changed, and those that replace all resources."""
        request = proto.DiffRequest(old_inputs=to_struct(old), olds=to_struct(old), news=to_struct(new))
        answer = await self._call(self._stub.DiffConfig(request))
        return list(answer.diffs), list(answer.replaces)

    async def delete(self, urn: str, inputs: Mapping[str, object], outputs: Mapping[str, object]) -> None:
        request = proto.DeleteRequest(id="pull", urn=urn, old_inputs=to_struct(inputs), properties=to_struct(outputs))
        await self._call(self._stub.Delete(request))

    async def cancel(self) -> None:
        await self._call(self._stub.Cancel(Empty()))

    async def schema(self) -> str:
        return str((await self._call(self._stub.GetSchema(proto.GetSchemaRequest()))).schema)

    async def configure(self, inputs: Mapping[str, object]) -> None:
        await self._call(self._stub.Configure(proto.ConfigureRequest(args=to_struct(inputs))))

    async def ask(self, call: Callable[[Any], Any]) -> Any:
        """Any call of the protocol, made on the stub."""
        return await self._call(call(self._stub))

    async def _call(self, call: Any) -> Any:
        try:
            return await call
        except grpc.aio.AioRpcError as error:
            raise _refused(error) from None


@asynccontextmanager
async def plugin(env: Mapping[str, str], config: Mapping[str, object] | None = None) -> AsyncIterator[Plugin]:
    """A plugin that is configured; ended afterwards."""
    log = Log()
    engine = grpc.aio.server()
    engine_pb2_grpc.add_EngineServicer_to_server(log, engine)
    address = f"127.0.0.1:{engine.add_insecure_port('127.0.0.1:0')}"
    await engine.start()
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(CHECKOUT / "provider"), address, env=dict(env), stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    port = int(await process.stdout.readline())
    try:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=_LIKE_THE_ENGINE) as channel:
            found = Plugin(provider_pb2_grpc.ResourceProviderStub(channel), log)
            await found.configure(config or {})
            yield found
    finally:
        process.kill()
        await process.wait()
        await engine.stop(None)


def with_plugin(api: FaultyApi, folder: Path, work: Callable[[Plugin], Coroutine[Any, Any, Any]]) -> Any:
    """What `work` returns, given a plugin whose cluster is the API; `folder` takes the kubeconfig."""

    async def run() -> Any:
        async with plugin(os.environ, {"kubeconfig": str(kubeconfig)}) as one:
            return await work(one)

    with served(api, folder) as kubeconfig:
        return asyncio.run(run())


def _refused(error: grpc.aio.AioRpcError) -> Refused:
    details = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin")
    message = str(error.details())
    if details is None:
        return Refused(message)
    failed = provider_pb2.ErrorResourceInitFailed()
    status_pb2.Status.FromString(details).details[0].Unpack(failed)
    return Refused(message, to_plain_map(failed.properties), failed.reasons)
