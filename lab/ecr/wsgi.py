"""Serving WSGI applications on loopback ports."""

import threading
from collections.abc import Callable, Iterable
from typing import Any, TypeAlias

from moto.moto_server.werkzeug_app import MotoRequestHandler
from werkzeug.serving import make_server

__all__ = ["Application", "Environ", "Server", "StartResponse"]

Environ: TypeAlias = dict[str, Any]
StartResponse: TypeAlias = Callable[..., Any]
Application: TypeAlias = Callable[[Environ, StartResponse], Iterable[bytes]]

_POLL_SECONDS = 0.05


class _Handler(MotoRequestHandler):
    """Leaves the log of requests to the applications, and closes a connection that got no answer."""

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass

    def log_error(self, format: str, *args: object) -> None:
        # What is not HTTP: clients that may use either try TLS first.
        pass

    def connection_dropped(self, error: BaseException, environ: Environ | None = None) -> None:
        # Without this the server would wait for another request on it, and the client for the answer.
        self.close_connection = True


class Server:
    """An application on 127.0.0.1, a thread per connection. The port is taken at once; `start` begins to answer."""

    def __init__(self, port: int, application: Application) -> None:
        self._server = make_server("127.0.0.1", port, application, threaded=True, request_handler=_Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(_POLL_SECONDS,), daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Stop to answer, and free the port."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()
