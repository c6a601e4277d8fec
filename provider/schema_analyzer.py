"""Reads the classes of `components/` for the schema: the SDK's analyzer, with what it leaves out.

It knows no enum behind a text, no docstring of an inherited field, no description in the words of another language, and
takes every annotation of a component for an output (pulumi/pulumi
sdk/python/lib/pulumi/provider/experimental/analyzer.py).
"""

import inspect
import sys
from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Final, Required, TypedDict, TypeVar, Union, get_args, get_origin, is_typeddict

import pulumi
from pulumi.provider.experimental.analyzer import Analyzer, PropertyDefinition
from pulumi.provider.experimental.util import camel_case

from imagepull.docstrings import use_wire_names
from imagepull.images.pull_policy import PullPolicy
from imagepull.images.rules import MutableTagPolicy, RuleName, Rules
from imagepull.registry_secret.spec import Renewal
from imagepull.renewal.settings import Scope

from .declared import rules_args

__all__ = ["ComponentAnalyzer", "ResolvedImage"]


class ResolvedImage(TypedDict, total=False):
    """One image of one workload, with the pull policy that it got and why."""

    workload: Required[str]
    """Kind and name: `Deployment/web`."""
    namespace: str
    """Namespace, where the manifest names one."""
    container: Required[str]
    """Name of the container, with its role in front unless it is an ordinary one: `init migrate`, `volume models`."""
    image: Required[str]
    """As it is written."""
    policy: Required[PullPolicy]
    """When the kubelet asks the registry for it."""
    reason: Required[str]
    """Why it has that policy: `tag is latest`."""
    path: Required[str]
    """Where in the manifest: `spec.template.spec.containers[0]`."""


# Names of fields, and the type that is really meant by the one they are annotated with.
_MEANT: Final[Mapping[tuple[str, Any], Any]] = {
    ("image_pull_policy", str): PullPolicy,
    ("renewal", str): Renewal,
    ("scope", str): Scope,
    ("resolved_images", Mapping[str, Any]): ResolvedImage,
    ("rules", Union[Rules, rules_args.ImageRules]): rules_args.ImageRules,
    ("rules", str): RuleName,
    ("mutable_tag_policy", str): MutableTagPolicy,
}
_PYTHON_ONLY: Final = frozenset({"access"})
"""Arguments that are Python objects; other languages have `imagePullSecrets` for it."""


_TEXT = pulumi.Input[str]


class ComponentAnalyzer(Analyzer):
    """Definitions of properties; `type_definitions` gathers the types that they refer to."""

    def inputs(self, args: type) -> tuple[dict[str, PropertyDefinition], dict[str, str]]:
        """The properties of an args class by name in the schema, and the Python name of each."""
        properties, names = self.analyze_type(args, is_component_output=False)
        kept = {key: one for key, one in properties.items() if names[key] not in _PYTHON_ONLY}
        return kept, {key: names[key] for key in kept}

    def outputs(self, component: type) -> tuple[dict[str, PropertyDefinition], dict[str, str]]:
        """The Outputs that a component declares, in the same form."""
        properties, names = {}, {}
        for base in reversed(component.__mro__):
            for name, annotation in inspect.get_annotations(base).items():
                origin: Any = get_origin(annotation)
                if origin is pulumi.Output:
                    names[camel_case(name)] = name
                    properties[camel_case(name)] = self.analyze_property(
                        annotation, base, name, can_be_plain=False, is_component_output=True
                    )
        return properties, names

    def properties(self, resource: type) -> dict[str, PropertyDefinition]:
        """The outputs that a custom resource has as properties, by name in the schema."""
        return {
            camel_case(name): replace(
                self.analyze_property(
                    inspect.get_annotations(output.fget)["return"],
                    resource,
                    name,
                    can_be_plain=False,
                    is_component_output=True,
                ),
                description=use_wire_names(output.__doc__ or ""),
            )
            for name, output in vars(resource).items()
            if isinstance(output, property) and output.fget is not None
        }

    def analyze_property(self, arg: Any, typ: type, name: str, **where: Any) -> PropertyDefinition:
        if name in _PYTHON_ONLY:
            arg = Any
        if get_origin(arg) is Annotated:
            arg = get_args(arg)[0]
        if isinstance(arg, TypeVar):  # a generic class says of a text that it may be an Output
            arg = _TEXT
        if is_typeddict(get_origin(arg)):
            arg = get_origin(arg)
        return super().analyze_property(_find_meaning(name, arg), typ, name, **where)

    def get_docstring(self, typ: type, name: str) -> str | None:
        # A TypedDict knows not from which one it has inherited a field, but that one is in the same module here.
        others = [each for each in vars(sys.modules[typ.__module__]).values() if is_typeddict(each)]
        found = (super(ComponentAnalyzer, self).get_docstring(each, name) for each in (typ, *others))
        return next((use_wire_names(text) for text in found if text), None)


def _find_meaning(name: str, annotation: Any) -> Any:
    for (field, declared), meant in _MEANT.items():
        if field == name and annotation == declared:
            return meant
    return annotation
