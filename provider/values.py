"""Pulumi's property values as plain Python, and back."""

from collections.abc import Mapping
from typing import Any

from pulumi.provider.experimental.property_value import PropertyValue

from imagepull.inputs import UNKNOWN

Properties = dict[str, PropertyValue]


def plain(value: PropertyValue) -> object:
    """The value without its marks: secrets as they are, what is not known yet as UNKNOWN."""
    inner = value.value
    if isinstance(inner, Mapping):
        return {key: plain(each) for key, each in inner.items()}
    if isinstance(inner, list | tuple):
        return [plain(each) for each in inner]
    if isinstance(inner, str | bool | float | int) or inner is None:
        return inner
    return UNKNOWN


def plain_map(values: Mapping[str, PropertyValue]) -> dict[str, object]:
    return {key: plain(value) for key, value in values.items()}


def wrapped(value: Any) -> PropertyValue:
    """The inverse of `plain`; nothing in it is marked secret."""
    if value is UNKNOWN:
        return PropertyValue.computed()
    if isinstance(value, Mapping):
        return PropertyValue({key: wrapped(each) for key, each in value.items()})
    if isinstance(value, list | tuple):
        return PropertyValue([wrapped(each) for each in value])
    return PropertyValue.null() if value is None else PropertyValue(value)


def wrapped_map(values: Mapping[str, Any]) -> Properties:
    return {key: wrapped(value) for key, value in values.items()}
