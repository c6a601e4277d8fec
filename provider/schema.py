"""The plugin's schema, made of the classes in `components/resources.py`: their annotations and docstrings."""

import inspect
import json
from typing import Any, Final

from pulumi.provider.experimental.analyzer import Analyzer, PropertyDefinition
from pulumi.provider.experimental.schema import ComplexType, Property

from components import resources

_NAME: Final = "imagepull"
_SECRET: Final = {("Registry", "password"), ("ProviderArgs", "kubeconfig")}
_RESOURCES: Final[dict[str, tuple[type, type, dict[str, Any]]]] = {
    "RegistrySecret": (
        resources.RegistrySecret,
        resources.RegistrySecretArgs,
        {
            "expiresAt": {"type": "string"},
            "hosts": {"type": "array", "items": {"type": "string"}},
            "uids": {"type": "object", "additionalProperties": {"type": "string"}},
        },
    ),
    "ServiceAccountImagePullSecrets": (
        resources.ServiceAccountImagePullSecrets,
        resources.ServiceAccountImagePullSecretsArgs,
        {},
    ),
}
_PYTHON_NAMES: Final = {"expiresAt": "expires_at"}


def schema(version: str) -> str:
    """Pulumi's package schema as JSON (https://www.pulumi.com/docs/iac/using-pulumi/extending-pulumi/schema/)."""
    analyzer = Analyzer(_NAME)
    document: dict[str, Any] = {
        "name": _NAME,
        "version": version,
        "displayName": "imagepull",
        "description": "Private container images, pulled: ECR pull Secrets and ServiceAccounts",
        "license": "Apache-2.0",
        "provider": _inputs(analyzer, resources.ProviderArgs, resources.Provider),
        "config": {"variables": _properties(analyzer, resources.ProviderArgs)},
        "resources": {
            f"{_NAME}:index:{name}": {
                **_inputs(analyzer, args, declared),
                "properties": {
                    key: {"description": _summary(getattr(declared, _PYTHON_NAMES.get(key, key))), **output}
                    for key, output in outputs.items()
                },
                "required": [key for key in outputs if key != "expiresAt"],
            }
            for name, (declared, args, outputs) in _RESOURCES.items()
        },
    }
    document["types"] = {
        f"{_NAME}:index:{name}": _marked(name, ComplexType.from_definition(definition).to_json())
        for name, definition in analyzer.type_definitions.items()
    }
    return json.dumps(_without_none(document))


def _inputs(analyzer: Analyzer, args: type, declared: type) -> dict[str, Any]:
    definitions = _definitions(analyzer, args)
    return {
        "description": _summary(declared),
        "inputProperties": _properties(analyzer, args),
        "requiredInputs": sorted(key for key, definition in definitions.items() if not definition.optional),
    }


def _properties(analyzer: Analyzer, args: type) -> dict[str, Any]:
    found = {key: Property.from_definition(one).to_json() for key, one in _definitions(analyzer, args).items()}
    return _marked_properties(args.__name__, found)


def _definitions(analyzer: Analyzer, args: type) -> dict[str, PropertyDefinition]:
    return analyzer.analyze_type(args, is_component_output=False)[0]


def _marked(name: str, type_: dict[str, Any]) -> dict[str, Any]:
    return {**type_, "properties": _marked_properties(name, type_["properties"])}


def _marked_properties(type_name: str, properties: dict[str, Any]) -> dict[str, Any]:
    return {
        key: {**value, "secret": True} if (type_name, key) in _SECRET else value for key, value in properties.items()
    }


def _summary(declared: object) -> str:
    """The docstring without its section of arguments, which are documented one by one."""
    return (inspect.getdoc(declared) or "").partition("\n\nArgs:")[0]


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(each) for key, each in value.items() if each is not None}
    return [_without_none(each) for each in value] if isinstance(value, list) else value
