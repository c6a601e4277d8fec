"""The names that come nearest to one that is not there."""

from collections.abc import Iterable
from difflib import SequenceMatcher

__all__ = ["find_nearest_names"]


def find_nearest_names(name: str, there: Iterable[str], most: int = 5) -> tuple[str, ...]:
    """Up to `most` of the names that are there, the most similar first."""

    def similarity(other: str) -> float:
        return SequenceMatcher(None, name, other).ratio()

    return tuple(sorted(filter(None, set(there)), key=lambda other: (-similarity(other), other))[:most])
