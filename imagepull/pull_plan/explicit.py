"""Explicit pull policies and pull Secrets in a manifest: of every kind that has a Pod template.

One pure function, `make_explicit`, over manifests as plain mappings with the API's own keys (`imagePullPolicy`).
Where the API server fills an empty `imagePullPolicy` is where it is written out here: containers, init containers,
ephemeral containers and image volumes (kubernetes `pkg/apis/core/v1/defaults.go`). The server fills it on the first
write only, so a policy left out goes stale when the image's tag changes; one written out at each change does not.

The function looks into every value through `lift` (see `imagepull.pull_plan.manifest`), and passes on as they are the
values that it need not look into.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from imagepull.images.pull_policy import PullPolicy
from imagepull.images.rules import PolicyDecision, Rules, Subject, Violation
from imagepull.pull_plan.manifest import (
    Lift,
    Lifted,
    apply_together,
    find_pod_spec_path,
    look_into_plain,
    read_entry_name,
    read_subject,
    to_text,
)

__all__ = ["ExplicitManifest", "ResolvedImage", "flatten", "make_explicit"]


@dataclass(frozen=True, kw_only=True)
class _Slot:
    """A list in a Pod spec whose entries name images.

    Attributes:
        role: stands in front of the entry's name, so that an init container differs from an ordinary one.
        source: the field of an entry that holds image and policy; None where the entry itself does.
    """

    field: str
    role: str
    source: str | None = None
    image: str = "image"
    policy: str = "imagePullPolicy"


_SLOTS: Final = (
    _Slot(field="containers", role=""),
    _Slot(field="initContainers", role="init "),
    _Slot(field="ephemeralContainers", role="ephemeral "),
    _Slot(field="volumes", role="volume ", source="image", image="reference", policy="pullPolicy"),
)


@dataclass(frozen=True, kw_only=True)
class ResolvedImage:
    """One image of one workload, with the pull policy that it got and why."""

    workload: str
    """Kind and name: `Deployment/web`."""
    namespace: str | None
    """None where the manifest names none: the client's default namespace."""
    container: str
    """Name of the container, with its role in front unless it is an ordinary one: `init migrate`, `volume models`."""
    image: str
    """As it is written."""
    policy: PullPolicy
    reason: str
    path: str
    """Where in the manifest: `spec.template.spec.containers[0]`."""
    violations: tuple[Violation, ...] = ()
    """What the rules have against it."""

    @property
    def workload_title(self) -> str:
        """`shop/Deployment/web`; without the namespace where the manifest names none."""
        return f"{self.namespace}/{self.workload}" if self.namespace else self.workload


@dataclass(frozen=True, kw_only=True)
class ExplicitManifest:
    """A manifest with its policies written out, and what was decided."""

    manifest: Any
    """The manifest, a copy where it changed; lifted where it, or a value in it, had to be."""
    images: list[Any]
    """`ResolvedImage`s in the manifest's order; lifted ones, and lifted lists of them, where the values were
    (`flatten` again once they are there)."""


def make_explicit(
    manifest: Mapping[str, object],
    *,
    pull_secrets: Lifted[Sequence[str]] = (),
    rules: Rules | None = None,
    pod_spec: Sequence[str] | None = None,
    name: str = "",
    lift: Lift = look_into_plain,
) -> ExplicitManifest:
    """The manifest with a policy on each image, and the pull Secrets in each Pod spec that has containers.

    Args:
        manifest: Any Kubernetes object, left as it is. One without a Pod spec is what comes back.
        pull_secrets: Names for `imagePullSecrets`: appended where absent, after what is there.
        rules: What the environment allows and prescribes. Default: the kubelet's own rule and nothing else.
        pod_spec: Where the Pod spec is, for a kind that is not Kubernetes' own (see `parse_spec_path`).
        name: What to call the workload when its metadata names none.
        lift: How to look into a value. Default: it is there and plain.

    Raises:
        ImagePullError: a policy is written that Kubernetes does not know.
    """
    path = find_pod_spec_path(manifest, pod_spec)
    if path is None:
        return ExplicitManifest(manifest=manifest, images=[])
    writer = _Writer(
        subject=read_subject(manifest, name, lift), pull_secrets=pull_secrets, rules=rules or Rules(), lift=lift
    )
    changed = writer.write_below(path, manifest, "")
    return ExplicitManifest(manifest=changed.value, images=list(flatten(changed.images)))


def flatten(images: object) -> Iterator[Any]:
    """The images in lists of lists of them, in order."""
    if isinstance(images, Sequence):
        for image in images:
            yield from flatten(image)
    else:
        yield images


@dataclass(frozen=True, kw_only=True)
class _Changed:
    """A value after the change, and the images found in it (lists of lists of them)."""

    value: Any
    images: Any = ()


