"""Files over HTTP on loopback, as a release's assets are served."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

__all__ = ["serve", "serve_files"]


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Nothing: the test's output is for the test."""


@contextmanager
def serve(server: ThreadingHTTPServer) -> Iterator[int]:
    """The server, serving until the end of the block; its port."""
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def serve_files(folder: Path) -> Iterator[str]:
    """The URL of a server of the files in `folder`."""
    with serve(ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))) as port:
        yield f"http://127.0.0.1:{port}"
