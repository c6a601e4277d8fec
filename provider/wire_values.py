"""Pulumi's property values as plain Python, and back.

Written out here because the SDK's `PropertyValue` takes an unknown value for the text that stands for it on the wire
(pulumi/pulumi sdk/python/lib/pulumi/provider/experimental/property_value.py, `unmarshal` and `marshal`).
"""

from collections.abc import Mapping
from typing import Final

from google.protobuf.struct_pb2 import (  # type: ignore[import-untyped]
    NULL_VALUE,
    ListValue,
    Struct,
    Value,
)
from pulumi.runtime import rpc

from imagepull.inputs import REFERENCE, UNKNOWN
from imagepull.registries.secret_properties import REGISTRY_SECRETS, SECRETS_BY_NAME

__all__ = ["mark_secrets", "put_values", "to_outputs_struct", "to_plain", "to_plain_map", "to_struct"]

_SIGNATURE: Final = rpc._special_sig_key
_SECRET: Final = rpc._special_secret_sig
_OUTPUT: Final = rpc._special_output_value_sig
_RESOURCE: Final = rpc._special_resource_sig


def to_plain_map(struct: Struct) -> dict[str, object]:
    """The values without their marks: secrets as they are, what is not known yet as UNKNOWN."""
    return {key: to_plain(value) for key, value in struct.fields.items()}


def to_plain(value: Value) -> object:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        fields = value.struct_value.fields
        if _SIGNATURE not in fields:
            return to_plain_map(value.struct_value)
        if fields[_SIGNATURE].string_value == _RESOURCE:
            return REFERENCE
        if fields[_SIGNATURE].string_value not in (_SECRET, _OUTPUT) or "value" not in fields:
            return UNKNOWN
        return to_plain(fields["value"])
    if kind == "list_value":
        return [to_plain(each) for each in value.list_value.values]
    if kind == "string_value":
        return UNKNOWN if value.string_value == rpc.UNKNOWN else value.string_value
    return None if kind in (None, "null_value") else getattr(value, kind)


def to_outputs_struct(values: Mapping[str, object]) -> Struct:
    """Outputs for the state, without what is None; what must not be read there is marked secret."""
    return mark_secrets(to_struct(values))


def to_struct(values: Mapping[str, object]) -> Struct:
    """The inverse of `to_plain_map`, without what is None; nothing in it is marked secret."""
    return Struct(fields={key: _to_value(value) for key, value in values.items() if value is not None})


def mark_secrets(original: Struct) -> Struct:
    """The same values, with those of `imagepull.registries.secret_properties` marked secret."""
    marked = Struct()
    marked.CopyFrom(original)
    for key, value in marked.fields.items():
        if key in SECRETS_BY_NAME:
            _mark_secret(value)
    if "registries" in marked.fields:
        for registry in _unwrap(marked.fields["registries"]).list_value.values:
            fields = _unwrap(registry).struct_value.fields
            for name in REGISTRY_SECRETS.intersection(fields):
                _mark_secret(fields[name])
    return marked


def put_values(original: Struct, values: Mapping[str, object]) -> Struct:
    """These values; where the original has the same one it is taken from there, marks included."""
    found = to_struct(values)
    for key in found.fields:
        if key in original.fields and to_plain(original.fields[key]) == values[key]:
            found.fields[key].CopyFrom(original.fields[key])
    return mark_secrets(found)


def _to_value(value: object) -> Value:
    if value is UNKNOWN:
        return Value(string_value=rpc.UNKNOWN)
    if isinstance(value, Mapping):
        return Value(struct_value=to_struct(value))
    if isinstance(value, list | tuple):
        return Value(list_value=ListValue(values=[_to_value(each) for each in value]))
    if isinstance(value, bool):
        return Value(bool_value=value)
    if isinstance(value, int | float):
        return Value(number_value=value)
    return Value(null_value=NULL_VALUE) if value is None else Value(string_value=str(value))


def _unwrap(value: Value) -> Value:
    """The value inside a mark, or itself."""
    fields = value.struct_value.fields if value.WhichOneof("kind") == "struct_value" else {}
    return _unwrap(fields["value"]) if _SIGNATURE in fields and "value" in fields else value


def _mark_secret(value: Value) -> None:
    fields = value.struct_value.fields if value.WhichOneof("kind") == "struct_value" else {}
    if (_SIGNATURE in fields and fields[_SIGNATURE].string_value == _SECRET) or to_plain(value) in (None, UNKNOWN):
        return
    secret = Struct(fields={_SIGNATURE: Value(string_value=_SECRET), "value": _unwrap(value)})
    value.CopyFrom(Value(struct_value=secret))
