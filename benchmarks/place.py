"""Where a benchmark runs and writes: a lab and a folder of its own, and the folder of results."""

import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab import lifecycle
from lab.lifecycle import Lab

__all__ = ["RESULTS", "machine", "own_lab"]

RESULTS = Path(__file__).parent / "results"


@contextmanager
def own_lab() -> Iterator[tuple[Lab, Path]]:
    """A lab and an empty folder; both are gone afterwards."""
    # Users keep compiled modules; where this is set, every run compiles them anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    owner = lifecycle.identify_this_process()
    name = f"benchmark-{owner.pid}"
    lab = lifecycle.up(name, owner=owner)
    folder = Path(tempfile.mkdtemp(prefix="imagepull-benchmark-"))
    try:
        yield lab, folder
    finally:
        lifecycle.down(name)
        shutil.rmtree(folder)


def machine() -> dict[str, object]:
    """Where it was measured."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(memory, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
    }
