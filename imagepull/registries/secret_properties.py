"""The table of what is secret: schema, state, stack files and policies all go by it."""

from typing import Final

from imagepull.registries.inputs import REGISTRY_INPUTS

__all__ = ["REGISTRY_SECRETS", "SECRETS_BY_NAME", "SECRET_PROPERTIES"]

SECRET_PROPERTIES: Final = frozenset(
    {
        ("ProviderArgs", "kubeconfig"),
        ("RegistrySecret", "digestKey"),
        *(("Registry", each.wire_name) for each in REGISTRY_INPUTS if each.limits.secret),
    }
)
"""Type and property, by their names in the schema. A secret input of a registry is marked so in its own class."""

REGISTRY_SECRETS: Final = frozenset(name for type_name, name in SECRET_PROPERTIES if type_name == "Registry")
"""Inputs of a registry."""

SECRETS_BY_NAME: Final = frozenset(name for type_name, name in SECRET_PROPERTIES if type_name != "Registry")
"""Properties that are secret wherever they stand: the plugin marks them without knowing the resource's type."""
