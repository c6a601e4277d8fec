"""What a Kubernetes manifest says of its workload: whose it is, where its Pod spec is, which Secrets its Pods get.

A value in a manifest may not be there yet (a Pulumi Output) or not be a plain mapping (an args class). `Lift` is how a
caller says so: every value is looked into through it.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias, TypeVar, Union, cast

from imagepull.images.rules import Subject
from imagepull.kubernetes.kinds import DEFAULT_SERVICE_ACCOUNT
from imagepull.pull_plan.access import PodAccess

__all__ = [
    "WORKLOAD_KINDS",
    "Later",
    "Lift",
    "Lifted",
    "apply_together",
    "find_pod_spec_path",
    "look_into_plain",
    "parse_spec_path",
    "read_entry_name",
    "read_pod_access",
    "read_subject",
    "to_text",
]

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)
U = TypeVar("U")


class Later(Protocol[T_co]):
    """A value that is known later: Pulumi's `Output`."""

    def apply(self, func: Callable[[T_co], Any], /) -> Any:
        """What `func` makes of the value, once it is known."""


Lifted: TypeAlias = Union[T, Later[T]]  # noqa: UP007 - mypy knows no other form of a generic alias
"""A value that is known now or later."""


class Lift(Protocol):
    """How to look into a value that may be known later."""

    def __call__(self, value: Lifted[T], function: Callable[[T], Lifted[U]], /) -> Lifted[U]:
        """What `function` makes of `value`, now or once it is known."""
        ...


def look_into_plain(value: Lifted[T], function: Callable[[T], Lifted[U]], /) -> Lifted[U]:
    """The `Lift` of values that are all known now."""
    return function(cast(T, value))


WORKLOAD_KINDS: Mapping[str, tuple[str, ...]] = {
    "Pod": ("spec",),
    "PodTemplate": ("template", "spec"),
    "ReplicationController": ("spec", "template", "spec"),
    "Deployment": ("spec", "template", "spec"),
    "ReplicaSet": ("spec", "template", "spec"),
    "StatefulSet": ("spec", "template", "spec"),
    "DaemonSet": ("spec", "template", "spec"),
    "Job": ("spec", "template", "spec"),
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
}
"""Kubernetes' own kinds that hold a Pod's spec: kind to where the spec is."""

_TEMPLATE_PATH = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")


def parse_spec_path(template_path: str) -> tuple[str, ...]:
    """Where the Pod spec is in a custom resource that holds its Pod template at `template_path`, as `spec.template`.

    Raises:
        ValueError: it is not field names joined by dots.
    """
    if not _TEMPLATE_PATH.fullmatch(template_path):
        raise ValueError(
            f"{template_path!r} is no path to a Pod template: write field names joined by dots (spec.template)"
        )
    return (*template_path.split("."), "spec")


def find_pod_spec_path(manifest: Mapping[str, object], given: Sequence[str] | None) -> Sequence[str] | None:
    """Where the Pod spec of a manifest is: as given, or by its kind; None for an object without one."""
    return given or WORKLOAD_KINDS.get(to_text(manifest.get("kind")))


def read_subject(manifest: Mapping[str, object], fallback: str, lift: Lift) -> Lifted[Subject]:
    """The `Subject` of a manifest, lifted; `fallback` is its name where the metadata has none."""

    def read(metadata: object) -> Lifted[Subject]:
        metadata = metadata if isinstance(metadata, Mapping) else {}
        return apply_together(
            lift,
            [metadata.get("name") or metadata.get("generateName"), metadata.get("namespace")],
            lambda name, namespace: Subject(
                kind=to_text(manifest.get("kind")), name=to_text(name) or fallback, namespace=to_text(namespace) or None
            ),
        )

    return lift(manifest.get("metadata"), read)


def read_pod_access(
    manifest: Mapping[str, object], *, name: str, lift: Lift, pod_spec: Sequence[str] | None = None
) -> Lifted[PodAccess]:
    """Which Secrets the Pods of a manifest get: a `PodAccess`, lifted.

    Args:
        manifest: Of a workload.
        name: What to call the workload when its metadata names none.
        lift: How to look into a value.
        pod_spec: Where the Pod spec is, for a kind that is not Kubernetes' own (see `parse_spec_path`).
    """

    def read(subject: Subject, spec: object) -> Lifted[PodAccess]:
        spec = spec if isinstance(spec, Mapping) else {}

        def read_entries(entries: object) -> Lifted[PodAccess]:
            entries = entries if isinstance(entries, Sequence) else []
            return apply_together(
                lift,
                [spec.get("serviceAccountName"), *(lift(entry, read_entry_name) for entry in entries)],
                lambda account, *secrets: PodAccess(
                    workload=f"{subject.kind}/{subject.name}",
                    namespace=subject.namespace,
                    pull_secrets=tuple(to_text(secret) for secret in secrets if secret),
                    service_account=to_text(account) or DEFAULT_SERVICE_ACCOUNT,
                ),
            )

        return lift(spec.get("imagePullSecrets"), read_entries)

    spec = _look_below(manifest, find_pod_spec_path(manifest, pod_spec) or (), lift)
    return apply_together(lift, [read_subject(manifest, name, lift), spec], read)


def apply_together(lift: Lift, values: Sequence[object], function: Callable[..., Lifted[U]]) -> Lifted[U]:
    """`function` of all the values, once each of them is there."""
    return lift(_gather(lift, values), lambda taken: function(*taken))


def _gather(lift: Lift, values: Sequence[object]) -> Lifted[list[object]]:
    """All the values. By halves: one lift within the other for each value is too deep for lists of hundreds."""
    if len(values) < 2:
        return lift(values[0], lambda value: [value]) if values else []
    middle = len(values) // 2
    first, second = values[:middle], values[middle:]
    return lift(_gather(lift, first), lambda taken: lift(_gather(lift, second), lambda others: [*taken, *others]))


def to_text(value: object) -> str:
    """The value as a text: manifests may hold anything, and what is wrong is for the API server to say."""
    return "" if value is None else value if isinstance(value, str) else repr(value)


def read_entry_name(entry: object) -> object:
    """The name in an entry of `imagePullSecrets`."""
    return entry.get("name") if isinstance(entry, Mapping) else None


def _look_below(node: object, path: Sequence[str], lift: Lift) -> object:
    """What is below `path`, lifted; None where that is nothing."""
    if not path or not isinstance(node, Mapping):
        return node if not path else None
    return lift(node.get(path[0]), lambda below: _look_below(below, path[1:], lift))
