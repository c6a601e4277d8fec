"""Files of one JSON object per line that one process appends to and others read while it runs."""

import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

__all__ = ["Journal", "read_records"]


class Journal:
    """Appends to `path` (mode 0600). A record is on its way to the disk when `append` returns."""

    def __init__(self, path: Path) -> None:
        # One write() of a line to a file opened with O_APPEND needs no lock between threads.
        self._file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def append(self, record: Mapping[str, object]) -> None:
        """Write one record as a line."""
        os.write(self._file, json.dumps(record).encode() + b"\n")

    def close(self) -> None:
        """Close the file; no record can be appended after."""
        os.close(self._file)


def read_records(path: Path) -> Iterator[dict[str, Any]]:
    """The records of a journal, oldest first; none when there is no such file yet."""
    if not path.exists():
        return
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            yield json.loads(line)
