"""Messages of the plugin to a person, through the engine: diagnostics, and a count in the status line."""

import asyncio
import time
from typing import Any, Final

import grpc.aio  # type: ignore[import-untyped]
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

__all__ = ["Engine", "EngineReport"]

_INTERVAL: Final = 0.5
"""Seconds between two counts: the engine's display costs more than the count is worth."""


class Engine:
    """The engine's log, at the address that the plugin was started with."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._stub: Any = None

    async def log(self, urn: str, severity: int, message: str, *, ephemeral: bool) -> None:
        if self._stub is None:
            channel = grpc.aio.insecure_channel(self._address)
            self._stub = engine_pb2_grpc.EngineStub(channel)
        level: Any = severity  # the SDK's types have a class for it, and its enum's members are numbers
        request = engine_pb2.LogRequest(severity=level, message=message, urn=urn, ephemeral=ephemeral)
        await self._stub.Log(request)


class EngineReport:
    """The messages of one operation on one resource; `flush` waits until they have arrived."""

    def __init__(self, engine: Engine, urn: str) -> None:
        self._engine = engine
        self._urn = urn
        self._sent: list[asyncio.Task[None]] = []
        self._verb, self._total, self._done, self._told = "", 0, 0, 0.0

    def info(self, message: str) -> None:
        self._send(engine_pb2.INFO, message)

    def warn(self, message: str) -> None:
        self._send(engine_pb2.WARNING, message)

    def begin(self, verb: str, total: int) -> None:
        self._verb, self._total, self._done, self._told = verb, total, 0, time.monotonic()

    def step(self) -> None:
        self._done += 1
        if time.monotonic() - self._told >= _INTERVAL:
            self._told = time.monotonic()
            self._send(engine_pb2.INFO, f"{self._done} of {self._total} namespaces {self._verb}", ephemeral=True)

    async def flush(self) -> None:
        # The engine may be gone already, and a lost message is no reason to fail.
        await asyncio.gather(*self._sent, return_exceptions=True)

    def _send(self, severity: int, message: str, *, ephemeral: bool = False) -> None:
        self._sent.append(asyncio.create_task(self._engine.log(self._urn, severity, message, ephemeral=ephemeral)))
