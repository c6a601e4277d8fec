"""The plugin as a process: what it prints, and how it ends."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from lab.layout import CHECKOUT
from lab.processes import Process, read_start_mark, wait_until
from provider import lifetime

# What a shell starts in the background ignores SIGINT, and so would everything below it.
START = """\
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)
from provider import main
main()
"""


@pytest.fixture
def engine() -> Iterator[socket.socket]:
    """Something that listens where an engine would."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def address_of(engine: socket.socket) -> str:
    return f"127.0.0.1:{engine.getsockname()[1]}"


def start(*command: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def read_port(process: "subprocess.Popen[str]") -> int:
    assert process.stdout is not None
    return int(process.stdout.readline())


def test_interrupted_plugin_ends_without_a_word(engine: socket.socket) -> None:
    """Else the CLI shows the traceback of a server whose event loop is closed."""
    with start(sys.executable, "-c", START, address_of(engine)) as plugin:
        assert read_port(plugin) > 0
        plugin.send_signal(signal.SIGINT)
        _, errors = plugin.communicate(timeout=60)

    assert errors == ""
    assert plugin.returncode == 0


def test_the_plugin_ends_with_its_engine_though_its_parent_lives(engine: socket.socket) -> None:
    with start(sys.executable, "-c", START, address_of(engine)) as plugin:
        assert read_port(plugin) > 0
        connection, _ = engine.accept()  # it has looked after its engine
        connection.close()
        engine.close()
        _, errors = plugin.communicate(timeout=60)

    assert errors == ""
    assert plugin.returncode == 0


def test_the_plugin_ends_with_its_parent_though_its_engine_lives(engine: socket.socket) -> None:
    script = '"$0" -c "$1" "$2" & echo $!; wait'
    with start("sh", "-c", script, sys.executable, START, address_of(engine)) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        plugin = Process(name="plugin", pid=pid, started=read_start_mark(pid) or "")
        assert read_port(parent) > 0
        parent.kill()
        try:
            assert wait_until(lambda: not plugin.alive, timeout=60)
        finally:
            plugin.stop()


def test_an_engine_is_gone_when_it_refuses_twice_in_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    answers = [False, True, None, False, None, False, True, False, False]

    async def connect(address: str) -> bool | None:
        return answers.pop(0)

    monkeypatch.setattr(lifetime, "_connect", connect)
    monkeypatch.setattr(lifetime, "_PAUSE", 0)
    asyncio.run(lifetime.wait_until_orphaned(os.getppid(), "127.0.0.1:1"))

    assert answers == []
