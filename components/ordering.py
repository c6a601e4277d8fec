"""The order in which the resources of a component are made."""

import pulumi

__all__ = ["order_after"]


def order_after(opts: pulumi.ResourceOptions, *resources: pulumi.Resource) -> pulumi.ResourceOptions:
    """The options, for a resource that is made once these are there, and deleted before them."""
    return pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[*resources]))
