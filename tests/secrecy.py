"""Looking for secrets in what was shown or kept, in whatever spelling."""

import base64
import json
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path


def spellings(secret: str, username: str) -> Iterator[bytes]:
    """The text as it may be written: plain, escaped for JSON, base64 of it or of it behind its user name, URL-safe."""
    yield secret.encode()
    yield json.dumps(secret)[1:-1].encode()
    for text in (secret, f"{username}:{secret}"):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            # Base64 of the middle of a longer text differs by where it begins; its inner part is searched for.
            for offset in range(3):
                yield encode(b"\0" * offset + text.encode())[4:-4]


def found_in(data: bytes, secrets: Iterable[tuple[str, str]]) -> list[str]:
    """What of `secrets` (each with its user name) stands in `data`: the beginning of each, and how it is spelled."""
    return [
        f"{secret[:4]}... as {spelling[:8]!r}"
        for secret, username in secrets
        for spelling in spellings(secret, username)
        if spelling in data
    ]


def content(folder: Path) -> bytes:
    """Every file below a folder, one after the other."""
    return b"\n".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())


class Arguments:
    """The arguments of every process of this machine, collected while a block runs."""

    def __init__(self) -> None:
        self._seen: set[bytes] = set()

    @property
    def seen(self) -> bytes:
        """All of them, one after the other."""
        return b"\n".join(sorted(self._seen))

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Look again and again until the block ends."""
        over = threading.Event()
        thread = threading.Thread(target=self._look, args=(over,))
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _look(self, over: threading.Event) -> None:
        while not over.wait(0.05):
            for file in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    self._seen.add(file.read_bytes())
                except OSError:
                    continue
