"""The images of a workload that a stack declares, as the kubelet would take them and as rules judge them."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from imagepull.errors import InvalidInput, InvalidPullPolicy, Problem
from imagepull.images.rules import Rules
from imagepull.inputs import UNKNOWN
from imagepull.pull_plan.explicit import ExplicitManifest, ResolvedImage, make_explicit
from imagepull.pull_plan.manifest import WORKLOAD_KINDS, parse_spec_path
from policies.policy import Declared, Setting, Settings, Write

__all__ = [
    "TEMPLATE_PATHS",
    "find_added",
    "find_pod_spec",
    "format_image_path",
    "format_path",
    "resolve_images",
    "write_explicit_policies",
]

TEMPLATE_PATHS = {
    "templatePaths": Setting(
        default={},
        schema={
            "type": "object",
            "additionalProperties": {"type": "string"},
            "description": "For custom resources that hold a Pod template, their kind to where it is: "
            '{"Rollout": "spec.template"}',
        },
    )
}
"""The setting of every policy about workloads."""

_EMPTY: Sequence[object] = (None, "", [])


def write_explicit_policies(
    resource: Declared, settings: Settings, rules: Rules | None = None, pull_secrets: Sequence[str] = ()
) -> ExplicitManifest:
    """The resource with its policies written out, as far as it is known; one that is no workload has no images.

    Raises:
        InvalidPullPolicy: a policy is written that Kubernetes does not know.
        InvalidInput: one of the `templatePaths` is none.
    """
    path = _find_spec_path(resource, settings)
    if path is None:
        return ExplicitManifest(manifest=resource.props, images=[])
    manifest = {**resource.props, "metadata": _read_known_metadata(resource)}
    return make_explicit(manifest, pod_spec=path, rules=rules, pull_secrets=pull_secrets, lift=_apply_if_known)


def resolve_images(resource: Declared, settings: Settings, rules: Rules | None = None) -> list[ResolvedImage]:
    """The images that are known, with what the rules have against them; none when a written policy is unknown to
    Kubernetes, which is another policy's finding."""
    try:
        images = write_explicit_policies(resource, settings, rules).images
    except InvalidPullPolicy:
        return []
    return [image for image in images if isinstance(image, ResolvedImage)]


def find_pod_spec(resource: Declared, settings: Settings) -> tuple[tuple[str, ...], Mapping[str, Any]] | None:
    """Where the Pod's spec is and what is in it; None when there is none, or it is not known yet."""
    path = _find_spec_path(resource, settings)
    found: Any = resource.props
    for key in path or ():
        found = found.get(key) if isinstance(found, Mapping) else None
    return (path, found) if path and isinstance(found, Mapping) else None


def find_added(before: Any, after: Any, path: tuple[str | int, ...] = ()) -> Iterator[Write]:
    """The values that are in `after` and missing, or empty, in `before`."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key, value in after.items():
            if before.get(key) not in _EMPTY:
                yield from find_added(before[key], value, (*path, key))
            elif value not in _EMPTY:
                yield Write(path=(*path, key), value=value)
    elif isinstance(before, Sequence) and isinstance(after, Sequence) and not isinstance(after, str):
        for index, (old, new) in enumerate(zip(before, after, strict=False)):
            yield from find_added(old, new, (*path, index))


def format_path(path: Sequence[str | int]) -> str:
    """A path as text: `spec.containers[0].image`."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path).removeprefix(".")


def format_image_path(image: ResolvedImage) -> str:
    """Path of the field that names the image."""
    return f"{image.path}.reference" if image.container.startswith("volume ") else f"{image.path}.image"


def _find_spec_path(resource: Declared, settings: Settings) -> tuple[str, ...] | None:
    if not resource.type.startswith("kubernetes:"):
        return None
    kind = resource.props.get("kind")
    template_path = settings["templatePaths"].get(kind)
    if template_path is None:
        return WORKLOAD_KINDS.get(kind) if isinstance(kind, str) else None
    try:
        return parse_spec_path(template_path)
    except ValueError as error:
        raise InvalidInput([Problem(path=f"templatePaths.{kind}", reason=str(error))]) from None


def _read_known_metadata(resource: Declared) -> Mapping[str, Any]:
    metadata = resource.props.get("metadata")
    if not isinstance(metadata, Mapping):
        return {}
    return {key: value for key, value in metadata.items() if value is not UNKNOWN}


def _apply_if_known(value: Any, function: Callable[[Any], Any]) -> Any:
    return UNKNOWN if value is UNKNOWN else function(value)
