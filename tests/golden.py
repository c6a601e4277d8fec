"""Golden files: what a program gave once and is to give again, so that every change of it shows in a review."""

import json
import os
from pathlib import Path
from typing import Any

__all__ = ["GOLDEN", "as_json", "assert_golden"]

GOLDEN = Path(__file__).parent / "unit" / "golden"


def assert_golden(name: str, text: str) -> None:
    """That the file has this text; with UPDATE_GOLDEN set in the environment it is written first."""
    file = GOLDEN / name
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(text)
    assert text == file.read_text(), "if the new text is what you want: UPDATE_GOLDEN=1"


def as_json(document: Any) -> str:
    """The same text for the same document, whatever the order of its keys."""
    return json.dumps(document, indent=2, sort_keys=True) + "\n"