@dataclass(frozen=True, kw_only=True)
class _Writer:
    """Goes down to the Pod spec and changes copies of what is on the way.

    Each method takes a value and where it is in the manifest. A value of a shape that Kubernetes does not know stays as
    it is: the API server says what is wrong with it.
    """

    subject: Any
    pull_secrets: Any
    rules: Rules
    lift: Lift

    def write_below(self, path: Sequence[str], node: object, where: str) -> _Changed:
        """Change the Pod spec that lies at `path` below a node."""
        if not path:
            return self.write_pod_spec(node, where)
        return self.write_field(node, path[0], where, partial(self.write_below, path[1:]))

    def write_pod_spec(self, spec: object, where: str) -> _Changed:
        """Change every list of containers and volumes, and append the pull Secrets where there are containers."""
        if not isinstance(spec, Mapping):
            return _Changed(value=spec)
        images = []
        changed_spec: Mapping[str, object] = spec
        for slot in _SLOTS:
            changed = self.write_field(changed_spec, slot.field, where, partial(self.write_entries, slot))
            changed_spec = changed.value
            images.append(changed.images)
        has_containers = any(changed_spec.get(slot.field) is not None for slot in _SLOTS if slot.source is None)
        if self.pull_secrets not in ((), []) and has_containers:
            listed = changed_spec.get("imagePullSecrets") or []
            appended = self.lift(listed, self.append_pull_secrets)
            return _Changed(value={**changed_spec, "imagePullSecrets": appended}, images=images)
        return _Changed(value=changed_spec, images=images)

    def write_entries(self, slot: _Slot, entries: object, where: str) -> _Changed:
        """Change each entry of a list."""
        if not isinstance(entries, Sequence) or isinstance(entries, str):
            return _Changed(value=entries)
        changed = [
            self.look_into(entry, partial(self.write_entry, slot), f"{where}[{index}]")
            for index, entry in enumerate(entries)
        ]
        return _Changed(value=[each.value for each in changed], images=[each.images for each in changed])

    def write_entry(self, slot: _Slot, entry: object, where: str) -> _Changed:
        """Change a container, or the image of a volume."""
        if not isinstance(entry, Mapping):
            return _Changed(value=entry)
        write_image = partial(self.write_image, slot, entry.get("name"))
        if slot.source is None:
            return write_image(entry, where)
        return self.write_field(entry, slot.source, where, write_image)

    def write_image(self, slot: _Slot, name: object, source: object, where: str) -> _Changed:
        """Write out the policy of the image that `source` names, if it names one; `name` is that of its container."""
        if not isinstance(source, Mapping) or source.get(slot.image) in (None, ""):
            return _Changed(value=source)
        image = self.lift(source[slot.image], to_text)
        written = self.lift(source.get(slot.policy), to_text)
        subject = self.subject if self.rules.exceptions else None
        decision = apply_together(self.lift, [image, written, subject], self.rules.decide)
        policy = self.lift(decision, lambda decision: decision.policy.value)
        if written and isinstance(written, str) and not self.rules.sets_policies:
            policy = written  # known, whatever the image turns out to be

        def describe(subject: Subject, decision: PolicyDecision, image: str, name: str) -> ResolvedImage:
            return ResolvedImage(
                workload=f"{subject.kind}/{subject.name}",
                namespace=subject.namespace,
                container=slot.role + name,
                image=image,
                policy=decision.policy,
                reason=decision.reason,
                path=where,
                violations=decision.violations,
            )

        found = apply_together(self.lift, [self.subject, decision, image, self.lift(name, to_text)], describe)
        return _Changed(value={**source, slot.policy: policy}, images=[found])

    def append_pull_secrets(self, entries: object) -> object:
        """`imagePullSecrets` with our names behind what is listed, each once."""
        if not isinstance(entries, Sequence):
            return entries

        def append(ours: Sequence[str], *listed: object) -> list[object]:
            return [*entries, *({"name": name} for name in dict.fromkeys(ours) if name not in listed)]

        return apply_together(
            self.lift, [self.pull_secrets, *(self.lift(entry, read_entry_name) for entry in entries)], append
        )

    def write_field(self, node: object, field: str, where: str, write: Callable[[object, str], _Changed]) -> _Changed:
        """Change one field of a mapping; a field that is absent stays so."""
        if not isinstance(node, Mapping) or node.get(field) is None:
            return _Changed(value=node)
        changed = self.look_into(node[field], write, f"{where}.{field}" if where else field)
        return _Changed(value={**node, field: changed.value}, images=changed.images)

    def look_into(self, value: object, write: Callable[[object, str], _Changed], where: str) -> _Changed:
        """Change a value that may be lifted; then value and images are lifted, each on its own."""
        changed = self.lift(value, lambda known: write(known, where))
        return _Changed(
            value=self.lift(changed, lambda changed: changed.value),
            images=self.lift(changed, lambda changed: changed.images),
        )
