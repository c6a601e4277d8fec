"""What proves to the API server who we are: a token, a token file, a password, a certificate, or an exec plugin's."""

import asyncio
import base64
import json
import os
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from imagepull.errors import ClusterUnreachable
from imagepull.kubernetes.connection import ExecPlugin, UserEntry

__all__ = ["Credentials", "Proof"]

_EXEC_SECONDS: Final = 60.0
"""How long an exec plugin may take: it may have to ask a cloud's API, but a prompt that nobody sees waits forever."""
_EXEC_BYTES: Final = 1 << 20
_CLOSE_SECONDS: Final = 2.0
_FILE_SECONDS: Final = 60.0
"""Age at which a token file is read again; the kubelet rotates a Pod's token (client-go transport/token_source.go)."""
_MARGIN_SECONDS: Final = 10.0


@dataclass(frozen=True, kw_only=True)
class Proof:
    """`authorization`: the header's value; `certificate` and `key`: PEM. None where there is none."""

    authorization: str | None = field(default=None, repr=False)
    certificate: str | None = field(default=None, repr=False)
    key: str | None = field(default=None, repr=False)


class Credentials:
    """The proof of one user, kept while it is valid. Methods raise ClusterUnreachable if it cannot be had.

    Args:
        user: The kubeconfig's user.
        seconds: How long an exec plugin may take.
    """

    def __init__(self, user: UserEntry, seconds: float = _EXEC_SECONDS) -> None:
        self._user = user
        self._seconds = seconds
        self._proof: Proof | None = None
        self._valid_until = 0.0
        self._lock = asyncio.Lock()

    async def get(self) -> Proof:
        """The proof, made or read when there is none that is valid."""
        async with self._lock:
            if self._proof is None or time.time() >= self._valid_until:
                self._proof, self._valid_until = await self._make()
            return self._proof

    async def replace(self, rejected: Proof) -> bool:
        """Drops a proof that the API server did not accept; False when a new one would be the same."""
        async with self._lock:
            if self._user.token_file is None and self._user.exec is None:
                return False
            if self._proof is rejected:
                self._proof = None
            return True

    async def _make(self) -> tuple[Proof, float]:
        """A proof, and until when (seconds since the epoch) it may be used."""
        user = self._user
        certificate, key = user.certificate, user.key
        if user.token_file is not None:
            try:
                token = user.token_file.read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                reason = getattr(error, "strerror", None) or "it is no text"
                raise ClusterUnreachable(
                    f"kubeconfig: the token file {user.token_file} cannot be read ({reason}); correct tokenFile"
                ) from None
            header = _make_bearer(token, f"the token file {user.token_file}")
            return Proof(authorization=header, certificate=certificate, key=key), time.time() + _FILE_SECONDS
        if user.token is not None:
            header = _make_bearer(user.token, "the user's token")
            return Proof(authorization=header, certificate=certificate, key=key), float("inf")
        if user.exec is not None:
            return _read_answer(user.exec, await _run(user.exec, self._seconds), certificate, key)
        if user.username is not None:
            pair = base64.b64encode(f"{user.username}:{user.password}".encode()).decode()
            return Proof(authorization=f"Basic {pair}", certificate=certificate, key=key), float("inf")
        return Proof(certificate=certificate, key=key), float("inf")


async def _run(plugin: ExecPlugin, seconds: float) -> bytes:
    """What the command prints. Its stderr goes nowhere: it may hold a credential, and so might a log of ours then."""
    spec: dict[str, object] = {"interactive": False}
    if plugin.cluster_info is not None:
        spec["cluster"] = plugin.cluster_info
    # kubernetes/client-go plugin/pkg/client/auth/exec/exec.go
    info = {"apiVersion": plugin.api_version, "kind": "ExecCredential", "spec": spec}
    try:
        process = await asyncio.create_subprocess_exec(
            plugin.command,
            *plugin.args,
            env={**os.environ, **plugin.env, "KUBERNETES_EXEC_INFO": json.dumps(info)},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
    except FileNotFoundError:
        hint = f" ({plugin.install_hint.splitlines()[0]})" if plugin.install_hint else ""
        raise ClusterUnreachable(
            f"kubeconfig: the command {plugin.command} is not installed; install it{hint}, or correct the user's exec"
        ) from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "it holds a character that a command cannot"
        raise ClusterUnreachable(
            f"kubeconfig: the user's command cannot be run ({reason}); correct the user's exec"
        ) from None
    assert process.stdout is not None
    done = False
    try:
        async with asyncio.timeout(seconds):
            printed = await _read_bounded(process.stdout)
            if len(printed) > _EXEC_BYTES:
                raise _explain_no_credential(plugin)
            code = await process.wait()
            done = True
    except TimeoutError:
        raise ClusterUnreachable(
            f"kubeconfig: the command {plugin.command} did not end within {seconds:.0f} seconds; run it by hand"
        ) from None
    finally:
        if not done:
            # With its children: a wrapper script's child would live on.
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            # Reads what is left, and with that closes the pipe; a child that fled its session may hold it open.
            with suppress(TimeoutError):
                async with asyncio.timeout(_CLOSE_SECONDS):
                    await process.communicate()
    if code != 0:
        raise ClusterUnreachable(
            f"kubeconfig: the command {plugin.command} failed with exit code {code}; run it by hand to see why"
        )
    return printed


async def _read_bounded(stream: asyncio.StreamReader) -> bytes:
    """All of it, or as much as no ExecCredential has."""
    printed = b""
    while len(printed) <= _EXEC_BYTES and (chunk := await stream.read(1 << 16)):
        printed += chunk
    return printed


def _read_answer(plugin: ExecPlugin, printed: bytes, certificate: str | None, key: str | None) -> tuple[Proof, float]:
    """The proof in an ExecCredential; one without an expiry is used until the API server refuses it."""
    try:
        status = json.loads(printed)["status"]
        token = status.get("token")
        certificate = status.get("clientCertificateData") or certificate
        key = status.get("clientKeyData") or key
        expires = status.get("expirationTimestamp")
        until = float("inf") if expires is None else datetime.fromisoformat(expires).timestamp() - _MARGIN_SECONDS
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise _explain_no_credential(plugin) from None
    if not all(one is None or isinstance(one, str) for one in (token, certificate, key)) or not (token or certificate):
        raise _explain_no_credential(plugin)
    header = _make_bearer(token, f"the token that {plugin.command} printed") if token else None
    return Proof(authorization=header, certificate=certificate, key=key), until


def _explain_no_credential(plugin: ExecPlugin) -> ClusterUnreachable:
    return ClusterUnreachable(
        f"kubeconfig: the command {plugin.command} printed no ExecCredential with a token or certificate; "
        "run it by hand to see what it prints"
    )


def _make_bearer(token: str, what: str) -> str:
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise ClusterUnreachable(f"kubeconfig: {what} is empty or holds a character that a token cannot; correct it")
    return f"Bearer {token}"
