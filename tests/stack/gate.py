"""A way to the API server that can be shut: what a client sees of a network, or an API server, that goes away."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml


class Gate:
    """Passes bytes on to an address until it is shut; then every connection, also an open one, is refused.

    Args:
        target: host and port to pass on to.
        shut_after: bytes from the client after which it shuts by itself; None is never.
    """

    def __init__(self, target: tuple[str, int], *, shut_after: int | None = None) -> None:
        self._target = target
        self._left = shut_after
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.is_shut = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    def shut(self) -> None:
        """Close everything. What was under way is lost."""
        self.is_shut.set()
        with self._lock:
            for one in (self._listener, *self._open):
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
                one.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while not self.is_shut.is_set():
                client, _ = self._listener.accept()
                server = socket.create_connection(self._target)
                with self._lock:
                    self._open += [client, server]
                threading.Thread(target=self._pass, args=(client, server, True), daemon=True).start()
                threading.Thread(target=self._pass, args=(server, client, False), daemon=True).start()

    def _pass(self, source: socket.socket, target: socket.socket, counted: bool) -> None:
        with suppress(OSError):
            while data := source.recv(1 << 16):
                if counted and self._spent(len(data)):
                    self.shut()
                    return
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def _spent(self, size: int) -> bool:
        with self._lock:
            if self._left is None:
                return False
            self._left -= size
            return self._left < 0


@contextmanager
def gate_to(kubeconfig: Path, folder: Path, *, shut_after: int | None = None) -> Iterator[tuple[Gate, Path]]:
    """A gate to the API server of a kubeconfig, and a kubeconfig that goes through it."""
    document: dict[str, Any] = yaml.safe_load(kubeconfig.read_text())
    cluster = document["clusters"][0]["cluster"]
    server = urlsplit(cluster["server"])
    assert server.hostname is not None
    assert server.port is not None
    gate = Gate((server.hostname, server.port), shut_after=shut_after)
    cluster["server"] = f"https://127.0.0.1:{gate.port}"
    through = folder / f"kubeconfig-{gate.port}"
    through.write_text(yaml.safe_dump(document))
    try:
        yield gate, through
    finally:
        gate.shut()
