"""The status of an inventory: each workload's next Pod, each Pod there is, and each token, put together."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final

from imagepull.diagnosis.objects import Container, Pod
from imagepull.errors import InvalidPullPolicy, InvalidReference
from imagepull.images.pull_policy import PullPolicy, resolve
from imagepull.images.reference import parse
from imagepull.redaction import redact
from imagepull.status.evidence import Evidence, gather_evidence
from imagepull.status.inventory import Inventory
from imagepull.status.model import OpenedBy, Pull, StartOutcome, Status, TokenStatus
from imagepull.status.next_start import Explain, Explanation, Judgement, Start, judge
from imagepull.status.openings import find_entry_expiry, list_usable_entries
from imagepull.status.renewers import find_renewal_due, find_renewer, read_owner_title
from imagepull.status.workloads import format_container_title

__all__ = ["FailsNow", "assemble"]

FailsNow = Callable[[Pod], Mapping[tuple[str, str], Explanation]]
"""Why images of a Pod are not pulled right now: by name of the container with its role, and image."""

_ENDED: Final = frozenset({"Succeeded", "Failed"})
_MENDED_FOR_NEXT_POD: Final = frozenset(
    {"fixed-since", "pod-before-sa-patch", "pod-other-serviceaccount", "pod-own-list"}
)
"""Causes that lie in one Pod: the workload's next Pod does not have them."""
_RANKS: Final = {outcome: rank for rank, outcome in enumerate(StartOutcome)}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Image:
    """One image of a Pod, by the container (with its role) or volume that has it."""

    container: str
    image: str
    policy: str
    started: bool


def assemble(inventory: Inventory, within: float, *, explain: Explain, fails_now: FailsNow) -> Status:
    """The whole status.

    Args:
        within: seconds ahead in which a token that expires counts.
        explain: says why a registry would refuse a start.
        fails_now: says why images of a Pod are not pulled right now.
    """
    judged = _Judge(inventory, gather_evidence(inventory), within, explain)
    of_pods = list(_judge_pods(inventory, judged, fails_now))
    pulls = _merge([*_add_lasting_causes(_judge_templates(inventory, judged), of_pods), *of_pods])
    namespaces = {pod.namespace for pod in inventory.pods} | {each.template.namespace for each in inventory.workloads}
    return Status(
        scope=inventory.scope,
        at=inventory.at,
        within=within,
        pulls=tuple(sorted(pulls, key=_rank)),
        tokens=tuple(_list_tokens(inventory, pulls)),
        namespaces=len(namespaces),
        workloads=len(inventory.workloads),
        pods=len(inventory.pods),
        limits=inventory.limits,
    )


class _Judge:
    """`judge`, asked once for each different start: the Pods of a workload do not differ in what decides."""

    def __init__(self, inventory: Inventory, evidence: Evidence, within: float, explain: Explain) -> None:
        self._inventory, self._evidence, self._within, self._explain = inventory, evidence, within, explain
        self._known: dict[tuple[object, ...], Judgement] = {}

    def __call__(self, start: Start) -> Judgement:
        pod = start.pod
        account, secrets = pod.service_account, pod.pull_secrets
        node = pod.node if start.policy == PullPolicy.NEVER.value else ""
        workload = self._inventory.find_workload(pod)
        of_pod = (pod.namespace, workload, account, secrets, node)
        key = (*of_pod, start.image, start.policy, start.template, start.cached)
        if key not in self._known:
            self._known[key] = judge(start, self._inventory, self._evidence, self._within, self._explain)
        return self._known[key]


def _judge_templates(inventory: Inventory, judged: _Judge) -> Iterator[Pull]:
    for workload in inventory.workloads:
        for image in _list_images(workload.template):
            start = Start(pod=workload.template, image=image.image, policy=image.policy, template=True)
            yield _make_pull(workload.title, workload.template.namespace, image, judged(start), template=True)


def _judge_pods(inventory: Inventory, judged: _Judge, fails_now: FailsNow) -> Iterator[Pull]:
    known = {
        (workload.template.namespace, workload.title, image.container, image.image): workload.template
        for workload in inventory.workloads
        for image in _list_images(workload.template)
    }
    for pod in inventory.pods:
        if pod.phase in _ENDED:
            continue
        workload = inventory.find_workload(pod)
        failing = fails_now(pod) if _is_waiting(pod) else {}
        for image in _list_images(pod):
            cached = image.started and image.policy != PullPolicy.ALWAYS.value
            template = known.get((pod.namespace, workload, image.container, image.image))
            # A container that its node's copy can start again fails only as its workload's next Pod does.
            start = Start(
                pod=template if cached and template else pod,
                image=image.image,
                policy=image.policy,
                template=template is not None and cached,
                cached=cached and template is None,
            )
            judgement = judged(start)
            if (now := failing.get((image.container, image.image))) is not None:
                judgement = replace(judgement, outcome=StartOutcome.FAILS_NOW, explanation=now, fails_at=None)
            yield _make_pull(workload, pod.namespace, image, judgement, pods=(pod.name,))


