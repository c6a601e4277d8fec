"""The image pull plan of a program: what its components resolved, as an output and at the end of a run."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Optional, Protocol

import pulumi
from pulumi.output import contains_unknowns

from components.stack_references import Access
from imagepull import findings
from imagepull.findings import Severity
from imagepull.plan import as_data, as_table, broken_rules
from imagepull.rules import RuleName
from imagepull.workload import ResolvedImage, flat

if TYPE_CHECKING:
    from imagepull.verify import Verifier

__all__ = ["ImagesSource", "image_pull_plan", "keeping_rules", "resolved_images"]

_TOLD_BY_THE_RULES: Final = frozenset(rule.value for rule in RuleName)


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


def image_pull_plan(
    *sources: ImagesSource, access: Optional[Sequence[Access]] = None, verifier: Optional["Verifier"] = None
) -> pulumi.Output[list[Mapping[str, Any]]]:
    """The plan of all of them, for `pulumi.export`. It is also printed: once, after all else that a run prints first.

    What a preview does not know yet shows as such. The image of a secret Output is not shown. Below the plan is printed
    what will go wrong, or surprise, when the images are pulled (`imagepull.findings`).

    Args:
        sources: Workload components, and the transform.
        access: All access that the program declares or refers to. Default: nothing is said about missing access.
        verifier: Looks up each image in its registry. An error of its own fails the run. Default: nobody is asked.
    """
    images = [image for source in sources for image in source.images]
    titles = [source.title for source in sources for _ in source.images]
    secrets = None if access is None else pulumi.Output.all(*map(_pull_secret, access))

    async def show(seen: Sequence[Any]) -> Any:
        accesses, *shown = seen
        known: list[ResolvedImage] = []
        unknown: dict[str, None] = {}
        for title, images in zip(titles, shown, strict=True):
            if contains_unknowns(images):
                unknown[title] = None
            else:
                known.extend(flat(images))
        offline = findings.findings(known, None if contains_unknowns(accesses) else accesses)
        looked_up = await verifier.findings(known) if verifier else []
        _print(as_table(known, list(unknown)), offline, looked_up)

    pulumi.Output.all(secrets, *map(_to_show, images)).apply(show, run_with_unknowns=True)
    return resolved_images(images)


def _print(table: str, offline: Sequence[findings.Finding], looked_up: Sequence[findings.Finding]) -> None:
    """The plan with what is found below it; an error that was looked up fails the run."""
    refused = [each for each in looked_up if each.severity is Severity.ERROR]
    told = [
        str(each)
        for each in findings.worst_first([*offline, *looked_up])
        if each.severity is not Severity.INFO and each.code not in _TOLD_BY_THE_RULES and each not in refused
    ]
    pulumi.info("\n".join([table, *(["", *told] if told else [])]))
    for each in refused:
        pulumi.error(str(each))
    if refused:
        raise pulumi.RunError("images that cannot be pulled: see the errors above")


def _pull_secret(access: Access) -> pulumi.Output[findings.Access]:
    """What the findings need to know of an access; unknown as long as its hosts are."""
    names, hosts = access.image_pull_secrets, access.hosts

    def of(namespaces: Any) -> pulumi.Output[findings.Access]:
        known = None if contains_unknowns(namespaces) else tuple(namespaces)
        return pulumi.Output.all(names, hosts).apply(
            lambda both: findings.Access(secret=both[0][0], hosts=tuple(both[1]), namespaces=known)
        )

    return access.namespaces.apply(of, run_with_unknowns=True)


def _to_show(image: Any) -> pulumi.Output[Any]:
    """The resolved image, `UNKNOWN` where it is not known yet, nothing where it is a secret."""
    output = pulumi.Output.from_input(image)

    async def unless_secret() -> Any:
        return [] if await output.is_secret() else output.apply(lambda image: image, run_with_unknowns=True)

    return pulumi.Output.from_input(unless_secret())
