"""Processor time that our client takes for one request, apart from what the API server takes.

    python -m benchmarks.client [--requests 3000]

Creates 4 kB Secrets on a server that does nothing but send back what came, 32 in flight, and prints the milliseconds of
this process's processor time for each.
"""

import argparse
import asyncio
import multiprocessing
import sys
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection as Pipe

import yaml

from imagepull.kubernetes.client import Cluster, for_each
from imagepull.kubernetes.kinds import SECRET

_DATA = {".dockerconfigjson": "eHh4" * 1000}


class _Echo(asyncio.Protocol):
    """Answers each request with its body."""

    def __init__(self) -> None:
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, rest = self._received.partition(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in head.splitlines() if b": " in line)
        size = int(fields.get(b"content-length", b"0"))
        if not found or len(rest) < size:
            return
        self._received = rest[size:]
        answer = b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % size
        self._transport.write(answer + rest[:size])


def _serve(port: Pipe) -> None:
    async def run() -> None:
        server = await asyncio.get_running_loop().create_server(_Echo, "127.0.0.1", 0)
        port.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


async def _measure(port: int, requests: int) -> float:
    document = {
        "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{port}"}}],
        "users": [{"name": "c", "user": {"token": "t"}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
    }
    cluster = Cluster.connect(yaml.safe_dump(document), None)

    async def create(number: int) -> None:
        metadata = {"name": "pull", "namespace": f"n{number}", "labels": {"a": "b"}}
        await cluster.create(SECRET, {"metadata": metadata, "data": _DATA, "type": "kubernetes.io/dockerconfigjson"})

    start = time.process_time()
    await for_each(range(requests), create)
    seconds = time.process_time() - start
    await cluster.close()
    return 1000 * seconds / requests


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=3000, help="how many (default: %(default)s)")
    options = parser.parse_args(arguments)
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.Process(target=_serve, args=(theirs,), daemon=True)
    server.start()
    try:
        milliseconds = asyncio.run(_measure(ours.recv(), options.requests))
    finally:
        server.terminate()
        server.join()
    print(f"{milliseconds:.2f} ms of processor time for each request")
    return 0


if __name__ == "__main__":
    sys.exit(main())
