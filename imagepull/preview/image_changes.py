"""What a run of Pulumi means for image pulls: the images and policies before and after, the pull Secrets, who has them.

The workloads are read from the manifests that Pulumi sends to the cluster, so it does not matter who declares them.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from imagepull.errors import InvalidPullPolicy
from imagepull.images.pull_policy import PullPolicy, resolve
from imagepull.images.rules import RuleName, Violation
from imagepull.inputs import UNKNOWN
from imagepull.kubernetes.kinds import DEFAULT_SERVICE_ACCOUNT
from imagepull.preview.engine_events import SECRET, PreviewRun, Step
from imagepull.pull_plan.access import PlannedAccess, PodAccess
from imagepull.pull_plan.explicit import ResolvedImage, flatten, make_explicit
from imagepull.pull_plan.findings import Finding, Severity
from imagepull.pull_plan.manifest import read_pod_access
from imagepull.pull_plan.plan import TITLE, Plan, list_images_of_output
from imagepull.registries.lifetimes import find_issue_time, parse_lifetimes, parse_time
from imagepull.registry_secret import spec as registry_secret
from imagepull.renewal.renewer_plan import plan_renewer
from imagepull.resource_types import REGISTRY_SECRET, SERVICE_ACCOUNTS
from imagepull.service_accounts.missing_secrets import read_missing_secrets

__all__ = [
    "AccessChange",
    "ImageChange",
    "find_access_changes",
    "find_image_changes",
    "find_reported_findings",
    "read_plan",
]

_GONE: Final = ("delete", "discard")
_KNOWN_AFTER_UP: Final = "(known after up)"
_UNCHANGED: Final = ("same", "read", "refresh")


@dataclass(frozen=True, kw_only=True)
class ImageChange:
    """One container's image and policy before and after; None where there is none."""

    before: ResolvedImage | None
    after: ResolvedImage | None


@dataclass(frozen=True, kw_only=True)
class AccessChange:
    """A pull Secret, or the ServiceAccounts' lists, that change.

    Attributes:
        op: as in `Step`; `renew` where nothing changes but the tokens.
        kind: `Secret` or `ServiceAccounts`.
        details: short clauses: what is added, removed or changed.
    """

    op: str
    kind: str
    name: str
    details: tuple[str, ...]


def read_plan(run: PreviewRun) -> Plan:
    """The plan after the run, of the workloads in the run, by namespace and name."""
    reasons = {_identify(image): image for image in _read_reported_images(run)}
    images: list[ResolvedImage] = []
    pods: list[PodAccess] = []
    unknown: dict[str, None] = {}
    for step in _sort_by_place(run.steps):
        if step.op in _GONE:
            continue
        found = list(_read_images(step.new, step.name))
        for image in found:
            if isinstance(image, ResolvedImage):
                images.append(reasons.get(_identify(image), image))
            else:
                unknown[f"{step.new.get('kind')}/{step.name}"] = None
        if found and isinstance(pod := read_pod_access(step.new, name=step.name, lift=_apply_if_known), PodAccess):
            pods.append(pod)
    return Plan(images=tuple(images), unknown=tuple(unknown), accesses=_read_accesses(run), pods=tuple(pods))


def find_image_changes(run: PreviewRun) -> list[ImageChange]:
    """The containers whose image or policy changes, and those that come or go."""
    changes = []
    for step in _sort_by_place(run.steps):
        if step.op in _UNCHANGED:
            continue
        before = {image.container: image for image in _list_known_images(step.old, step.name)}
        after = (
            {} if step.op in _GONE else {image.container: image for image in _list_known_images(step.new, step.name)}
        )
        for container in dict.fromkeys([*before, *after]):
            change = ImageChange(before=before.get(container), after=after.get(container))
            if _get_image_and_policy(change.before) != _get_image_and_policy(change.after):
                changes.append(change)
    return changes


