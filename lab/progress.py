"""What the lab says while it works: one line a step, and a sign of life in every long one."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["SIGN_OF_LIFE", "Step", "say", "step"]

SIGN_OF_LIFE = 15.0  # seconds between two lines of a step that takes long


def say(text: str) -> None:
    """Print one line to stderr at once: stdout is for what the person asked to see."""
    print(text, file=sys.stderr, flush=True)


class Step:
    """A step under way; `tick` prints how far it is, at most every `SIGN_OF_LIFE` seconds."""

    def __init__(self, title: str) -> None:
        self.title = title
        self._start = time.monotonic()
        self._said = self._start

    @property
    def elapsed(self) -> str:
        """Time since the step began, as `42s` or `3m07s`."""
        seconds = time.monotonic() - self._start
        return f"{seconds:.1f}s" if seconds < 10 else _format_minutes(round(seconds))

    def tick(self, detail: Callable[[], str]) -> None:
        """Say `detail` (only worked out when it is due)."""
        now = time.monotonic()
        if now - self._said >= SIGN_OF_LIFE:
            self._said = now
            say(f"  {self.title}: {detail()}, {self.elapsed}")


@contextmanager
def step(title: str) -> Iterator[Step]:
    """Announce a step's end with the time it took; an error passes through unannounced."""
    current = Step(title)
    yield current
    say(f"  {title}: done in {current.elapsed}")


def _format_minutes(seconds: int) -> str:
    return f"{seconds}s" if seconds < 60 else f"{seconds // 60}m{seconds % 60:02d}s"
