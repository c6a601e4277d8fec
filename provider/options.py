"""Resource options of a component that stands for one Kubernetes resource: which are whose."""

from copy import copy
from typing import Any, cast

import pulumi

__all__ = ["select_child_options", "select_component_options"]


def select_component_options(opts: pulumi.ResourceOptions | None) -> pulumi.ResourceOptions:
    """What concerns the tree of resources: parent, providers, the component's own former names, transforms."""
    opts = opts or pulumi.ResourceOptions()
    return pulumi.ResourceOptions(
        parent=opts.parent,
        provider=opts.provider,
        providers=cast(Any, opts.providers),  # declared narrower than the attribute
        protect=opts.protect,
        aliases=[alias for alias in opts.aliases or [] if not _is_of_kubernetes(alias)],
        transformations=opts.transformations,
        transforms=opts.transforms,
    )


def select_child_options(
    component: pulumi.ComponentResource,
    name: str,
    opts: pulumi.ResourceOptions | None,
) -> pulumi.ResourceOptions:
    """Everything else, as it was given.

    The resource is the same that stood under this name and parent before the component came: that is an alias of it, so
    that wrapping a workload in a component replaces nothing.
    """
    opts = opts or pulumi.ResourceOptions()
    former_parent = opts.parent or pulumi.ROOT_STACK_RESOURCE
    child = copy(opts)
    child.parent = component
    child.aliases = [
        pulumi.Alias(name=name, parent=former_parent),
        *(_set_parent(alias, former_parent) for alias in opts.aliases or [] if _is_of_kubernetes(alias)),
    ]
    # The component has these, and hands them down.
    child.providers = None
    child.transformations = None
    child.transforms = None
    return child


def _is_of_kubernetes(alias: Any) -> bool:
    """Whether an alias names what the Kubernetes resource was, by type or URN; any other is about the component."""
    if isinstance(alias, pulumi.Alias):
        return isinstance(alias.type_, str) and alias.type_.startswith("kubernetes:")
    return isinstance(alias, str) and "kubernetes:" in alias


def _set_parent(alias: Any, parent: Any) -> Any:
    if not isinstance(alias, pulumi.Alias) or cast(Any, alias.parent) is not ...:
        return alias
    alias = copy(alias)
    alias.parent = parent
    return alias
