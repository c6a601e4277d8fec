"""Lets Pods reach servers on the machine's loopback: `python -m lab.relay DEVICE ADDRESS:PORT=TARGET ...`.

Each `ADDRESS:PORT` takes connections from Pods and passes their bytes on to 127.0.0.1:TARGET. The sockets are bound to
the bridge as a device (SO_BINDTODEVICE, socket(7)): the kernel hands them only what comes in over the bridge, so nobody
on another network of the machine can connect, although these are addresses of the machine.
"""

import asyncio
import contextlib
import socket
import sys
from collections.abc import Sequence
from dataclasses import dataclass

__all__ = ["Route", "relay"]

_CHUNK = 1 << 16


@dataclass(frozen=True, kw_only=True)
class Route:
    """One address for Pods and the loopback port behind it."""

    address: str
    port: int
    target: int

    @classmethod
    def parse(cls, text: str) -> "Route":
        """Read `ADDRESS:PORT=TARGET`."""
        place, _, target = text.partition("=")
        address, _, port = place.rpartition(":")
        return cls(address=address, port=int(port), target=int(target))

    def __str__(self) -> str:
        return f"{self.address}:{self.port}={self.target}"


async def relay(device: str, routes: Sequence[Route]) -> None:
    """Serve all routes until cancelled.

    Raises:
        OSError: an address is not this machine's, or its port is taken.
    """
    async with contextlib.AsyncExitStack() as stack:
        for route in routes:
            server = await asyncio.start_server(_handler(route.target), sock=_listen(device, route))
            await stack.enter_async_context(server)
        await asyncio.get_running_loop().create_future()


def _listen(device: str, route: Route) -> socket.socket:
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
    listener.bind((route.address, route.port))
    return listener


def _handler(target: int):  # type: ignore[no-untyped-def] # asyncio's own callback type has no name
    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer):
            try:
                inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", target)
            except OSError:
                return  # the Pod sees a closed connection, as from a server that is down
            with contextlib.closing(inner_writer):
                await asyncio.gather(_copy(reader, inner_writer), _copy(inner_reader, writer))

    return handle


async def _copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    # One side may end its half and still wait for the answer; a reset ends both.
    with contextlib.suppress(ConnectionError):
        while data := await source.read(_CHUNK):
            target.write(data)
            await target.drain()
        if target.can_write_eof():
            target.write_eof()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(relay(sys.argv[1], [Route.parse(text) for text in sys.argv[2:]]))
