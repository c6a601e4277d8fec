"""What a node's kubelet says of its cached images, and whether it asks who may use them."""

from typing import Final

from imagepull.diagnosis.objects import Node
from imagepull.images.reference import ImageReference

__all__ = ["is_cached", "keeps_pull_records"]

_RECORDS_SINCE: Final = (1, 35)


def is_cached(node: Node, reference: ImageReference) -> bool:
    """Whether the node lists the image in its cache; it lists 50 at most, so False proves nothing."""
    names = {reference.canonical}
    if reference.digest is None:
        names.add(reference.repository + ":" + (reference.tag or "latest"))
    return not names.isdisjoint(node.images)


def keeps_pull_records(node: Node) -> bool:
    """Whether its kubelet (1.35 or newer) lets only Pods with the right credential use a cached image."""
    parts = node.kubelet.removeprefix("v").split(".")
    return (
        len(parts) > 1
        and parts[0].isdigit()
        and parts[1].isdigit()
        and (int(parts[0]), int(parts[1])) >= _RECORDS_SINCE
    )
