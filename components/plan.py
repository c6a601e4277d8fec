"""The image pull plan of a program: what its components resolved, as an output and at the end of a run."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import pulumi
from pulumi.output import contains_unknowns

from imagepull.plan import as_data, as_table, broken_rules
from imagepull.workload import ResolvedImage, flat

__all__ = ["ImagesSource", "image_pull_plan", "keeping_rules", "resolved_images"]


class ImagesSource(Protocol):
    """What knows images: a workload component."""

    @property
    def images(self) -> Sequence[Any]:
        """`ResolvedImage`s, and Outputs of them and of lists of them."""

    @property
    def title(self) -> str:
        """What to call the source where an image is not known yet."""


def resolved_images(images: Sequence[Any]) -> pulumi.Output[list[Mapping[str, Any]]]:
    """The images as plain data; unknown as long as one of them is."""
    return pulumi.Output.all(*images).apply(lambda images: [as_data(image) for image in flat(images)])


def keeping_rules(images: Sequence[Any]) -> pulumi.Output[list[Any]]:
    """An empty list, once every image is known to keep the rules: what depends on it waits for that.

    Where one does not, each violation is printed as an error, the Output fails, and with it the run. What is known
    already is printed at once, so that one run tells the violations of all workloads.
    """

    told = broken_rules(image for image in images if isinstance(image, ResolvedImage))
    for line in told:
        pulumi.error(line)

    def refuse(images: Any) -> list[Any]:
        broken = broken_rules(flat(images))
        for line in broken:
            if line not in told:
                pulumi.error(line)
        if broken:
            raise pulumi.RunError("images against the rules: see the errors above, or except them with a reason")
        return []

    return pulumi.Output.all(*images).apply(refuse)


def image_pull_plan(*sources: ImagesSource) -> pulumi.Output[list[Mapping[str, Any]]]:
    """The plan of all of them, for `pulumi.export`. It is also printed: once, after all else that a run prints first.

    What a preview does not know yet shows as such. The image of a secret Output is not shown.
    """
    images = [image for source in sources for image in source.images]
    titles = [source.title for source in sources for _ in source.images]

    def show(seen: Sequence[Any]) -> None:
        known: list[ResolvedImage] = []
        unknown: dict[str, None] = {}
        for title, images in zip(titles, seen, strict=True):
            if contains_unknowns(images):
                unknown[title] = None
            else:
                known.extend(flat(images))
        pulumi.info(as_table(known, list(unknown)))

    pulumi.Output.all(*map(_to_show, images)).apply(show, run_with_unknowns=True)
    return resolved_images(images)


def _to_show(image: Any) -> pulumi.Output[Any]:
    """The resolved image, `UNKNOWN` where it is not known yet, nothing where it is a secret."""
    output = pulumi.Output.from_input(image)

    async def unless_secret() -> Any:
        return [] if await output.is_secret() else output.apply(lambda image: image, run_with_unknowns=True)

    return pulumi.Output.from_input(unless_secret())
