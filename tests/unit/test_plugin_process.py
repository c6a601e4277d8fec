"""The plugin as a process: what it prints, and how it ends."""

import signal
import subprocess
import sys

from lab.layout import CHECKOUT


def test_interrupted_plugin_ends_without_a_word() -> None:
    """Else the CLI shows the traceback of a server whose event loop is closed."""
    command = [sys.executable, "-c", "from provider import main; main()", "127.0.0.1:1"]
    with subprocess.Popen(
        command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as plugin:
        assert plugin.stdout is not None
        assert int(plugin.stdout.readline()) > 0
        plugin.send_signal(signal.SIGINT)
        _, errors = plugin.communicate(timeout=60)

    assert errors == ""
    assert plugin.returncode == 0
