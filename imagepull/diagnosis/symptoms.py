"""Where the cause stands: in a container's state, or in an Event where the state does not say it.

Fields and texts: kubernetes/kubernetes `pkg/kubelet/images/image_manager.go`, `pkg/kubelet/kuberuntime/`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from imagepull.diagnosis.objects import Case, Container, Event, Missing
from imagepull.diagnosis.texts import parse_back_off, parse_failed_event
from imagepull.errors import InvalidReference
from imagepull.images.reference import parse

__all__ = ["NO_IMAGE_REASONS", "PULL_REASONS", "Symptom", "find_last_attempt", "find_symptom", "list_events"]

PULL_REASONS: Final = frozenset(
    {"ErrImagePull", "ImagePullBackOff", "RegistryUnavailable", "SignatureValidationFailed"}
)
"""Reasons under which the text of a failed pull stands."""
NO_IMAGE_REASONS: Final = PULL_REASONS | {"InvalidImageName", "ErrImageNeverPull", "ImageInspectError"}
"""Reasons of a container that waits because there is no image for it: those of a pull, and those without one."""


@dataclass(frozen=True, kw_only=True)
class Symptom:
    """What a container's state says of an image.

    Attributes:
        image: that fails: the container's, or that of an image volume.
        policy: of that image.
        reason: `state.waiting.reason`, empty when it does not wait.
        text: of the failure; empty when there is none.
        source: where the text stood, for the evidence.
    """

    container: Container
    image: str
    policy: str
    reason: str
    text: str
    source: str


def find_symptom(case: Case, container: Container) -> Symptom:
    """The state of a container, with the newest Event's text where its message has none."""
    message, reason = container.waiting_message, container.waiting_reason
    source = f"state.waiting of container {container.name}: {reason}"
    plain = Symptom(
        container=container, image=container.image, policy=container.policy, reason=reason, text=message, source=source
    )
    back_off = parse_back_off(message)
    if back_off is not None:
        plain = replace(_point_to_image(plain, back_off[0]), text=back_off[1])
    elif reason in PULL_REASONS:
        plain = _point_to_image(plain, _find_mentioned_image(container, message))
    if reason not in PULL_REASONS or plain.text:
        return plain
    return _add_event_text(case, plain)


def list_events(case: Case, container: Container) -> list[Event]:
    """The Pod's Events that are about this container or about the whole Pod, the oldest first."""
    events = () if isinstance(case.events, Missing) else case.events
    about = [event for event in events if event.container in ("", container.name)]
    return sorted(about, key=_make_sort_key)


def find_last_attempt(case: Case) -> datetime | None:
    """When the kubelet last began to pull something of this Pod, as far as its Events say."""
    events = () if isinstance(case.events, Missing) else case.events
    return max((event.last for event in events if event.reason == "Pulling" and event.last), default=None)


def _add_event_text(case: Case, symptom: Symptom) -> Symptom:
    for event in reversed(list_events(case, symptom.container)):
        found = parse_failed_event(event.message) if event.type == "Warning" and event.reason == "Failed" else None
        if found is not None and found[0] in _list_images(symptom.container):
            source = f"Event Failed of container {symptom.container.name} ({event.count} times)"
            return replace(_point_to_image(symptom, found[0]), text=found[1], source=source)
    return symptom


def _point_to_image(symptom: Symptom, image: str) -> Symptom:
    """The symptom, about the image that a text names: the container's own, or that of a volume."""
    volume = next((volume for volume in symptom.container.volumes if volume.image == image), None)
    if volume is None or image == symptom.container.image:
        return symptom
    return replace(symptom, image=volume.image, policy=volume.policy or "IfNotPresent")


def _find_mentioned_image(container: Container, text: str) -> str:
    """The image of the container or of its volumes that a runtime's text names, as written or in full."""
    for image in _list_images(container)[1:]:
        if any(f'"{name}"' in text or f"//{name}" in text for name in _list_spellings(image)):
            return image
    return container.image


def _list_images(container: Container) -> list[str]:
    return [container.image, *(volume.image for volume in container.volumes)]


def _list_spellings(image: str) -> Iterable[str]:
    yield image
    try:
        yield parse(image).canonical
    except InvalidReference:
        return


def _make_sort_key(event: Event) -> tuple[float, int]:
    return (event.last.timestamp() if event.last else 0.0, event.order)
