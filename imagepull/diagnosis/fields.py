"""Reading fields of API objects in JSON form. A field that is missing or of another type reads as empty.

A dump may have been edited by hand and an API server may be newer than we are, so nothing here raises.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

from imagepull.registries.lifetimes import parse_time

__all__ = [
    "Json",
    "read_integer",
    "read_items",
    "read_mapping",
    "read_moment",
    "read_names",
    "read_strings",
    "read_text",
]

Json = Mapping[str, object]
"""An API object, or a part of one."""


def read_mapping(holder: object, *path: str) -> Json:
    """The object at `path` below `holder`; empty when there is none."""
    for key in path:
        holder = holder.get(key) if isinstance(holder, Mapping) else None
    return holder if isinstance(holder, Mapping) else {}


def read_items(holder: Json, key: str) -> Sequence[Json]:
    """The objects of a list; other elements are left out."""
    value = holder.get(key)
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list | tuple) else []


def read_text(holder: Json, key: str) -> str:
    """A string; empty when there is none."""
    value = holder.get(key)
    return value if isinstance(value, str) else ""


def read_strings(holder: Json, key: str) -> tuple[str, ...]:
    """The strings of a list; other elements are left out."""
    value = holder.get(key)
    return tuple(each for each in value if isinstance(each, str)) if isinstance(value, list | tuple) else ()


def read_integer(holder: Json, key: str) -> int:
    """A whole number; 0 when there is none."""
    value = holder.get(key)
    return int(value) if isinstance(value, int | float) else 0


def read_moment(holder: Json, key: str) -> datetime | None:
    """A time stamp with its time zone; None when there is none."""
    return parse_time(holder.get(key))


def read_names(holder: Json, key: str) -> tuple[str, ...]:
    """The `name` of each object of a list, as in `imagePullSecrets`; an empty name is left out, as the kubelet does."""
    return tuple(name for each in read_items(holder, key) if (name := read_text(each, "name")))
