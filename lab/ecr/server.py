"""The whole process: registries behind their fronts, the API, the control interface."""

import dataclasses
import signal
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from lab.ecr import journal
from lab.ecr.api import EcrApi
from lab.ecr.backend import Backend
from lab.ecr.config import EcrConfig, RegistryConfig
from lab.ecr.control import Control
from lab.ecr.faults import FaultSwitch
from lab.ecr.front import RegistryFront
from lab.ecr.journal import Journal
from lab.ecr.tokens import Token, TokenStore
from lab.ecr.wsgi import Application, Server
from lab.errors import LabError
from lab.pki import read_public_key
from lab.processes import wait_until

__all__ = ["serve"]

_START_SECONDS = 30.0


def serve(config: EcrConfig) -> None:
    """Serve until SIGTERM or SIGINT; to be called from the main thread. Nothing is left running, however it ends.

    Raises:
        LabError: a registry does not start, or ended while it was needed.
    """
    stop = threading.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: stop.set())
    config.state.mkdir(parents=True, exist_ok=True, mode=0o700)
    config.ready.unlink(missing_ok=True)
    with ExitStack() as stack:
        # Before any thread: the registries' end hangs on the thread that starts them, and fork wants no other thread.
        backends = [_start(stack, config, registry) for registry in config.registries]
        tokens = _open_token_store(stack, config)
        faults = FaultSwitch()
        key = None if config.web_identity_key is None else read_public_key(config.web_identity_key)
        api = EcrApi(tokens, faults, web_identity_key=key)
        log = Journal(config.access_log)
        stack.callback(log.close)
        control = Control(config.control_token, api=api, tokens=tokens, faults=faults)
        applications: list[tuple[int, Application]] = [(config.api_port, api), (config.control_port, control)]
        for registry, backend in zip(config.registries, backends, strict=True):
            applications.append((registry.port, RegistryFront(registry, backend.authorization, tokens, log)))
        for port, application in applications:
            server = Server(port, application)
            stack.callback(server.stop)
            server.start()
        if not wait_until(lambda: stop.is_set() or all(b.answers() for b in backends), timeout=_START_SECONDS):
            raise LabError(f"the registries did not answer within {_START_SECONDS:.0f} seconds")
        with _announce(config):
            while not stop.wait(1.0):
                for backend in backends:
                    backend.check()


def _start(stack: ExitStack, config: EcrConfig, registry: RegistryConfig) -> Backend:
    backend = Backend(registry, config.state / "registries" / registry.host)
    stack.callback(backend.stop)
    return backend


def _open_token_store(stack: ExitStack, config: EcrConfig) -> TokenStore:
    known = [Token(**record) for record in journal.read_records(config.tokens)]
    file = Journal(config.tokens)
    stack.callback(file.close)
    return TokenStore(
        known, lifetime=config.token_lifetime, record=lambda token: file.append(dataclasses.asdict(token))
    )


@contextmanager
def _announce(config: EcrConfig) -> Iterator[None]:
    config.ready.touch()
    try:
        yield
    finally:
        config.ready.unlink(missing_ok=True)
