"""What was asked of the registries: proof of who pulled what, when, with which token.

A pod with `Always` asks for its manifest at each start, one with `IfNotPresent` only when the image is not cached, one
with `Never` not at all: `find_manifest_requests` says which of these happened.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from lab.ecr import journal

__all__ = ["Access", "find_manifest_requests", "parse", "read"]


@dataclass(frozen=True, kw_only=True)
class Access:
    """One request to a registry.

    Args:
        time: when it came in.
        host: the registry's host, as images name it.
        method: HTTP method.
        path: path without the query.
        status: HTTP status of the answer.
        user_agent: the client's name for itself.
        credential: fingerprint of the ECR token (see `lab.ecr.tokens.fingerprint`); None without one of ours.
    """

    time: datetime
    host: str
    method: str
    path: str
    status: int
    user_agent: str | None
    credential: str | None

    def record(self) -> dict[str, object]:
        """As it is in the log: the time is ISO 8601 with milliseconds."""
        return vars(self) | {"time": self.time.isoformat(timespec="milliseconds")}


def parse(record: dict[str, Any]) -> Access:
    """The other way round than `Access.record`."""
    return Access(**record | {"time": datetime.fromisoformat(record["time"])})


def read(path: Path) -> list[Access]:
    """Every request so far, oldest first; a request is in the log before its answer is on its way."""
    return [parse(record) for record in journal.read_records(path)]


def find_manifest_requests(
    accesses: Iterable[Access], repository: str, *references: str, host: str | None = None, client: str = ""
) -> list[Access]:
    """The requests that ask for a manifest (GET and HEAD) of `repository`, whatever their answer.

    Args:
        accesses: out of `read`.
        repository: such as `shop/web`.
        references: tags or digests (`sha256:...`) to look for; every one when none is given.
        host: only in this registry.
        client: only from clients whose user agent begins so, such as `containerd`.
    """
    prefix = f"/v2/{repository}/manifests/"
    return [
        access
        for access in accesses
        if access.method in ("GET", "HEAD")
        and access.path.startswith(prefix)
        and (not references or access.path.removeprefix(prefix) in references)
        and host in (None, access.host)
        and (access.user_agent or "").startswith(client)
    ]
