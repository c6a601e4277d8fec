"""Why a start fails, in the words of `imagepull diagnose`: a Pod that waits is diagnosed as it stands.

A start that is still to come is diagnosed as the Pod that it would leave behind: with the Secrets that it will have,
and with the text that a kubelet writes when the registry refuses it. So one table of causes says both.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Final

from imagepull.diagnosis.answers import Diagnosis
from imagepull.diagnosis.objects import Case, Container, ContainerKind, Event, Missing, Node, Pod, Secret, Secrets
from imagepull.diagnosis.rules import diagnose
from imagepull.errors import InvalidReference
from imagepull.images.pull_policy import PullPolicy
from imagepull.images.reference import parse
from imagepull.status.inventory import Inventory
from imagepull.status.next_start import Explanation, Start
from imagepull.status.workloads import format_container_title

__all__ = ["Explainer"]

_NOT_FAILING: Final = frozenset({"healthy", "not-a-pull-failure", "not-scheduled", "stale-image", "pull-not-finished"})
"""Codes of `imagepull.diagnosis` with which an image is there, or still on its way."""
_UNKNOWN: Final = "unknown"
_CREATING: Final = frozenset({"ContainerCreating", "PodInitializing"})
_REFUSED: Final = (
    'Back-off pulling image "{image}": ErrImagePull: failed to resolve reference "{image}": '
    "unexpected status from HEAD request: 401 Unauthorized"
)
_MOST_NAMESAKES: Final = 5


class Explainer:
    """Explains the starts of one inventory."""

    def __init__(self, inventory: Inventory) -> None:
        self._inventory = inventory

    def explain(self, start: Start) -> Explanation:
        """Why the registry, or the kubelet before it, would refuse this start."""
        container = Container(
            name="",
            kind=ContainerKind.MAIN,
            image=start.image,
            policy=start.policy,
            volumes=(),
            running=False,
            image_id="",
            restarts=0,
            ended=None,
            **self._make_state(start),
        )
        pod = replace(start.pod, pull_secrets=self._find_pull_secrets(start), containers=(container,))
        # Where it starts is open, unless no registry is asked: then only what the node has counts.
        node = self._find_node(pod) if start.policy == PullPolicy.NEVER.value else Missing.WITHHELD
        found = diagnose(self._make_case(pod, (), node))
        return _make_explanation(found[0])

    def fails_now(self, pod: Pod) -> Mapping[tuple[str, str], Explanation]:
        """As `FailsNow` of `imagepull.status.assemble`."""
        names = {container.name: container for container in pod.containers}
        told = self._inventory.events
        events = Missing.WITHHELD if told is None else told.get((pod.namespace, pod.name), ())
        return {
            (_name_place(names.get(found.container), found), found.image): _make_explanation(found)
            for found in diagnose(self._make_case(pod, events, self._find_node(pod)))
            if found.code not in _NOT_FAILING and not _is_being_created(names.get(found.container), found)
        }

    def _make_case(self, pod: Pod, events: tuple[Event, ...] | Missing, node: Node | Missing) -> Case:
        inventory, namespace = self._inventory, pod.namespace
        accounts = inventory.accounts.get(namespace, {})
        return Case(
            now=inventory.at,
            pod=pod,
            events=events,
            service_account=inventory.find_account(namespace, pod.service_account),
            other_accounts=tuple(each for name, each in accounts.items() if name != pod.service_account),
            secrets=inventory.secrets.get(namespace, Secrets()),
            namesakes=tuple(self._find_namesakes(pod)),
            node=node,
            audience_granted=inventory.audience_granted,
        )

    def _find_node(self, pod: Pod) -> Node | Missing:
        nodes = self._inventory.nodes
        if nodes is None:
            return Missing.WITHHELD
        return nodes.get(pod.node, Missing.ABSENT)

    def _find_namesakes(self, pod: Pod) -> Iterable[Secret]:
        for name in pod.pull_secrets:
            others = (each for each in self._by_name.get(name, ()) if each.namespace != pod.namespace)
            yield from (each for each, _ in zip(others, range(_MOST_NAMESAKES), strict=False))

    @cached_property
    def _by_name(self) -> Mapping[str, list[Secret]]:
        found: dict[str, list[Secret]] = {}
        for secrets in self._inventory.secrets.values():
            for secret in secrets.found.values():
                found.setdefault(secret.name, []).append(secret)
        return found

    def _find_pull_secrets(self, start: Start) -> tuple[str, ...]:
        """The Secrets that the Pod has, or that its ServiceAccount will have given it."""
        if start.pod.pull_secrets or not start.template:
            return start.pod.pull_secrets
        account = self._inventory.find_account(start.pod.namespace, start.pod.service_account)
        return () if isinstance(account, Missing) else account.pull_secrets

    def _make_state(self, start: Start) -> dict[str, str]:
        """The waiting state that the kubelet will write."""
        try:
            parse(start.image)
        except InvalidReference:
            return {"waiting_reason": "InvalidImageName", "waiting_message": "couldn't parse image name"}
        if start.policy == PullPolicy.NEVER.value:
            message = f'Container image "{start.image}" is not present with pull policy of Never'
            return {"waiting_reason": "ErrImageNeverPull", "waiting_message": message}
        for name in self._find_pull_secrets(start):
            secret = self._inventory.find_secret(start.pod.namespace, name)
            if isinstance(secret, Secret) and secret.malformed:
                text = f"illegal base64 data: {secret.malformed}"
                return {"waiting_reason": text, "waiting_message": text}
        return {"waiting_reason": "ImagePullBackOff", "waiting_message": _REFUSED.format(image=start.image)}


def _is_being_created(container: Container | None, found: Diagnosis) -> bool:
    """Whether the container has just not started yet, as far as what may be read says."""
    return found.code == _UNKNOWN and container is not None and container.waiting_reason in _CREATING


def _make_explanation(found: Diagnosis) -> Explanation:
    return Explanation(code=found.code, confidence=found.confidence.value, cause=found.cause, fix=found.fix)


def _name_place(container: Container | None, found: Diagnosis) -> str:
    """The container's name with its role, or that of its image volume which the answer is about."""
    if container is None:
        return found.container
    volume = next((each for each in container.volumes if each.image == found.image != container.image), None)
    return f"volume {volume.name}" if volume else format_container_title(container)
