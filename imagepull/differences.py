"""Differences between two sets of inputs, by path, so that a preview names the namespace or host that changes.

A list that stands for a set is compared as one: order and repetition are no difference.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum

__all__ = ["Difference", "find_differences"]


class Difference(Enum):
    """What happens to the value at a path."""

    ADD = "add"
    DELETE = "delete"
    UPDATE = "update"


def find_differences(
    old: Mapping[str, object], new: Mapping[str, object], *, sets: Mapping[str, str | None]
) -> dict[str, Difference]:
    """Differences by path (`namespaces[3]`, `registries[1].roleArn`, `labels["example.com/team"]`).

    Paths of what is deleted are those in `old`, others those in `new`. `sets` names the top-level lists that are sets,
    each with the key that identifies its mappings, or None where it holds texts.
    """
    found: dict[str, Difference] = {}
    for path, difference in _compare_mappings("", old, new, sets):
        found[path] = Difference.UPDATE if found.get(path, difference) is not difference else difference
    return found


def _compare_mappings(
    path: str, old: Mapping[str, object], new: Mapping[str, object], sets: Mapping[str, str | None]
) -> Iterator[tuple[str, Difference]]:
    for key in dict.fromkeys([*old, *new]):
        before, after, here = old.get(key), new.get(key), _join(path, key)
        if before == after:
            continue
        if before is None:
            yield here, Difference.ADD
        elif after is None:
            yield here, Difference.DELETE
        elif key in sets and isinstance(before, list) and isinstance(after, list):
            yield from _compare_sets(here, before, after, sets[key])
        elif isinstance(before, Mapping) and isinstance(after, Mapping):
            yield from _compare_mappings(here, before, after, {})
        else:
            yield here, Difference.UPDATE


def _compare_sets(
    path: str, old: Sequence[object], new: Sequence[object], identity: str | None
) -> Iterator[tuple[str, Difference]]:
    before, after = _group_by_identity(old, identity), _group_by_identity(new, identity)
    for name, (i, _) in before.items():
        if name not in after:
            yield f"{path}[{i}]", Difference.DELETE
    for name, (i, item) in after.items():
        if name not in before:
            yield f"{path}[{i}]", Difference.ADD
            continue
        j, was = before[name]
        if isinstance(was, Mapping) and isinstance(item, Mapping) and was != item:
            # The paths inside are read in old and new alike, so they are of use only where the item did not move.
            if i == j:
                yield from _compare_mappings(f"{path}[{i}]", was, item, {})
            else:
                yield f"{path}[{i}]", Difference.UPDATE


def _group_by_identity(items: Sequence[object], identity: str | None) -> dict[str, tuple[int, object]]:
    found: dict[str, tuple[int, object]] = {}
    for i, item in enumerate(items):
        name = item.get(identity) if identity is not None and isinstance(item, Mapping) else item
        found.setdefault(name if isinstance(name, str) else repr((i, name)), (i, item))
    return found


def _join(path: str, key: str) -> str:
    if re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", key):
        return f"{path}.{key}" if path else key
    return f"{path}[{json.dumps(key)}]"
