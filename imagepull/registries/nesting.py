"""How deeply JSON may be nested: Python's reader and writer end with RecursionError, each at another depth."""

from collections.abc import Iterable
from typing import Final

__all__ = ["MOST_LEVELS", "is_nested_too_deeply"]

MOST_LEVELS: Final = 100
"""Far above any docker config (four levels), far below what Python can write from within a deep call."""


def is_nested_too_deeply(value: object) -> bool:
    """Whether there are more than `MOST_LEVELS` objects and lists in each other."""
    level = [value]
    for _ in range(MOST_LEVELS + 1):
        level = [inner for each in level for inner in _list_inner(each)]
        if not level:
            return False
    return True


def _list_inner(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, list) else ()
