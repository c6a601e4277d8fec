"""Resource options given to a workload component reach the Kubernetes resource as if there were no component."""

from typing import Any

import pulumi
import pytest

from provider.options import select_child_options, select_component_options
from tests.pulumi_mocks import declared

TYPE = "kubernetes:apps/v1:Deployment"


class Component(pulumi.ComponentResource):
    def __init__(self, name: str = "web") -> None:
        super().__init__("test:index:Component", name)


def split(**given: Any) -> tuple[pulumi.ResourceOptions, pulumi.ResourceOptions, pulumi.ComponentResource]:
    """The component's options, the Kubernetes resource's, and the component."""
    seen: list[Any] = []

    def program() -> None:
        component = Component()
        opts = pulumi.ResourceOptions(**given) if given else None
        seen.extend([select_component_options(opts), select_child_options(component, "web", opts), component])

    declared(program)
    ours, childs, component = seen
    return ours, childs, component


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ignore_changes", ["spec.replicas"]),
        ("replace_on_changes", ["spec"]),
        ("delete_before_replace", True),
        ("retain_on_delete", True),
        ("import_", "shop/web"),
        ("custom_timeouts", pulumi.CustomTimeouts(create="5m")),
        ("additional_secret_outputs", ["spec"]),
        ("version", "4.27.0"),
    ],
)
def test_option_of_a_resource_reaches_the_resource_only(field: str, value: Any) -> None:
    ours, childs, _ = split(**{field: value})

    assert getattr(childs, field) == value
    assert getattr(ours, field) is None


def test_protection_is_of_both() -> None:
    ours, childs, _ = split(protect=True)

    assert (ours.protect, childs.protect) == (True, True)


def test_transforms_are_the_components_and_run_once_for_the_child() -> None:
    transforms: Any = [print]

    ours, childs, _ = split(transforms=transforms, transformations=transforms)

    assert ours.transforms == transforms
    assert ours.transformations == transforms
    assert (childs.transforms, childs.transformations) == (None, None)


def test_without_options_the_child_was_the_resource_of_that_name_at_the_top() -> None:
    ours, childs, component = split()

    assert ours.aliases == []
    assert childs.parent is component
    (alias,) = childs.aliases or []
    assert isinstance(alias, pulumi.Alias)
    assert (alias.name, alias.parent) == ("web", pulumi.ROOT_STACK_RESOURCE)


def test_aliases_go_to_whom_they_are_about() -> None:
    renamed = pulumi.Alias(name="old")
    plain = pulumi.Alias(name="older", type_=TYPE)
    urn = f"urn:pulumi:dev::shop::{TYPE}::oldest"

    ours, childs, _ = split(aliases=[renamed, plain, urn])

    assert ours.aliases == [renamed]
    _, from_plain, from_urn = childs.aliases or []
    assert isinstance(from_plain, pulumi.Alias)
    assert (from_plain.name, from_plain.parent) == ("older", pulumi.ROOT_STACK_RESOURCE)
    assert from_urn == urn
