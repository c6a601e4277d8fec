"""Explicit pull policies and pull Secrets for workloads that others declare: charts, manifests, whole components."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Optional

import pulumi
from pulumi.runtime import rpc

from imagepull.images.rules import Rules
from imagepull.pull_plan.access import PodAccess
from imagepull.pull_plan.explicit import ExplicitManifest, make_explicit
from imagepull.pull_plan.kinds import WorkloadKind
from imagepull.pull_plan.manifest import WORKLOAD_KINDS, Lifted, parse_spec_path, read_pod_access
from imagepull.resource_types import parse_urn

from .access import Access, check_access
from .arguments import lift
from .plan import enforce_rules
from .workload import Workload

__all__ = ["ExplicitImagePulls", "explicit_image_pulls"]

_HELM_RELEASE = "kubernetes:helm.sh/v3:Release"
_RELEASE_WARNING = (
    "{}: explicit_image_pulls cannot reach what a helm.v3.Release installs, because Helm applies that itself;"
    " declare it as helm.v4.Chart, or set pull policies and pull Secrets in its values"
)

Exclude = Callable[[pulumi.ResourceTransformArgs], bool]
"""Whether a resource is to be left as it is."""


def explicit_image_pulls(
    access: Optional[Access] = None,
    *,
    rules: Optional[Rules] = None,
    exclude: Optional[Exclude] = None,
    template_paths: Optional[Mapping[str, str]] = None,
) -> "ExplicitImagePulls":
    """Write pull policies and pull Secrets into every workload that the program declares from here on, however.

    Reached are resources of pulumi_kubernetes, and those that `yaml.v2`, `kustomize.v2`, `helm.v4.Chart` and packaged
    components declare. Not reached is what a `helm.v3.Release` installs: Helm applies that itself. Our own workload
    components have their policies already; they get the pull Secret and the rules like all others.

    A transform that is registered after this one sees `apiVersion` as an Output, which carries that the workload
    depends on the access. If it changes the resource, the SDK drops that: the order of `up` stays right, and `destroy`
    may delete both at once.

    Args:
        access: Whose Secret the Pods in its namespaces are to name. Default: policies only.
        rules: What the environment allows and prescribes. Default: the kubelet's own rule and nothing else.
        exclude: Tells which resources to leave as they are, by type, name or properties. Default: none.
        template_paths: For custom resources that hold a Pod template, their kind to where it is:
            `{"Rollout": "spec.template"}`. Default: none.

    Raises:
        pulumi.RunError: a template path is not one, or `access` is none.
    """
    if (problem := check_access(access)) is not None:
        raise pulumi.RunError(f"explicit_image_pulls: {problem}")
    return ExplicitImagePulls(access, rules, exclude, template_paths or {})


@dataclass(frozen=True, kw_only=True)
class _Resolved:
    """A workload that went through the transform; `ours`: a component, which reports its images itself."""

    explicit: ExplicitManifest
    name: str
    pod_spec: Optional[Sequence[str]]
    ours: bool

    def list_pods(self) -> Lifted[PodAccess]:
        return read_pod_access(self.explicit.manifest, name=self.name, lift=lift, pod_spec=self.pod_spec)


class ExplicitImagePulls:
    """The registered transform. It is a source of the image pull plan (`components.plan.image_pull_plan`)."""

    title = "transform"

    def __init__(
        self,
        access: Optional[Access],
        rules: Optional[Rules],
        exclude: Optional[Exclude],
        template_paths: Mapping[str, str],
    ) -> None:
        try:
            self._spec_paths = {kind: parse_spec_path(path) for kind, path in template_paths.items()}
        except ValueError as error:
            raise pulumi.RunError(f"template_paths: {error}") from None
        self._access = access
        self._rules = rules
        self._exclude = exclude
        self._declared: list[pulumi.Resource] = []
        self._workloads: list[tuple[str, Mapping[str, Any]]] = []
        self._ours: dict[tuple[str, str], list[pulumi.Resource | None]] = {}
        self._resolved: dict[tuple[str, str, str], _Resolved] = {}
        pulumi.runtime.register_stack_transformation(self._note)
        pulumi.runtime.register_resource_transform(self._transform)

    @property
    def images(self) -> Sequence[pulumi.Output[list[object]]]:
        """The images of what the program has declared by now, once it is registered."""
        return [self._wait_for_registration(lambda resolved: [] if resolved.ours else resolved.explicit.images)]

    @property
    def pods(self) -> Sequence[pulumi.Output[list[object]]]:
        """How the Pods of all workloads get their pull Secrets, likewise."""
        return [self._wait_for_registration(lambda resolved: [resolved.list_pods()])]

    @property
    def declared_workloads(self) -> Sequence[tuple[str, Mapping[str, Any]]]:
        """Name and manifest of the workloads that the program itself has declared by now, before they are made."""
        return self._workloads

    def _wait_for_registration(self, what: Callable[[_Resolved], Sequence[object]]) -> pulumi.Output[list[object]]:
        registered = pulumi.Output.all(*(resource.urn for resource in self._declared))

        def list_all(_: object) -> pulumi.Output[list[object]]:
            in_order = [self._resolved[key] for key in sorted(self._resolved)]
            return pulumi.Output.all(*(one for resolved in in_order for one in what(resolved)))

        return registered.apply(list_all, run_with_unknowns=True)

    def _note(self, args: pulumi.ResourceTransformationArgs) -> None:
        self._declared.append(args.resource)
        if args.type_.startswith("kubernetes:") and args.props.get("kind") in tuple(WorkloadKind):
            self._workloads.append((args.name, args.props))
        if isinstance(args.resource, Workload):
            parent = args.opts.parent if args.opts else None
            self._ours.setdefault((args.type_, args.name), []).append(parent)

    async def _transform(self, args: pulumi.ResourceTransformArgs) -> Optional[pulumi.ResourceTransformResult]:
        props: Any = args.props
        if not args.type_.startswith("kubernetes:") or (self._exclude and self._exclude(args)):
            return None
        if args.type_ == _HELM_RELEASE:
            pulumi.warn(_RELEASE_WARNING.format(args.name))
            return None
        kind = props.get("kind")
        if kind not in WORKLOAD_KINDS and kind not in self._spec_paths:
            return None
        parent = await _find_urn(args.opts.parent)
        secrets = self._find_secrets(props)
        explicit = make_explicit(
            props,
            pull_secrets=secrets,
            rules=self._rules,
            pod_spec=self._spec_paths.get(kind),
            name=args.name,
            lift=lift,
        )
        ours = await self._is_ours(args, parent)
        resolved = _Resolved(explicit=explicit, name=args.name, pod_spec=self._spec_paths.get(kind), ours=ours)
        self._resolved[(parent, args.type_, args.name)] = resolved
        if self._rules:
            kept = enforce_rules(explicit.images)
            if not pulumi.runtime.is_dry_run():
                await kept.future()  # nothing that breaks a rule is registered, even without a preview first
        if self._access is None or secrets == [] or parent == await self._access.urn.future():
            return pulumi.ResourceTransformResult(props=explicit.manifest, opts=args.opts)
        # The SDK waits for it, so the workload comes after its Secret.
        opts = pulumi.ResourceOptions.merge(args.opts, pulumi.ResourceOptions(depends_on=[self._access]))
        props = {**explicit.manifest, **await _note_dependency(explicit.manifest, self._access)}
        return pulumi.ResourceTransformResult(props=props, opts=opts)

    async def _is_ours(self, args: pulumi.ResourceTransformArgs, parent: str) -> bool:
        """Whether it is one of our workload components, which knows its images and the reasons itself."""
        return parent in [await _find_urn(ours) for ours in self._ours.get((args.type_, args.name), ())]

    def _find_secrets(self, props: Mapping[str, Any]) -> Any:
        """Names of pull Secrets for a workload, by its namespace."""
        access = self._access
        if access is None:
            return []
        return lift(
            props.get("metadata"),
            lambda metadata: access.secrets_in(metadata.get("namespace") if isinstance(metadata, Mapping) else None),
        )


async def _note_dependency(manifest: Mapping[str, Any], access: Access) -> Mapping[str, Any]:
    """The manifest's `apiVersion`, with the access as what it depends on: so the state keeps it.

    `destroy` goes by the state, and would delete Secret and workload side by side. The engine drops a `depends_on` that
    a stack's transform adds (pulumi pkg/resource/deploy/source_eval.go, `len(req.Transforms) > 0`), and the SDK drops
    what an Output depends on when it hands back the properties (sdk/python/lib/pulumi/runtime/_callbacks.py). What the
    engine does keep is the dependency of a value on the wire. It is a field of which transforms after this one have the
    least use: they see an Output in its place.
    """
    version = manifest.get("apiVersion")
    if version is None:
        return {}
    depends = pulumi.Output.all(version, access.urn).apply(lambda both: both[0])
    return {"apiVersion": await rpc.serialize_property(depends, [], "apiVersion", keep_output_values=True)}


async def _find_urn(parent: Optional[pulumi.Resource]) -> str:
    """URN of a parent; empty for the stack, whether it is given or implied."""
    urn = (await parent.urn.future() if parent else None) or ""
    found = parse_urn(urn)
    return "" if found and found.type == "pulumi:pulumi:Stack" else urn