def find_access_changes(run: PreviewRun) -> list[AccessChange]:
    """The pull Secrets and the ServiceAccounts' lists that change, and the renewals that are due."""
    due = {message.urn: message.text for message in run.messages if message.text.startswith("renewal due")}
    changes = []
    for step in sorted(run.steps, key=lambda step: (step.type, step.name)):
        if step.op in _UNCHANGED:
            continue
        if step.type == REGISTRY_SECRET:
            changes.append(_describe_secret_change(step, due.get(step.urn)))
        elif step.type == SERVICE_ACCOUNTS:
            details = (
                *_describe_difference(step, "Secrets", lambda inputs: _read_texts(inputs.get("secretNames"))),
                *_describe_difference(step, "namespaces", lambda inputs: _read_texts(inputs.get("namespaces"))),
                *_describe_difference(
                    step,
                    "accounts",
                    lambda inputs: _read_texts(inputs.get("serviceAccounts")) or [DEFAULT_SERVICE_ACCOUNT],
                ),
                *_describe_difference(step, "nodes' role", _read_node_role),
            )
            changes.append(AccessChange(op=step.op, kind="ServiceAccounts", name=step.name, details=details))
    return changes


def find_reported_findings(run: PreviewRun, found: Iterable[Finding]) -> list[str]:
    """The findings that the program printed below its plan, without those that are `found` here anyway.

    The program knows more: what registries answered (`imagepull.verify`), and access from other stacks.
    """
    known = {str(finding) for finding in found}
    severities = tuple(f"{severity.value}: " for severity in Severity)
    plans = [message.text for message in run.messages if message.text.startswith(TITLE)]
    return [line for text in plans for line in text.splitlines() if line.startswith(severities) and line not in known]


def _read_accesses(run: PreviewRun) -> tuple[PlannedAccess, ...] | None:
    """The pull Secrets that the program declares, as they are after the run; None if the run does not list all."""
    if not run.complete:
        return None
    steps = [step for step in run.steps if step.op not in _GONE]
    secrets = [step for step in steps if step.type == REGISTRY_SECRET]
    if not all(
        isinstance(step.new.get("name"), str) and _KNOWN_AFTER_UP not in _read_hosts(step.new) for step in secrets
    ):
        return None
    return tuple(_read_access(step, steps, preview=run.preview) for step in secrets)


def _read_access(step: Step, steps: Iterable[Step], *, preview: bool) -> PlannedAccess:
    secret, namespaces = str(step.new.get("name")), step.new.get("namespaces")
    renewed = preview and step.op not in _UNCHANGED and registry_secret.holds_tokens(step.new)
    lifetimes = {} if renewed else parse_lifetimes(step.new_outputs.get("lifetimes"))
    accounts = [
        each for each in steps if each.type == SERVICE_ACCOUNTS and secret in _read_texts(each.new.get("secretNames"))
    ]
    return PlannedAccess(
        secret=secret,
        hosts=tuple(_read_hosts(step.new)),
        namespaces=None if _KNOWN_AFTER_UP in _read_texts(namespaces) else tuple(_read_texts(namespaces)),
        service_accounts=tuple(
            account
            for each in accounts
            for account in _read_texts(each.new.get("serviceAccounts")) or [DEFAULT_SERVICE_ACCOUNT]
        ),
        expires=UNKNOWN if renewed else parse_time(step.new_outputs.get("expiresAt")),
        written=find_issue_time(lifetimes),
        renewer=plan_renewer(step.new.get("renewal")),
        missing_secrets={
            place: names
            for each in accounts
            for place, names in read_missing_secrets(each.new_outputs.get("missingSecrets")).items()
        },
    )


def _describe_secret_change(step: Step, due: str | None) -> AccessChange:
    renewal = step.op == "update" and "expiresAt" in step.changed
    others = [path for path in step.changed if not path.startswith(("namespaces", "registries", "expiresAt"))]
    details = [
        *_describe_difference(step, "hosts", _read_hosts),
        *_describe_difference(step, "namespaces", lambda inputs: _read_texts(inputs.get("namespaces"))),
    ]
    if step.op == "update" and others:
        details.append(f"changed: {', '.join(others)}")
    if step.op == "update" and not details and any(path.startswith("registries") for path in step.changed):
        details.append("changed: how the tokens are asked for, or a password")
    op = "renew" if renewal and not details else step.op
    if renewal:
        details.append(due or "renewal due")
    name = step.new.get("name") or step.old.get("name") or step.name
    return AccessChange(op=op, kind="Secret", name=str(name), details=tuple(details))


