"""Where things that take long to make are kept."""

import os
from pathlib import Path

__all__ = ["find_cache_folder"]


def find_cache_folder() -> Path:
    """A folder outside the checkout, shared by all checkouts of this user."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "imagepull"
