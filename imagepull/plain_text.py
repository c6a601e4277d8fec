"""Texts from outside (a registry, an annotation, an API server) as one line that does nothing to a terminal."""

import unicodedata
from typing import Final

__all__ = ["is_control", "to_one_line"]

# Cc: control characters; Cf: invisible ones, such as those that turn the direction of writing; Cs: half a surrogate
# pair; Zl, Zp: line and paragraph separators.
_CONTROLS: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def is_control(character: str) -> bool:
    """Whether a character has an effect on a terminal or on the text around it instead of a shape of its own."""
    return unicodedata.category(character) in _CONTROLS


def to_one_line(text: str, longest: int = 200) -> str:
    """The text in one line without control characters, shortened to `longest` characters."""
    # Cut before the characters are looked at: the text may have any length.
    cut = text[: 4 * longest]
    words = "".join(" " if is_control(each) else each for each in cut).split()
    line = " ".join(words)
    return line if len(line) <= longest and len(cut) == len(text) else f"{line[: longest - 3]}..."