def _describe_difference(step: Step, what: str, values: Callable[[Mapping[str, Any]], list[str]]) -> Iterator[str]:
    """What is added to and removed from a list; all of it where the resource comes or goes."""
    before = [] if step.op == "create" else values(step.old)
    after = [] if step.op in _GONE else values(step.new)
    if added := [each for each in after if each not in before]:
        yield f"{what}: {_join_names(added)}" if step.op == "create" else f"{what} added: {_join_names(added)}"
    if removed := [each for each in before if each not in after]:
        yield f"{what}: {_join_names(removed)}" if step.op in _GONE else f"{what} removed: {_join_names(removed)}"


def _read_node_role(inputs: Mapping[str, Any]) -> list[str]:
    role = inputs.get("nodeRoleArn")
    return [] if role is None else _read_texts([role])


def _join_names(texts: list[str], most: int = 8) -> str:
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more


def _read_hosts(inputs: Mapping[str, Any]) -> list[str]:
    registries = inputs.get("registries")
    if registries is UNKNOWN or registries == SECRET:
        return [_KNOWN_AFTER_UP]
    entries = registries if isinstance(registries, list) else []
    return _read_texts([each.get("host") if isinstance(each, Mapping) else UNKNOWN for each in entries])


def _read_texts(values: Any) -> list[str]:
    if not isinstance(values, list):
        return [_KNOWN_AFTER_UP] if values is UNKNOWN else []
    return [value if isinstance(value, str) and value != SECRET else _KNOWN_AFTER_UP for value in values]


def _sort_by_place(steps: Iterable[Step]) -> list[Step]:
    """Sorted by namespace, type and name: the order in which Pulumi reports them differs from run to run."""

    def place(step: Step) -> tuple[str, str, str]:
        metadata = (step.new or step.old).get("metadata")
        namespace = metadata.get("namespace") if isinstance(metadata, Mapping) else None
        return namespace if isinstance(namespace, str) else "", step.type, step.name

    return sorted(steps, key=place)


def _read_reported_images(run: PreviewRun) -> Iterator[ResolvedImage]:
    """The rows that components and the stack have as outputs: they know the reason that a manifest does not hold."""
    for step in run.steps:
        resolved = step.new_outputs.get("resolvedImages")
        planned = list_images_of_output(step.new_outputs.get("imagePullPlan"))
        for row in [*(resolved if isinstance(resolved, list) else ()), *planned]:
            image = _parse_row(row)
            if image is not None:
                yield image


def _parse_row(row: Any) -> ResolvedImage | None:
    """The inverse of `imagepull.pull_plan.plan.as_data`; None for what is not of that form."""
    if not isinstance(row, Mapping):
        return None
    texts = {name: row.get(name) for name in ("workload", "container", "image", "reason", "path")}
    try:
        policy = PullPolicy(row.get("policy"))
        violations = tuple(
            Violation(rule=RuleName(each["rule"]), message=each["message"]) for each in row.get("violations", ())
        )
    except (ValueError, KeyError, TypeError):
        return None
    if not all(isinstance(text, str) for text in texts.values()):
        return None
    return ResolvedImage(**texts, namespace=row.get("namespace"), policy=policy, violations=violations)  # type: ignore[arg-type]


def _list_known_images(manifest: Mapping[str, Any], name: str) -> list[ResolvedImage]:
    return [image for image in _read_images(manifest, name) if isinstance(image, ResolvedImage)]


def _read_images(manifest: Mapping[str, Any], name: str) -> Iterable[Any]:
    """The manifest's images with a reason for each policy; `UNKNOWN` in place of what is not known."""
    if not isinstance(manifest.get("kind"), str):
        return []
    try:
        found = list(flatten(make_explicit(manifest, name=name, lift=_apply_if_known).images))
    except InvalidPullPolicy:
        return [UNKNOWN]  # the API server refuses it in the preview already
    return [_restore_reason(image) if isinstance(image, ResolvedImage) else image for image in found]


def _apply_if_known(value: Any, function: Callable[[Any], Any]) -> Any:
    return UNKNOWN if value is UNKNOWN or value == SECRET else function(value)


def _restore_reason(image: ResolvedImage) -> ResolvedImage:
    """A manifest has each policy written out: one that is the default anyway has the default's reason."""
    default = resolve(image.image)
    return replace(image, reason=default.reason) if default.policy is image.policy else image


def _identify(image: ResolvedImage) -> tuple[object, ...]:
    return image.namespace, image.workload, image.container, image.image, image.policy


def _get_image_and_policy(image: ResolvedImage | None) -> tuple[str, str] | None:
    return None if image is None else (image.image, image.policy.value)
