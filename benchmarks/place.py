"""Where a benchmark runs and writes: a lab and a folder of its own, and the folder of results."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lab import lifecycle
from lab.lifecycle import Lab

__all__ = ["RESULTS", "own_lab"]

RESULTS = Path(__file__).parent / "results"


@contextmanager
def own_lab() -> Iterator[tuple[Lab, Path]]:
    """A lab and an empty folder; both are gone afterwards."""
    # Users keep compiled modules; where this is set, every run compiles them anew.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    owner = lifecycle.this_process()
    name = f"benchmark-{owner.pid}"
    lab = lifecycle.up(name, owner=owner)
    folder = Path(tempfile.mkdtemp(prefix="imagepull-benchmark-"))
    try:
        yield lab, folder
    finally:
        lifecycle.down(name)
        shutil.rmtree(folder)
