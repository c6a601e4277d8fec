"""Locks between commands of one user on one machine."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from lab.progress import say
from lab.toolchain.cache import find_cache_folder

__all__ = ["machine_lock"]


@contextmanager
def machine_lock(name: str, *, waiting: str | None = None) -> Iterator[None]:
    """Hold the lock `name` while the block runs; when another command has it, say `waiting` and wait."""
    folder = find_cache_folder() / "locks"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / name).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if waiting:
                say(f"  {waiting}")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
