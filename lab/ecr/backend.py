"""docker-registry, the real registry behind a front, as a child process that never outlives this one."""

import base64
import ctypes
import http.client
import json
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import bcrypt

from lab.debian import find
from lab.ecr.config import RegistryConfig
from lab.errors import LabError
from lab.pki import write_private

__all__ = ["Backend"]

_USER = "front"
_PR_SET_PDEATHSIG = 1


class Backend:
    """A docker-registry with one user, whose password is new at each start and known to nobody else.

    Args:
        registry: which one.
        folder: for its configuration and its log.

    Raises:
        LabError: docker-registry is not installed.
    """

    def __init__(self, registry: RegistryConfig, folder: Path) -> None:
        program = find("docker-registry")
        if program is None:
            raise LabError("docker-registry is not installed", hint="apt-get install docker-registry")
        folder.mkdir(parents=True, exist_ok=True)
        registry.storage.mkdir(parents=True, exist_ok=True)
        self._registry = registry
        self._log = folder / "docker-registry.log"
        password = secrets.token_urlsafe(32)
        self.authorization = "Basic " + base64.b64encode(f"{_USER}:{password}".encode()).decode()
        # The least cost that bcrypt has: each request pays it, and nobody guesses 32 random bytes.
        hashed = bcrypt.hashpw(password.encode(), bcrypt.gensalt(rounds=4)).decode()
        write_private(folder / "htpasswd", f"{_USER}:{hashed}\n")
        config = folder / "config.yml"
        write_private(config, json.dumps(_make_configuration(registry, folder / "htpasswd")))
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [program, "serve", config],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "OTEL_TRACES_EXPORTER": "none"},
                preexec_fn=_die_with_parent(),
            )

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def answers(self) -> bool:
        """Whether it takes requests.

        Raises:
            LabError: it has ended.
        """
        self.check()
        connection = http.client.HTTPConnection("127.0.0.1", self._registry.backend_port, timeout=5)
        try:
            connection.request("GET", "/v2/", headers={"Authorization": self.authorization})
            return connection.getresponse().status == http.client.OK
        except OSError:
            return False
        finally:
            connection.close()

    def check(self) -> None:
        """Nothing while it runs.

        Raises:
            LabError: it has ended.
        """
        if self._process.poll() is not None:
            raise LabError(
                f"docker-registry of {self._registry.host} ended with status {self._process.returncode}", log=self._log
            )

    def stop(self) -> None:
        """End it: SIGTERM, and SIGKILL after five seconds."""
        self._process.terminate()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _make_configuration(registry: RegistryConfig, htpasswd: Path) -> dict[str, object]:
    return {
        "version": 0.1,
        "log": {"level": "info", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(registry.storage)}, "delete": {"enabled": True}},
        # Relative addresses of uploads are right for every name and port by which a client came in.
        "http": {
            "addr": f"127.0.0.1:{registry.backend_port}",
            "relativeurls": True,
            "secret": secrets.token_urlsafe(32),
        },
        "auth": {"htpasswd": {"realm": registry.host, "path": str(htpasswd)}},
    }


def _die_with_parent() -> Callable[[], None] | None:
    """What a child does before it becomes its program, so that it ends even when this process is killed; Linux only.

    The signal comes when the *thread* that started the child ends (prctl(2)): start children from the main thread.
    """
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    parent = os.getpid()

    def prepare() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    return prepare
