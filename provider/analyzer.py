"""Reads the classes of `components/` for the schema: the SDK's analyzer, with what it leaves out.

It knows no enum behind a text, no docstring of an inherited field, no description in the words of another language, and
takes every annotation of a component for an output (pulumi/pulumi
sdk/python/lib/pulumi/provider/experimental/analyzer.py).
"""

import inspect
import re
import sys
from collections.abc import Mapping
from typing import Any, Final, Required, TypedDict, get_origin, is_typeddict

import pulumi
from pulumi.provider.experimental.analyzer import Analyzer, PropertyDefinition
from pulumi.provider.experimental.util import camel_case

from imagepull.images.pull_policy import PullPolicy
from imagepull.images.rules import MutableTagPolicy, RuleName
from imagepull.registry_secret.spec import Renewal
from imagepull.renewal.settings import Scope

from .declared import rules_args

__all__ = ["ComponentAnalyzer", "ResolvedImage", "wire_text"]


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
    ("rules", Any): rules_args.ImageRules,
    ("rules", str): RuleName,
    ("mutable_tag_policy", str): MutableTagPolicy,
}
_PYTHON_ONLY: Final = frozenset({"access"})
"""Arguments that are Python objects; other languages have `imagePullSecrets` for it."""

_SNAKE_CASE: Final = re.compile(r"`([a-z]+(?:_[a-z]+)+)`")


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

    def analyze_property(self, arg: Any, typ: type, name: str, **where: Any) -> PropertyDefinition:
        return super().analyze_property(_meant(name, arg), typ, name, **where)

    def get_docstring(self, typ: type, name: str) -> str | None:
        # A TypedDict knows not from which one it has inherited a field, but that one is in the same module here.
        others = [each for each in vars(sys.modules[typ.__module__]).values() if is_typeddict(each)]
        found = (super(ComponentAnalyzer, self).get_docstring(each, name) for each in (typ, *others))
        return next((wire_text(text) for text in found if text), None)


def wire_text(docstring: str) -> str:
    """A docstring in one line for each paragraph, with the names of fields as the schema has them."""
    paragraphs = [" ".join(paragraph.split()) for paragraph in inspect.cleandoc(docstring).split("\n\n")]
    return _SNAKE_CASE.sub(lambda match: f"`{camel_case(match[1])}`", "\n\n".join(paragraphs))


def _meant(name: str, annotation: Any) -> Any:
    for (field, declared), meant in _MEANT.items():
        if field == name and annotation == declared:
            return meant
    return annotation
