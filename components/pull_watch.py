"""Says during `pulumi up`, within seconds, why an image is not pulled."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NotRequired, Optional, TypedDict, Union

import pulumi

from imagepull.inputs import describe_value, to_camel_case
from imagepull.pull_plan.explicit import ResolvedImage, flatten, make_explicit
from imagepull.pull_plan.kinds import WorkloadKind
from imagepull.pull_plan.manifest import to_text
from imagepull.resource_types import PULL_WATCH

from .arguments import lift
from .plan import hide_secret
from .transform import ExplicitImagePulls
from .workload import Workload

__all__ = ["PullWatch", "PullWatchArgs", "WatchedWorkload", "watch_pulls"]


class WatchedWorkload(TypedDict):
    """A workload whose Pods are watched. Only values that are known before it is made: no outputs of it."""

    kind: pulumi.Input[str]
    """`Deployment`, `StatefulSet`, `DaemonSet`, `Job`, `CronJob` or `Pod`."""
    name: pulumi.Input[str]
    """`metadata.name` of the workload."""
    namespace: NotRequired[pulumi.Input[str]]
    """Its namespace. Default: that of the kubeconfig's context."""
    images: pulumi.Input[Sequence[pulumi.Input[str]]]
    """All images of its Pods, as they name them."""
    auto_named: NotRequired[pulumi.Input[bool]]
    """`name` is the name of the Pulumi resource, and Pulumi puts a random end behind it. Default: false."""


class PullWatchArgs(TypedDict):
    """What to watch while it is rolled out, and for how long."""

    workloads: pulumi.Input[Sequence[pulumi.Input[WatchedWorkload]]]
    """Workloads to watch. A change of them or of their images starts a watch; nothing else does."""
    fail: NotRequired[pulumi.Input[bool]]
    """Images that cannot be pulled are an error at the end of the watch. Default: false, they are warnings."""
    timeout: NotRequired[pulumi.Input[str]]
    """How long to watch at most: `10m`, `90s`. To reach it is no error. Default: `10m`."""


class PullWatch(pulumi.CustomResource):
    """Watches the Pods of workloads while they are rolled out, and warns of each image that is not pulled: cause, fix.

    It runs beside the workloads, so it must not depend on them. It ends when every image is there.

    Args:
        resource_name: Name of the Pulumi resource.
        args: See `PullWatchArgs`.
    """

    def __init__(self, resource_name: str, args: PullWatchArgs, opts: Optional[pulumi.ResourceOptions] = None) -> None:
        inputs = {to_camel_case(name): args.get(name) for name in PullWatchArgs.__annotations__}
        super().__init__(PULL_WATCH, resource_name, {**inputs, "workloads": _to_wire(args["workloads"])}, opts)


Watchable = Union[Workload, ExplicitImagePulls, Mapping[str, Any]]
"""What knows the images of workloads before they are made."""


def watch_pulls(
    *workloads: Watchable,
    fail: bool = False,
    timeout: Optional[str] = None,
    name: str = "image-pulls",
    opts: Optional[pulumi.ResourceOptions] = None,
) -> Optional[PullWatch]:
    """Watch workloads while `pulumi up` rolls them out, and warn of each image that is not pulled: cause and fix.

    Call it once, after the workloads are declared. It runs only when an image, or what is watched, changes.

    Args:
        workloads: Workload components; manifests, as mappings with `kind`, `metadata` and `spec`; or what
            `explicit_image_pulls` returned, for all workloads that the program has declared since then. Not what a
            chart or a YAML file declares: its images are known only once it is rolled out.
        fail: Make images that cannot be pulled an error at the end. Default: warnings.
        timeout: How long to watch at most: `10m`, `90s`. Default: 10 minutes.
        name: Name of the Pulumi resource.
        opts: Options of the Pulumi resource: `provider` where the workloads have one.

    Returns:
        The resource; None where there is nothing to watch.

    Raises:
        pulumi.RunError: one of the workloads is none of these.
    """
    if not workloads:
        return None
    manifests = [each for one in workloads for each in _list_manifests(one)]
    watched = [_describe(title, manifest, images) for title, manifest, images in manifests]
    accesses = list(dict.fromkeys(each.access for each in workloads if isinstance(each, Workload) and each.access))
    # The workloads wait for their access; a watch that did not would count that time.
    opts = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=list(accesses)))
    known = pulumi.Output.all(*watched).apply(lambda found: [each for each in found if each["images"]])
    args: PullWatchArgs = {"workloads": known, "fail": fail}
    if timeout is not None:
        args["timeout"] = timeout
    return PullWatch(name, args, opts)


def _list_manifests(one: object) -> Iterator[tuple[str, Mapping[str, Any], Sequence[object]]]:
    """Name, manifest and images of each workload in an argument of `watch_pulls`."""
    if isinstance(one, Workload):
        yield one.title.partition("/")[2], one.manifest, one.images
    elif isinstance(one, ExplicitImagePulls):
        for name, manifest in one.declared_workloads:
            yield name, manifest, make_explicit(manifest, name=name, lift=lift).images
    elif isinstance(one, Mapping):
        if one.get("kind") not in tuple(WorkloadKind):
            kinds = ", ".join(WorkloadKind)
            raise pulumi.RunError(
                f"watch_pulls: kind is {describe_value(one.get('kind'))}; write the kind of a workload: {kinds}"
            )
        yield "", one, make_explicit(one, lift=lift).images
    else:
        raise pulumi.RunError(
            f"watch_pulls: {type(one).__name__} tells its images only once it is rolled out; pass a workload of"
            " imagepull.components (which is the same resource), its manifest, or what explicit_image_pulls returned"
        )


def _describe(name: str, manifest: Mapping[str, Any], images: Sequence[object]) -> pulumi.Output[dict[str, Any]]:
    """A workload as the provider takes it. Images of secret Outputs are left out: warnings would show them."""

    def describe(known: Sequence[Any]) -> dict[str, Any]:
        metadata, found = known
        own = to_text(metadata.get("name"))
        prefix = to_text(metadata.get("generateName")).rstrip("-") or name
        place = {key: metadata[key] for key in ("namespace",) if metadata.get(key)}
        named = {"name": own} if own else {"name": prefix, "autoNamed": True}
        paths = {image.image for image in flatten(found) if isinstance(image, ResolvedImage)}
        return {"kind": to_text(manifest.get("kind")), **named, **place, "images": sorted(paths)}

    def read(metadata: object) -> Any:
        metadata = metadata if isinstance(metadata, Mapping) else {}
        return {key: metadata.get(key) for key in ("name", "namespace", "generateName")}

    return pulumi.Output.all(lift(manifest.get("metadata"), read), [*map(hide_secret, images)]).apply(describe)


def _to_wire(workloads: Any) -> Any:
    """The workloads with the schema's names (camel case)."""
    if isinstance(workloads, Sequence):
        return [_to_wire(each) for each in workloads]
    if isinstance(workloads, Mapping):
        return {to_camel_case(key): value for key, value in workloads.items()}
    return pulumi.Output.from_input(workloads).apply(_to_wire)
