"""Headless Chromium, spoken to in its own protocol over two pipes: as much of it as the tests of the page need.

Protocol: https://chromedevtools.github.io/devtools-protocol/; `--remote-debugging-pipe` reads commands from file
descriptor 3 and writes answers and events to 4, each a JSON object with a null byte after it.
"""

import base64
import json
import os
import select
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import F_DUPFD_CLOEXEC, fcntl
from pathlib import Path
from typing import Any, Final

from lab.debian import find

__all__ = ["Browser", "Page", "browser", "missing_browser"]

PROGRAM: Final = "chromium"
_TIMEOUT: Final = 60.0
_FLAGS: Final = (
    "--headless",
    "--no-sandbox",  # the tests may run as root, and open only what they wrote
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)


def missing_browser() -> str | None:
    """What is missing to run the browser; None when nothing is."""
    return None if find(PROGRAM) else "Chromium is missing: apt-get install --no-install-recommends chromium"


@contextmanager
def browser() -> Iterator["Browser"]:
    """A browser with a profile of its own; it has ended, and its files are gone, when the block is left."""
    with tempfile.TemporaryDirectory(prefix="imagepull-chromium-", ignore_cleanup_errors=True) as profile:
        one = Browser.start(Path(profile))
        try:
            yield one
        finally:
            one.stop()


class Browser:
    """A running browser."""

    def __init__(self, pid: int, commands: int, answers: int) -> None:
        self._pid, self._commands, self._answers = pid, commands, answers
        self._number = 0
        self._unread = b""
        self.events: list[dict[str, Any]] = []

    @classmethod
    def start(cls, profile: Path) -> "Browser":
        """Start the program, in a process group of its own."""
        theirs_in, ours_out = (_out_of_the_way(each) for each in os.pipe())
        ours_in, theirs_out = (_out_of_the_way(each) for each in os.pipe())
        program = str(find(PROGRAM))
        silent = (os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)
        pipes = [(os.POSIX_SPAWN_DUP2, theirs_in, 3), (os.POSIX_SPAWN_DUP2, theirs_out, 4)]
        command = [program, *_FLAGS, f"--user-data-dir={profile}", "about:blank"]
        environment = {**os.environ, "HOME": str(profile)}
        pid = os.posix_spawn(program, command, environment, file_actions=[silent, *pipes], setpgroup=0)
        os.close(theirs_in)
        os.close(theirs_out)
        return cls(pid, ours_out, ours_in)

    def stop(self) -> None:
        """End it and everything that it started."""
        os.close(self._commands)
        os.close(self._answers)
        os.killpg(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)

    @contextmanager
    def page(self, *, dark: bool = False, width: int = 1440, height: int = 1000) -> Iterator["Page"]:
        """A tab of its own, closed when the block is left."""
        target = self.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        session = self.call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        one = Page(self, session)
        for domain in ("Page", "Runtime", "Network", "Log"):
            one.call(f"{domain}.enable")
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        one.call("Emulation.setEmulatedMedia", {"features": [scheme]})
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        one.call("Emulation.setDeviceMetricsOverride", size)
        yield one
        self.call("Target.closeTarget", {"targetId": target})

    def call(self, method: str, params: dict[str, Any] | None = None, session: str | None = None) -> dict[str, Any]:
        """The result of a command; events that come meanwhile are kept."""
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": params or {}}
        if session:
            message["sessionId"] = session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.next_message()
            if answer.get("id") == self._number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                result: dict[str, Any] = answer["result"]
                return result
            self.events.append(answer)

    def next_message(self) -> dict[str, Any]:
        """The next answer or event."""
        deadline = time.monotonic() + _TIMEOUT
        while b"\0" not in self._unread:
            ready, _, _ = select.select([self._answers], [], [], max(deadline - time.monotonic(), 0))
            part = os.read(self._answers, 1 << 20) if ready else b""
            assert part, "the browser has ended" if ready else "the browser does not answer"
            self._unread += part
        message, _, self._unread = self._unread.partition(b"\0")
        found: dict[str, Any] = json.loads(message)
        return found


class Page:
    """A tab."""

    def __init__(self, owner: Browser, session: str) -> None:
        self._owner, self._session = owner, session

    def call(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """The result of a command to this tab."""
        return self._owner.call(method, params, self._session)

    def open(self, place: Path | str) -> None:
        """Load a file from disk or a URL, and wait until it is loaded."""
        self.call("Page.navigate", {"url": place.as_uri() if isinstance(place, Path) else place})
        while not self._said("Page.loadEventFired"):
            self._owner.events.append(self._owner.next_message())

    def run(self, script: str) -> Any:
        """The value of an expression in the page, awaited if it is a promise."""
        wanted = {"expression": script, "awaitPromise": True, "returnByValue": True, "userGesture": True}
        answer = self.call("Runtime.evaluate", wanted)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def press(self, key: str) -> None:
        """Press and release a key that types nothing, as `Tab`; or `Enter`."""
        codes = {"Tab": 9, "Enter": 13, "Space": 32}
        text = {"Enter": "\r", "Space": " "}.get(key)
        common = {"key": " " if key == "Space" else key, "code": key, "windowsVirtualKeyCode": codes[key]}
        self.call("Input.dispatchKeyEvent", {"type": "keyDown", **common, **({"text": text} if text else {})})
        self.call("Input.dispatchKeyEvent", {"type": "keyUp", **common})

    def type(self, text: str) -> None:
        """Type into what has the focus."""
        self.call("Input.insertText", {"text": text})

    def screenshot(self, file: Path) -> None:
        """The whole page as a PNG."""
        data = self.call("Page.captureScreenshot", {"captureBeyondViewport": True, "format": "png"})["data"]
        file.write_bytes(base64.b64decode(data))

    def pdf(self) -> bytes:
        """The page as it would be printed."""
        return base64.b64decode(
            self.call("Page.printToPDF", {"preferCSSPageSize": True, "printBackground": True})["data"]
        )

    @property
    def requests(self) -> list[str]:
        """URLs that the page asked for."""
        return [event["params"]["request"]["url"] for event in self._said("Network.requestWillBeSent")]

    @property
    def complaints(self) -> list[str]:
        """Errors, warnings and broken rules of its Content-Security-Policy that the page gave rise to."""
        thrown = [json.dumps(event["params"]["exceptionDetails"]) for event in self._said("Runtime.exceptionThrown")]
        logged = [event["params"]["entry"]["text"] for event in self._said("Log.entryAdded")]
        written = [json.dumps(event["params"]["args"]) for event in self._said("Runtime.consoleAPICalled")]
        return [*thrown, *logged, *written]

    def _said(self, method: str) -> list[dict[str, Any]]:
        return [
            event
            for event in self._owner.events
            if (event.get("method"), event.get("sessionId")) == (method, self._session)
        ]


def _out_of_the_way(descriptor: int) -> int:
    """The same pipe under a number that the program's 3 and 4 cannot be."""
    moved = fcntl(descriptor, F_DUPFD_CLOEXEC, 10)
    os.close(descriptor)
    return moved
