"""A workload component as a program in another language sees it: one component around the Kubernetes resource."""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi

from imagepull.resource_types import make_type_token

from .declared import kinds
from .options import select_child_options, select_component_options

__all__ = ["WorkloadByName"]


class WorkloadByName(pulumi.ComponentResource):
    """One of `components.kinds`, with the resource options applied to it as if it were declared without us.

    A package can only have components and custom resources of its own, while Python's classes are pulumi_kubernetes'.

    Args:
        kind: Name of the class.
        name: Name of the Pulumi resource.
        args: Those of the class.

    Raises:
        pulumi.RunError: as the class does.
    """

    resolved_images: pulumi.Output[Sequence[Mapping[str, Any]]]
    """Each image with its pull policy and the reason."""

    def __init__(self, kind: str, name: str, args: Mapping[str, Any], opts: pulumi.ResourceOptions | None) -> None:
        super().__init__(make_type_token(kind), name, None, select_component_options(opts))
        resource = getattr(kinds, kind)(name, args, select_child_options(self, name, opts))
        self.resolved_images = resource.resolved_images
        self.register_outputs({"resolvedImages": self.resolved_images})
