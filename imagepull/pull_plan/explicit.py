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
from typing import Any

from imagepull.images.pull_policy import PullPolicy
from imagepull.images.rules import Decision, Rules, Subject, Violation
from imagepull.pull_plan.manifest import Lift, entry_name, pod_spec_path, subject, text, together

__all__ = ["ExplicitManifest", "ResolvedImage", "flat", "make_explicit"]

_CONTAINERS = ("containers", "initContainers", "ephemeralContainers")

_Pair = tuple[Any, Any]
"""A changed value, and the images found in it (nested lists)."""
_Change = Callable[[Any, str], _Pair]
"""From a value and its path in the manifest."""


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
    (`flat` again once they are there)."""


def make_explicit(
    manifest: Mapping[str, Any],
    *,
    pull_secrets: Any = (),
    rules: Rules | None = None,
    pod_spec: Sequence[str] | None = None,
    name: str = "",
    lift: Lift = lambda value, function: function(value),
) -> ExplicitManifest:
    """The manifest with a policy on each image, and the pull Secrets in each Pod spec that has containers.

    Args:
        manifest: Any Kubernetes object, left as it is. One without a Pod spec is what comes back.
        pull_secrets: Names for `imagePullSecrets`: appended where absent, after what is there.
        rules: What the environment allows and prescribes. Default: the kubelet's own rule and nothing else.
        pod_spec: Where the Pod spec is, for a kind that is not Kubernetes' own (see `spec_path`).
        name: What to call the workload when its metadata names none.
        lift: How to look into a value. Default: it is there and plain.

    Raises:
        ImagePullError: a policy is written that Kubernetes does not know.
    """
    path = pod_spec_path(manifest, pod_spec)
    if path is None:
        return ExplicitManifest(manifest=manifest, images=[])
    writer = _Writer(subject(manifest, name, lift), pull_secrets, rules or Rules(), lift)
    changed, images = writer.field(manifest, path, writer.pod_spec, "")
    return ExplicitManifest(manifest=changed, images=list(flat(images)))


def flat(images: Any) -> Iterator[Any]:
    """The images in lists of lists of them, in order."""
    if isinstance(images, Sequence):
        for image in images:
            yield from flat(image)
    else:
        yield images


def _at(change: _Change, where: str) -> Callable[[Any], _Pair]:
    return lambda node: change(node, where)


@dataclass(frozen=True)
class _Writer:
    """Goes down to the Pod spec and changes it on copies."""

    subject: Any
    pull_secrets: Any
    rules: Rules
    lift: Lift

    def field(self, node: Any, path: Sequence[str], change: _Change, where: str) -> _Pair:
        """`node` with what lies at `path` changed."""
        name, *below = path
        if not isinstance(node, Mapping) or node.get(name) is None:
            return node, []
        here = f"{where}.{name}" if where else name
        pair = self.lift(
            node[name],
            lambda value: self.field(value, below, change, here) if below else change(value, here),
        )
        value, images = self.split(pair)
        return {**node, name: value}, images

    def each(self, change: _Change) -> _Change:
        def change_each(nodes: Any, where: str) -> _Pair:
            if not isinstance(nodes, Sequence) or isinstance(nodes, str):
                return nodes, []
            pairs = [self.split(self.lift(node, _at(change, f"{where}[{index}]"))) for index, node in enumerate(nodes)]
            return [node for node, _ in pairs], [images for _, images in pairs]

        return change_each

    def split(self, pair: Any) -> _Pair:
        return self.lift(pair, lambda pair: pair[0]), self.lift(pair, lambda pair: pair[1])

    def pod_spec(self, spec: Any, where: str) -> _Pair:
        if not isinstance(spec, Mapping):
            return spec, []
        spec, containers = self.field(spec, ["containers"], self.each(self.container("")), where)
        spec, init = self.field(spec, ["initContainers"], self.each(self.container("init ")), where)
        spec, ephemeral = self.field(spec, ["ephemeralContainers"], self.each(self.container("ephemeral ")), where)
        spec, volumes = self.field(spec, ["volumes"], self.each(self.volume), where)
        if self.pull_secrets not in ((), []) and any(spec.get(field) is not None for field in _CONTAINERS):
            spec = {**spec, "imagePullSecrets": self.with_pull_secrets(spec.get("imagePullSecrets") or [])}
        return spec, [containers, init, ephemeral, volumes]

    def with_pull_secrets(self, entries: Any) -> Any:
        def append(entries: Any) -> Any:
            if not isinstance(entries, Sequence):
                return entries
            names = [self.lift(entry, entry_name) for entry in entries]
            return together(
                self.lift,
                [self.pull_secrets, *names],
                lambda ours, *theirs: [
                    *entries,
                    *({"name": name} for name in dict.fromkeys(ours) if name not in theirs),
                ],
            )

        return self.lift(entries, append)

    def container(self, role: str) -> _Change:
        return lambda node, where: self.image(node, "image", "imagePullPolicy", role, node, where)

    def volume(self, node: Any, where: str) -> _Pair:
        return self.field(
            node,
            ["image"],
            lambda source, where: self.image(source, "reference", "pullPolicy", "volume ", node, where),
            where,
        )

    def image(self, node: Any, image_field: str, policy_field: str, role: str, named: Any, where: str) -> _Pair:
        """`node` with the policy of the image that it names, if it names one."""
        if not isinstance(node, Mapping) or node.get(image_field) in (None, ""):
            return node, []
        image = self.lift(node[image_field], text)
        written = self.lift(node.get(policy_field), text)
        subject = self.subject if self.rules.exceptions else None
        decision = together(self.lift, [image, written, subject], self.rules.decide)
        policy = self.lift(decision, lambda decision: decision.policy.value)
        if written and isinstance(written, str) and not self.rules.sets_policies:
            policy = written  # known whatever the image turns out to be

        def resolved(subject: Subject, decision: Decision, image: str, name: str) -> ResolvedImage:
            return ResolvedImage(
                workload=f"{subject.kind}/{subject.name}",
                namespace=subject.namespace,
                container=role + name,
                image=image,
                policy=decision.policy,
                reason=decision.reason,
                path=where,
                violations=decision.violations,
            )

        name = self.lift(named.get("name"), text)
        entry = together(self.lift, [self.subject, decision, image, name], resolved)
        return {**node, policy_field: policy}, [entry]
