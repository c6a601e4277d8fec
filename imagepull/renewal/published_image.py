"""The renewer's image that belongs to a release.

A release builds and publishes the image first, and then puts its name, with the digest, into the wheel as a file
(`.ci/release.py pin`). A checkout has no such file: no image is published for what may be in it.
"""

from importlib.resources import files
from typing import Final

__all__ = ["FILE_NAME", "read_published_image"]

FILE_NAME: Final = "image.txt"


def read_published_image() -> str | None:
    """The image's name with its digest; None where this is no release."""
    file = files(__package__) / FILE_NAME
    return file.read_text(encoding="utf-8").strip() if file.is_file() else None
