"""Which values are secret, whatever the program said: a registry's password, and the provider's kubeconfig."""

from collections.abc import Mapping
from typing import cast

from pulumi.provider.experimental.property_value import PropertyValue

from imagepull.inputs import UNKNOWN
from provider.values import Properties, plain, wrapped

_ALWAYS = frozenset({"kubeconfig"})


def with_marks(values: Mapping[str, PropertyValue]) -> Properties:
    """The values, with exactly the passwords and the kubeconfig secret.

    The SDKs mark all of `registries` when one password in it is secret; then a preview could show none of it.
    """
    return {key: _marked(key, value) for key, value in values.items()}


def with_marks_of(originals: Mapping[str, PropertyValue], values: Mapping[str, object]) -> Properties:
    """The plain values; those that are equal to the original value are the original, marks included."""
    return {
        key: originals[key] if key in originals and plain(originals[key]) == value else _marked(key, wrapped(value))
        for key, value in values.items()
    }


def _marked(key: str, value: PropertyValue) -> PropertyValue:
    if key in _ALWAYS:
        return value.with_secret(True)
    if key != "registries":
        return value
    registries = plain(value)
    if not isinstance(registries, list):
        return value
    return PropertyValue([_registry(registry) for registry in registries])


def _registry(registry: object) -> PropertyValue:
    if not isinstance(registry, Mapping):
        return wrapped(registry)
    fields = cast(Mapping[str, object], registry)
    return PropertyValue(
        {
            key: wrapped(value).with_secret(True) if key == "password" and value is not UNKNOWN else wrapped(value)
            for key, value in fields.items()
        }
    )