def _add_lasting_causes(templates: Iterable[Pull], of_pods: Iterable[Pull]) -> Iterator[Pull]:
    """The pulls of templates; one that seems fine fails with the cause for which a Pod of the workload fails now."""
    failing = {
        _make_place(pull): pull
        for pull in of_pods
        if pull.outcome is StartOutcome.FAILS_NOW and pull.code not in _MENDED_FOR_NEXT_POD
    }
    for pull in templates:
        lasting = failing.get(_make_place(pull)) if pull.outcome in (StartOutcome.FINE, StartOutcome.UNKNOWN) else None
        yield replace(lasting, pods=(), template=True) if lasting else pull


def _make_place(pull: Pull) -> tuple[str, ...]:
    return pull.namespace, pull.workload, pull.container, pull.image


def _is_waiting(pod: Pod) -> bool:
    return any(container.waiting_reason for container in pod.containers)


def _list_images(pod: Pod) -> Iterator[_Image]:
    """Each container's image, and each image volume's once."""
    volumes: set[str] = set()
    for container in pod.containers:
        started = container.running or container.ended is not None
        yield _make_image(format_container_title(container), container.image, container.policy, container, started)
        for volume in container.volumes:
            if volume.name not in volumes:
                volumes.add(volume.name)
                yield _make_image(f"volume {volume.name}", volume.image, volume.policy, container, started)


def _make_image(name: str, image: str, policy: str, container: Container, started: bool) -> _Image:
    return _Image(container=name, image=image, policy=policy or _choose_default_policy(image), started=started)


@lru_cache(maxsize=4096)
def _choose_default_policy(image: str) -> str:
    return resolve(image).policy.value


@lru_cache(maxsize=4096)
def _explain_policy(image: str, policy: str) -> str:
    """Why the policy is as it is: the API server writes the default out, so an equal one counts as the default."""
    default = resolve(image)
    try:
        return default.reason if default.policy.value == policy else resolve(image, policy).reason
    except InvalidPullPolicy:
        return "unknown policy"


@lru_cache(maxsize=4096)
def _drop_credential(image: str) -> str:
    """The image as it may be shown: somebody may have written a password into its name."""
    return redact(image)


@lru_cache(maxsize=4096)
def _find_registry(image: str) -> str:
    try:
        return parse(image).domain
    except InvalidReference:
        return ""


def _make_pull(
    workload: str,
    namespace: str,
    image: _Image,
    judgement: Judgement,
    *,
    pods: tuple[str, ...] = (),
    template: bool = False,
) -> Pull:
    opening, explanation = judgement.opening, judgement.explanation
    return Pull(
        namespace=namespace,
        workload=workload,
        container=image.container,
        image=_drop_credential(image.image),
        registry=_find_registry(image.image),
        policy=image.policy,
        reason=_explain_policy(image.image, image.policy),
        opened_by=judgement.opened_by,
        outcome=judgement.outcome,
        secret=opening.secret.name if opening else "",
        key=opening.entry.key if opening else "",
        owner=read_owner_title(opening.secret) if opening else judgement.role,
        expires=opening.expires if opening else None,
        code=explanation.code if explanation else "",
        confidence=explanation.confidence if explanation else "",
        cause=explanation.cause if explanation else "",
        fix=explanation.fix if explanation else "",
        fails_at=judgement.fails_at,
        pods=pods,
        template=template,
    )


def _merge(pulls: Iterable[Pull]) -> list[Pull]:
    """One pull for all that differ in nothing but the Pods."""
    same: dict[Pull, list[Pull]] = {}
    for pull in pulls:
        same.setdefault(replace(pull, pods=(), template=False), []).append(pull)
    return [
        replace(
            pull,
            pods=tuple(name for each in found for name in each.pods),
            template=any(each.template for each in found),
        )
        for pull, found in same.items()
    ]


def _rank(pull: Pull) -> tuple[object, ...]:
    return _RANKS[pull.outcome], pull.namespace, pull.workload, pull.container, pull.image


def _list_tokens(inventory: Inventory, pulls: Sequence[Pull]) -> list[TokenStatus]:
    """Every entry of every pull Secret, the first to expire first."""
    used: dict[tuple[str, str, str], list[Pull]] = {}
    for pull in pulls:
        if pull.opened_by is OpenedBy.SECRET:
            used.setdefault((pull.namespace, pull.secret, pull.key), []).append(pull)
    tokens = []
    for namespace, secrets in inventory.secrets.items():
        for secret in secrets.found.values():
            for entry in list_usable_entries(secret):
                expires = find_entry_expiry(secret, entry)
                opened = used.get((namespace, secret.name, entry.key), ())
                tokens.append(
                    TokenStatus(
                        namespace=namespace,
                        secret=secret.name,
                        key=entry.key,
                        owner=read_owner_title(secret),
                        renewer=find_renewer(secret, inventory.renewals),
                        issued=secret.updated,
                        expires=expires,
                        renewal=find_renewal_due(secret, expires, inventory.renewals.get((namespace, secret.name))),
                        workloads=tuple(sorted({pull.workload for pull in opened})),
                        pods=len({name for pull in opened for name in pull.pods}),
                    )
                )
    return sorted(tokens, key=lambda token: (token.expires is None, token.expires or inventory.at, token.namespace))
