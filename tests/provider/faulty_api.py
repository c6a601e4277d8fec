"""An API server that fails on demand, in ways the real one cannot be made to: it holds objects, and answers as told."""

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import yaml

_PATH = re.compile(
    r"/api/v1/(?:namespaces/(?P<namespace>[^/]+)/)?(?P<kind>secrets|serviceaccounts|pods)(?:/(?P<name>[^/]+))?"
)


@dataclass(frozen=True, kw_only=True)
class Fault:
    """An answer in place of the true one. `seconds`: before it; `status` None closes the connection without one."""

    status: int | None
    reason: str = "Fault"
    seconds: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(kw_only=True)
class FaultyApi:
    """The objects by (kind, namespace, name), the requests that came with their headers, and what is to go wrong.

    Attributes:
        fault: Is asked at each request (method, path); None for the true answer.
    """

    objects: dict[tuple[str, str, str], dict[str, Any]] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    headers: list[Message] = field(default_factory=list)
    fault: Callable[[str, str], Fault | None] = lambda method, path: None
    cluster_uid: str = "the-cluster"
    most_at_once: int = 0
    _at_once: int = 0
    _versions: Iterator[int] = field(default_factory=lambda: count(1))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def answer(self, method: str, url: str, body: Any) -> tuple[int, Any, dict[str, str]] | None:
        """Status, document and headers; None closes the connection."""
        with self._lock:
            self.requests.append((method, url))
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            fault = self.fault(method, url)
        try:
            if fault is not None:
                time.sleep(fault.seconds)
                if fault.status is None:
                    return None
                return (*_refused(fault.status, fault.reason), fault.headers)
            with self._lock:
                return (*self._true_answer(method, url, body), {})
        finally:
            with self._lock:
                self._at_once -= 1

    def _true_answer(self, method: str, url: str, body: Any) -> tuple[int, Any]:
        parts = urlsplit(url)
        if parts.path == "/readyz":
            return 200, {}
        if parts.path == "/api/v1/namespaces/kube-system":
            return 200, {"kind": "Namespace", "metadata": {"name": "kube-system", "uid": self.cluster_uid}}
        match = _PATH.fullmatch(parts.path)
        assert match is not None, url
        kind, namespace, name = match["kind"], match["namespace"], match["name"]
        if method == "POST":
            key = (kind, namespace, body["metadata"]["name"])
            if key in self.objects:
                return _refused(409, "AlreadyExists")
            return 201, self._stored(
                key, {**body, "metadata": {**body["metadata"], "uid": f"uid-{next(self._versions)}"}}
            )
        if name is None:
            selector = parse_qs(parts.query).get("fieldSelector", [""])[0]
            wanted = selector.partition("=")[2]
            items = [
                found
                for (one, place, called), found in self.objects.items()
                if one == kind and namespace in (None, place) and wanted in ("", called)
            ]
            query = parse_qs(parts.query)
            start, size = (
                int(query.get(key, [default])[0]) for key, default in (("continue", "0"), ("limit", "9999999"))
            )
            more = {"continue": str(start + size)} if start + size < len(items) else {}
            chunk = items[start : start + size]
            return 200, {"kind": "List", "metadata": {"resourceVersion": "1", **more}, "items": chunk}
        key = (kind, namespace, name)
        if key not in self.objects:
            return _refused(404, "NotFound")
        if method == "DELETE":
            wanted = (body or {}).get("preconditions", {})
            if any(self.objects[key]["metadata"].get(one) != value for one, value in wanted.items()):
                return _refused(409, "Conflict")
            del self.objects[key]
            return 200, {"kind": "Status", "status": "Success"}
        if method == "PATCH":
            version = body["metadata"].get("resourceVersion")
            if version != self.objects[key]["metadata"]["resourceVersion"]:
                return _refused(409, "Conflict")
            return 200, self._stored(key, _merged(self.objects[key], body))
        return 200, self.objects[key]

    def _stored(self, key: tuple[str, str, str], document: dict[str, Any]) -> dict[str, Any]:
        version = str(next(self._versions))
        self.objects[key] = {**document, "metadata": {**document["metadata"], "resourceVersion": version}}
        return self.objects[key]


@contextmanager
def served(api: FaultyApi, folder: Path) -> Iterator[Path]:
    """Serves it; yields a kubeconfig for it."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _serve(self) -> None:
            size = int(self.headers.get("Content-Length", "0"))
            body = json.loads(self.rfile.read(size)) if size else None
            api.headers.append(self.headers)
            answer = api.answer(self.command, self.path, body)
            if answer is None:
                self.close_connection = True
                return
            status, document, headers = answer
            data = json.dumps(document).encode()
            self.send_response(status)
            for name, value in {
                "Content-Type": "application/json",
                "Content-Length": str(len(data)),
                **headers,
            }.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = do_DELETE = _serve

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128  # a client opens 32 connections at once

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    path = folder / "faulty.kubeconfig"
    document = {
        "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
        "users": [{"name": "c", "user": {"token": "t"}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "c"}}],
    }
    path.write_text(yaml.safe_dump(document))
    try:
        yield path
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _refused(status: int, reason: str) -> tuple[int, Any]:
    return status, {"kind": "Status", "status": "Failure", "reason": reason, "message": reason, "code": status}


def _merged(current: Any, patch: Any) -> Any:
    """JSON merge patch, RFC 7396."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(current) if isinstance(current, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = _merged(merged.get(key), value)
    return merged
