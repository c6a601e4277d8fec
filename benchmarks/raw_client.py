"""The floor: the fewest instructions with which Python can write N objects to an API server.

HTTP/1.1 by hand on asyncio streams, 32 connections, every request built beforehand, answers read but not parsed. It
retries nothing, reports nothing and merges nothing; nobody should use it for anything else.
"""

import asyncio
import json
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

__all__ = ["Request", "apply", "default_account", "merge", "namespace", "secret", "send", "service_account"]

CONNECTIONS = 32


@dataclass(frozen=True, kw_only=True)
class Request:
    """A PATCH.

    Attributes:
        path: with its query.
        content_type: which kind of patch.
        body: JSON.
    """

    path: str
    content_type: str
    body: bytes


def namespace(name: str) -> Request:
    """Server-side apply of a namespace."""
    return apply(f"/api/v1/namespaces/{name}", {"kind": "Namespace", "metadata": {"name": name}})


def default_account(namespace: str) -> Request:
    """Server-side apply of the `default` ServiceAccount, which the cluster's controller makes in time."""
    document = {"kind": "ServiceAccount", "metadata": {"name": "default", "namespace": namespace}}
    return apply(f"/api/v1/namespaces/{namespace}/serviceaccounts/default", document)


def secret(namespace: str, name: str, config: str) -> Request:
    """Server-side apply of a pull Secret."""
    document = {
        "kind": "Secret",
        "type": "kubernetes.io/dockerconfigjson",
        "metadata": {"name": name, "namespace": namespace},
        "stringData": {".dockerconfigjson": config},
    }
    return apply(f"/api/v1/namespaces/{namespace}/secrets/{name}", document)


def merge(path: str, document: Mapping[str, Any]) -> Request:
    """Merge patch of an object."""
    return Request(
        path=f"{path}?fieldManager=floor",
        content_type="application/merge-patch+json",
        body=json.dumps(document).encode(),
    )


def service_account(namespace: str, secret_name: str) -> Request:
    """Merge patch of the `default` ServiceAccount's list (which wipes what was there: it is only the floor)."""
    path = f"/api/v1/namespaces/{namespace}/serviceaccounts/default"
    return merge(path, {"imagePullSecrets": [{"name": secret_name}]})


def apply(path: str, document: Mapping[str, Any]) -> Request:
    """Server-side apply of an object; `apiVersion` is v1 where it has none."""
    return Request(
        path=f"{path}?fieldManager=floor&force=true",
        content_type="application/apply-patch+yaml",
        body=json.dumps({"apiVersion": "v1", **document}).encode(),
    )


def send(kubeconfig: Path, requests: Iterable[Request]) -> None:
    """Send all requests; raises RuntimeError at the first that is refused."""
    asyncio.run(_send(yaml.safe_load(kubeconfig.read_text()), requests))


async def _send(told: dict[str, Any], requests: Iterable[Request]) -> None:
    cluster, user = told["clusters"][0]["cluster"], told["users"][0]["user"]
    address = urlsplit(cluster["server"])
    context = ssl.create_default_context(cafile=cluster["certificate-authority"])
    waiting = iter(requests)

    async def worker() -> None:
        reader, writer = await asyncio.open_connection(address.hostname, address.port, ssl=context)
        for request in waiting:
            head = (
                f"PATCH {request.path} HTTP/1.1\r\nHost: {address.netloc}\r\nAuthorization: Bearer {user['token']}\r\n"
                f"Content-Type: {request.content_type}\r\nContent-Length: {len(request.body)}\r\n\r\n"
            )
            writer.write(head.encode() + request.body)
            answer = await reader.readuntil(b"\r\n\r\n")
            if not answer.startswith(b"HTTP/1.1 20"):
                raise RuntimeError(f"{request.path}: {answer.splitlines()[0].decode()}")
            fields = dict(line.split(b": ", 1) for line in answer.lower().splitlines()[1:] if b": " in line)
            await _read_body(reader, fields)
        writer.close()

    async with asyncio.TaskGroup() as tasks:
        for _ in range(CONNECTIONS):
            tasks.create_task(worker())


async def _read_body(reader: asyncio.StreamReader, fields: dict[bytes, bytes]) -> None:
    if b"content-length" in fields:
        await reader.readexactly(int(fields[b"content-length"]))
        return
    while size := int(await reader.readline(), 16):
        await reader.readexactly(size + 2)
    await reader.readline()
