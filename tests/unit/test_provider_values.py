"""Pulumi's values on the wire: secrets stay secret, unknown stays unknown."""

from typing import Any

import pytest
from google.protobuf.struct_pb2 import Struct, Value  # type: ignore[import-untyped]
from pulumi.runtime import rpc

from imagepull.errors import InvalidInput
from imagepull.inputs import REFERENCE, UNKNOWN
from imagepull.registry_secret.spec import parse
from provider.wire_values import mark_secrets, put_values, to_plain, to_plain_map, to_struct


def marked(value: Value, signature: str = rpc._special_secret_sig) -> Value:
    fields = {rpc._special_sig_key: Value(string_value=signature), "value": value}
    return Value(struct_value=Struct(fields=fields))


def is_secret(value: Value) -> bool:
    fields = value.struct_value.fields
    return rpc._special_sig_key in fields and fields[rpc._special_sig_key].string_value == rpc._special_secret_sig


@pytest.mark.parametrize(
    "value", [{}, {"a": "x", "b": 1.5, "c": True, "d": ["x", None, {"e": "y"}], "f": UNKNOWN, "g": {"h": UNKNOWN}}]
)
def test_plain_values_survive_the_way_over_the_wire(value: dict[str, object]) -> None:
    assert to_plain_map(to_struct(value)) == value


def test_marks_are_taken_off_for_reading() -> None:
    assert to_plain(marked(marked(Value(string_value="x")))) == "x"
    assert to_plain(marked(Value(string_value="x"), rpc._special_output_value_sig)) == "x"


def test_an_output_without_a_value_is_unknown() -> None:
    fields = {rpc._special_sig_key: Value(string_value=rpc._special_output_value_sig)}
    assert to_plain(Value(struct_value=Struct(fields=fields))) is UNKNOWN
    assert to_plain(Value(string_value=rpc.UNKNOWN)) is UNKNOWN


def test_a_password_is_secret_whatever_the_program_said() -> None:
    values = to_struct({"registries": [{"host": "h", "username": "u", "password": "p"}], "name": "n"})
    registry = mark_secrets(values).fields["registries"].list_value.values[0].struct_value.fields
    assert is_secret(registry["password"])
    assert not is_secret(registry["username"])
    assert to_plain_map(mark_secrets(values)) == to_plain_map(values)


def test_a_password_is_marked_once() -> None:
    values = mark_secrets(to_struct({"registries": [{"password": "p"}], "kubeconfig": "k"}))
    assert mark_secrets(values) == values
    assert is_secret(values.fields["kubeconfig"])


def test_an_unknown_password_is_left_alone() -> None:
    values: Any = to_struct({"registries": [{"password": UNKNOWN}, UNKNOWN]})
    assert mark_secrets(values) == values


def test_other_marks_of_the_program_stay() -> None:
    original = to_struct({"registries": [{"host": "h", "password": "p"}], "namespaces": ["a", "b"]})
    original.fields["labels"].CopyFrom(marked(to_struct({"x": {"a": "b"}}).fields["x"]))
    original.fields["registries"].CopyFrom(marked(original.fields["registries"]))
    kept = put_values(original, {**to_plain_map(original), "namespaces": ["a"]})
    assert is_secret(kept.fields["labels"])
    assert is_secret(kept.fields["registries"])
    assert to_plain(kept.fields["namespaces"]) == ["a"]


@pytest.mark.parametrize("id_", [{}, {"id": Value(string_value=rpc.UNKNOWN)}, {"id": Value(string_value="shop")}])
def test_whole_resource_is_refused_with_what_to_write(id_: dict[str, Value]) -> None:
    urn = "urn:pulumi:dev::shop::kubernetes:core/v1:Namespace::shop"
    fields = {
        rpc._special_sig_key: Value(string_value=rpc._special_resource_sig),
        "urn": Value(string_value=urn),
        **id_,
    }
    reference = to_plain(Value(struct_value=Struct(fields=fields)))

    with pytest.raises(InvalidInput) as raised:
        parse({"name": "pull", "namespaces": [reference], "registries": UNKNOWN})

    assert reference is REFERENCE
    assert str(raised.value) == (
        "namespaces[0]: is a whole resource; write its name: RESOURCE.metadata.name (Python: metadata['name'])"
    )
    with pytest.raises(InvalidInput, match="namespaces: is a whole resource; write a list"):
        parse({"name": "pull", "namespaces": reference, "registries": UNKNOWN})
