"""Pods reach servers on the machine's loopback by the relay, and nobody else does."""

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest

from lab.network import PodNetwork
from lab.relay import Route, relay

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="SO_BINDTODEVICE is Linux'")


@asynccontextmanager
async def echo_server() -> AsyncIterator[int]:
    """A server that answers with what it got, once the client has said all."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.read())
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


async def ask(port: int, content: bytes) -> bytes:
    for _ in range(100):
        with suppress(ConnectionRefusedError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(content)
            writer.write_eof()
            answer = await reader.read()
            writer.close()
            return answer
        await asyncio.sleep(0.02)
    raise AssertionError("the relay does not listen")


async def _through_relay(target: int, content: bytes) -> bytes:
    port = free_port()
    task = asyncio.create_task(relay("lo", [Route(address="127.0.0.1", port=port, target=target)]))
    try:
        return await ask(port, content)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def test_bytes_go_both_ways() -> None:
    async def run() -> bytes:
        async with echo_server() as target:
            return await _through_relay(target, b"x" * 1_000_000)

    assert asyncio.run(run()) == b"x" * 1_000_000


def test_a_server_that_is_down_is_a_closed_connection() -> None:
    assert asyncio.run(_through_relay(free_port(), b"hello")) == b""


def test_a_route_is_read_as_it_is_written() -> None:
    route = Route(address="10.231.4.129", port=443, target=6443)
    assert Route.parse(str(route)) == route


def test_pods_services_and_the_bridge_share_one_network() -> None:
    network = PodNetwork(bridge_address="10.231.4.1")
    assert network.pod_range == ("10.231.4.2", "10.231.4.126")
    assert str(network.services) == "10.231.4.128/25"
    assert (network.api_server, network.dns) == ("10.231.4.129", "10.231.4.138")
