"""The plugin's schema, made of the classes in `components/`: their annotations and docstrings."""

import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import pulumi
from pulumi.provider.experimental.analyzer import PropertyDefinition, TypeDefinition
from pulumi.provider.experimental.schema import ComplexType, Property

from imagepull import PLUGIN_DOWNLOAD_URL
from imagepull.docstrings import use_wire_names
from imagepull.registries.secret_properties import SECRET_PROPERTIES
from imagepull.resource_types import PACKAGE, make_type_token

from .declared import kinds, pull_watch, registry_access, resources, workload_args
from .schema_analyzer import ComponentAnalyzer
from .workload import WorkloadByName

__all__ = ["COMPONENTS", "Component", "make_schema"]

_RESOURCES: Final[Mapping[str, tuple[type, type]]] = {
    "RegistrySecret": (resources.RegistrySecret, resources.RegistrySecretArgs),
    "CopiedSecrets": (resources.CopiedSecrets, resources.CopiedSecretsArgs),
    "PullWatch": (pull_watch.PullWatch, pull_watch.PullWatchArgs),
    "RenewalRights": (resources.RenewalRights, resources.RenewalRightsArgs),
    "ServiceAccountImagePullSecrets": (
        resources.ServiceAccountImagePullSecrets,
        resources.ServiceAccountImagePullSecretsArgs,
    ),
}


@dataclass(frozen=True, kw_only=True)
class Component:
    """One component of the package.

    Attributes:
        declare: takes the resource's name, its arguments by their names in Python, and resource options.
        args: the class of the arguments.
        outputs: the class that declares the outputs.
        documented: the class whose docstring describes the component.
    """

    declare: Callable[[str, Any, pulumi.ResourceOptions | None], pulumi.ComponentResource]
    args: type
    outputs: type
    documented: type


def _make_workload(kind: str) -> Component:
    return Component(
        declare=partial(WorkloadByName, kind),
        args=getattr(workload_args, f"{kind}Args"),
        outputs=WorkloadByName,
        documented=getattr(kinds, kind),
    )


COMPONENTS: Final[Mapping[str, Component]] = {
    "RegistryAccess": Component(
        declare=registry_access.RegistryAccess,
        args=registry_access.RegistryAccessArgs,
        outputs=registry_access.RegistryAccess,
        documented=registry_access.RegistryAccess,
    ),
    **{kind: _make_workload(kind) for kind in kinds.__all__},
}
"""By name in the package."""
_SEE_WORKLOAD: Final = "See `Workload`."
_LANGUAGES: Final = {
    "csharp": {"respectSchemaVersion": True},
    "go": {
        "importBasePath": "example.com/pulumi-imagepull/sdk/go/imagepull",
        "respectSchemaVersion": True,
        "generateResourceContainerTypes": True,
    },
    "java": {"respectSchemaVersion": True},
    "nodejs": {"respectSchemaVersion": True},
    "python": {
        "packageName": "pulumi_imagepull",
        "respectSchemaVersion": True,
        "pyproject": {"enabled": True},
        "inputTypes": "classes-and-dicts",
    },
}


def make_schema(version: str) -> str:
    """Pulumi's package schema as JSON (https://www.pulumi.com/docs/iac/using-pulumi/extending-pulumi/schema/)."""
    analyzer = ComponentAnalyzer(PACKAGE)
    custom = {name: _describe_custom(analyzer, *declared) for name, declared in _RESOURCES.items()}
    components = {name: _describe_component(analyzer, name, declared) for name, declared in COMPONENTS.items()}
    document: dict[str, Any] = {
        "name": PACKAGE,
        "version": version,
        "displayName": "imagepull",
        "description": "Private container images, pulled: credentials and pull policies for Kubernetes workloads",
        "license": "Apache-2.0",
        "publisher": "imagepull",
        # Of the SDKs' names (`@pulumi/imagepull`): added by a git URL it would be the owner of the repository.
        "namespace": "pulumi",
        "pluginDownloadURL": PLUGIN_DOWNLOAD_URL,
        "meta": {"supportPack": True},  # SDKs of the newer layout, as `pulumi package add` asks for whatever is here
        "language": _LANGUAGES,
        "provider": _describe_inputs(analyzer, resources.ProviderArgs, resources.Provider),
        "config": {"variables": _describe_properties("ProviderArgs", analyzer.inputs(resources.ProviderArgs)[0])},
        "resources": {make_type_token(name): described for name, described in sorted({**custom, **components}.items())},
        "types": {
            make_type_token(name): _describe_type(name, definition)
            for name, definition in sorted(analyzer.type_definitions.items())
        },
    }
    return json.dumps(_drop_none(document))


def _describe_custom(analyzer: ComponentAnalyzer, declared: type, args: type) -> dict[str, object]:
    outputs = analyzer.properties(declared)
    return {
        **_describe_inputs(analyzer, args, declared),
        "properties": _describe_properties(declared.__name__, outputs),
        "required": [key for key, output in outputs.items() if not output.optional],
    }


def _describe_component(analyzer: ComponentAnalyzer, name: str, component: Component) -> dict[str, object]:
    outputs, _ = analyzer.outputs(component.outputs)
    inputs = _describe_inputs(analyzer, component.args, component.documented)
    inputs["description"] = str(inputs["description"]).replace(_SEE_WORKLOAD, _read_summary(workload_args.WorkloadArgs))
    return {
        "isComponent": True,
        **inputs,
        "properties": _describe_properties(name, outputs),
        "required": _list_required(outputs),
    }


def _describe_inputs(analyzer: ComponentAnalyzer, args: type, declared: type) -> dict[str, object]:
    definitions, _ = analyzer.inputs(args)
    return {
        "description": _read_summary(declared),
        "inputProperties": _describe_properties(args.__name__, definitions),
        "requiredInputs": _list_required(definitions),
    }


def _describe_properties(type_name: str, definitions: Mapping[str, PropertyDefinition]) -> dict[str, object]:
    return {key: _describe_property((type_name, key), definition) for key, definition in definitions.items()}


def _describe_property(field: tuple[str, str], definition: PropertyDefinition) -> dict[str, object]:
    described: dict[str, Any] = Property.from_definition(definition).to_json()
    for inner in ("items", "additionalProperties"):
        if described[inner]:
            del described[inner]["description"]  # the field's, once more
    return {**described, "secret": True} if field in SECRET_PROPERTIES else described


def _list_required(definitions: Mapping[str, PropertyDefinition]) -> list[str]:
    return sorted(key for key, definition in definitions.items() if not definition.optional)


def _describe_type(name: str, definition: TypeDefinition) -> dict[str, object]:
    described: dict[str, Any] = ComplexType.from_definition(definition).to_json()
    described["description"] = use_wire_names(definition.description or "")
    if definition.enum:
        values = [str(member.value) for member in definition.enum]
        described["enum"] = [{"name": value[0].upper() + value[1:], "value": value} for value in values]
    else:
        described["properties"] = _describe_properties(name, definition.properties)
    return described


def _read_summary(declared: object) -> str:
    """The docstring without its section of arguments, which are documented one by one."""
    return use_wire_names((inspect.getdoc(declared) or "").partition("\n\nArgs:")[0])


def _drop_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _drop_none(each) for key, each in value.items() if each is not None}
    return [_drop_none(each) for each in value] if isinstance(value, list) else value
