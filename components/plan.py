"""The image pull plan of a program: what its components resolved, as an output and at the end of a run."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, Optional, Protocol

import pulumi
from pulumi.output import contains_unknowns

from imagepull.images.rules import RuleName
from imagepull.inputs import UNKNOWN
from imagepull.pull_plan import access as credentials
from imagepull.pull_plan.access import PodAccess
from imagepull.pull_plan.explicit import ResolvedImage, flatten
from imagepull.pull_plan.findings import Finding, Severity, collect_findings, sort_worst_first
from imagepull.pull_plan.plan import (
    Plan,
    add_colours,
    as_data,
    as_table,
    describe_renewals,
    describe_violations,
    warn_of_missing_secrets,
)
from imagepull.registries.lifetimes import find_issue_time, parse_lifetimes, parse_time
from imagepull.service_accounts.missing_secrets import read_missing_secrets

from .access import Access
from .registry_access import RegistryAccess

if TYPE_CHECKING:
    from imagepull.verify import Verifier

__all__ = ["ImagesSource", "describe_images", "enforce_rules", "hide_secret", "image_pull_plan"]

_REPORTED_BY_RULES: Final = frozenset(rule.value for rule in RuleName)
# The engine's own way of naming colours: it writes them where it prints to a terminal, and leaves them out elsewhere
# (pulumi/pulumi sdk/go/common/diag/colors/colors.go).
_COLOURS: Final = {
    "bold": "<{%bold%}>",
    "red": "<{%fg 1%}>",
    "yellow": "<{%fg 3%}>",
    "cyan": "<{%fg 6%}>",
    "off": "<{%reset%}>",
}


class ImagesSource(Protocol):
    """What knows images: a workload component."""

    @property
    def images(self) -> Sequence[object]:
        """`ResolvedImage`s, and Outputs of them and of lists of them."""
        ...

    @property
    def pods(self) -> Sequence[object]:
        """`PodAccess`es, likewise."""
        ...

    @property
    def title(self) -> str:
        """What to call the source where an image is not known yet."""
        ...


def describe_images(images: Sequence[object]) -> pulumi.Output[list[Mapping[str, object]]]:
    """The images as plain data; unknown as long as one of them is."""
    return pulumi.Output.all(*images).apply(lambda images: [as_data(image) for image in flatten(images)])


def enforce_rules(images: Sequence[object]) -> pulumi.Output[list[pulumi.Resource]]:
    """An empty list, once every image is known to keep the rules: what depends on it waits for that.

    Where one does not, each violation is printed as an error, the Output fails, and with it the run. What is known
    already is printed at once, so that one run lists the violations of all workloads.
    """

    printed = describe_violations(image for image in images if isinstance(image, ResolvedImage))
    for line in printed:
        pulumi.error(line)

    def refuse(images: Sequence[object]) -> list[pulumi.Resource]:
        broken = describe_violations(flatten(images))
        for line in broken:
            if line not in printed:
                pulumi.error(line)
        if broken:
            raise pulumi.RunError("images against the rules: see the errors above, or except them with a reason")
        return []

    return pulumi.Output.all(*images).apply(refuse)


def image_pull_plan(
    *sources: ImagesSource, access: Optional[Sequence[Access]] = None, verifier: Optional["Verifier"] = None
) -> pulumi.Output[Mapping[str, Any]]:
    """The plan of all of them, for `pulumi.export`. It is also printed as a table, below what a run prints first.

    The CLI prints no more than a `summary` of the output, so that the plan is on the terminal once. The images are in
    the output's `__images`, for programs: `pulumi stack output imagePullPlan --json`.

    What a preview does not know yet shows as such. The image of a secret Output is not shown. Below the plan is printed
    what will go wrong, or surprise, when the images are pulled (`imagepull.pull_plan.findings`).

    Args:
        sources: Workload components, and the transform.
        access: All access that the program declares or refers to. Default: nothing is said about Secrets.
        verifier: Looks up each image in its registry. An error of its own fails the run. Default: nobody is asked.
    """
    images = [image for source in sources for image in source.images]
    titles = [source.title for source in sources for _ in source.images]
    pods = [] if access is None else [pod for source in sources for pod in source.pods]
    accesses = None if access is None else pulumi.Output.all(*map(_plan_access, access))

    async def show(seen: Sequence[Any]) -> Any:
        seen_accesses, seen_pods, seen_images = seen
        known: list[ResolvedImage] = []
        unknown: dict[str, None] = {}
        for title, image in zip(titles, seen_images, strict=True):
            if contains_unknowns(image):
                unknown[title] = None
            else:
                known.extend(flatten(image))
        plan = Plan(
            images=tuple(known),
            unknown=tuple(unknown),
            accesses=None if seen_accesses is None or contains_unknowns(seen_accesses) else tuple(seen_accesses),
            pods=tuple(pod for pod in flatten(seen_pods) if isinstance(pod, PodAccess)),  # the others are not known yet
        )
        _print(plan, await verifier.list_findings(known) if verifier else [])

    to_show = [accesses, [hide_secret(pod) for pod in pods], [hide_secret(image) for image in images]]
    pulumi.Output.all(*to_show).apply(show, run_with_unknowns=True)
    return pulumi.Output.all(accesses, pods, images).apply(
        lambda all_: Plan(
            images=tuple(flatten(all_[2])),
            accesses=None if all_[0] is None else tuple(all_[0]),
            pods=tuple(flatten(all_[1])),
        ).as_output()
    )


def _print(plan: Plan, looked_up: Sequence[Finding]) -> None:
    """The plan with what is found below it; an error that was looked up fails the run."""
    refused = [each for each in looked_up if each.severity is Severity.ERROR]
    printed = [
        str(each)
        for each in sort_worst_first([*collect_findings(plan), *looked_up])
        if each.severity is not Severity.INFO and each.code not in _REPORTED_BY_RULES and each not in refused
    ]
    lines = as_table(plan).splitlines()
    for more in (describe_renewals(plan), [*printed, *warn_of_missing_secrets(plan)]):
        lines += ["", *more] if more else []
    pulumi.info("\n".join(add_colours(line, _COLOURS) for line in lines))
    for each in refused:
        pulumi.error(str(each))
    if refused:
        raise pulumi.RunError("images that cannot be pulled: see the errors above")


def _plan_access(access: Access) -> pulumi.Output[credentials.PlannedAccess]:
    """What the plan needs to know of an access; unknown as long as its name, hosts or accounts are."""
    sure = pulumi.Output.all(access.image_pull_secrets, access.hosts, access.service_accounts)
    # Only this stack's own state has it.
    lifetimes: object = access._lifetimes if isinstance(access, RegistryAccess) else {}
    missing: object = access._missing if isinstance(access, RegistryAccess) else {}
    later = pulumi.Output.all(access.namespaces, access.expires_at, lifetimes, missing)

    def of(seen: Sequence[Any]) -> pulumi.Output[credentials.PlannedAccess]:
        namespaces, expires, lifetimes, missing = seen
        return sure.apply(
            lambda sure: credentials.PlannedAccess(
                secret=sure[0][0] if sure[0] else credentials.NODE,
                hosts=tuple(sure[1]),
                namespaces=None if contains_unknowns(namespaces) else tuple(namespaces),
                service_accounts=tuple(sure[2]),
                expires=UNKNOWN if contains_unknowns(expires) else parse_time(expires),
                renewer=access.renewer if isinstance(access, RegistryAccess) else None,
                written=None if contains_unknowns(lifetimes) else find_issue_time(parse_lifetimes(lifetimes)),
                missing_secrets={} if contains_unknowns(missing) else read_missing_secrets(missing),
            )
        )

    return later.apply(of, run_with_unknowns=True)


def hide_secret(image: object) -> pulumi.Output[object]:
    """The resolved image, `UNKNOWN` where it is not known yet, nothing where it is a secret."""
    output = pulumi.Output.from_input(image)

    async def unless_secret() -> object:
        return [] if await output.is_secret() else output.apply(lambda image: image, run_with_unknowns=True)

    return pulumi.Output.from_input(unless_secret())
