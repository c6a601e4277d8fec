"""Where the cause stands: in a container's state, or in an Event where the state does not say it.

Fields and texts: kubernetes/kubernetes `pkg/kubelet/images/image_manager.go`, `pkg/kubelet/kuberuntime/`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from imagepull.diagnosis.objects import Case, Container, Event, Missing
from imagepull.diagnosis.texts import back_off_parts, event_text
from imagepull.errors import InvalidReference
from imagepull.images.reference import parse

__all__ = ["NO_IMAGE_REASONS", "PULL_REASONS", "Symptom", "events_of", "last_attempt", "symptom_of"]

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


def symptom_of(case: Case, container: Container) -> Symptom:
    """The state of a container, with the newest Event's text where its message has none."""
    message, reason = container.waiting_message, container.waiting_reason
    source = f"state.waiting of container {container.name}: {reason}"
    plain = Symptom(
        container=container, image=container.image, policy=container.policy, reason=reason, text=message, source=source
    )
    back_off = back_off_parts(message)
    if back_off is not None:
        plain = replace(_about(plain, back_off[0]), text=back_off[1])
    elif reason in PULL_REASONS:
        plain = _about(plain, _mentioned(container, message))
    if reason not in PULL_REASONS or plain.text:
        return plain
    return _from_events(case, plain)


def events_of(case: Case, container: Container) -> list[Event]:
    """The Pod's Events that are about this container or about the whole Pod, the oldest first."""
    events = () if isinstance(case.events, Missing) else case.events
    about = [event for event in events if event.container in ("", container.name)]
    return sorted(about, key=_age)


def last_attempt(case: Case) -> datetime | None:
    """When the kubelet last began to pull something of this Pod, as far as its Events say."""
    events = () if isinstance(case.events, Missing) else case.events
    return max((event.last for event in events if event.reason == "Pulling" and event.last), default=None)


def _from_events(case: Case, symptom: Symptom) -> Symptom:
    for event in reversed(events_of(case, symptom.container)):
        found = event_text(event.message) if event.type == "Warning" and event.reason == "Failed" else None
        if found is not None and found[0] in _images(symptom.container):
            source = f"Event Failed of container {symptom.container.name} ({event.count} times)"
            return replace(_about(symptom, found[0]), text=found[1], source=source)
    return symptom


def _about(symptom: Symptom, image: str) -> Symptom:
    """The symptom, about the image that a text names: the container's own, or that of a volume."""
    volume = next((volume for volume in symptom.container.volumes if volume.image == image), None)
    if volume is None or image == symptom.container.image:
        return symptom
    return replace(symptom, image=volume.image, policy=volume.policy or "IfNotPresent")


def _mentioned(container: Container, text: str) -> str:
    """The image of the container or of its volumes that a runtime's text names, as written or in full."""
    for image in _images(container)[1:]:
        if any(f'"{name}"' in text or f"//{name}" in text for name in _spellings(image)):
            return image
    return container.image


def _images(container: Container) -> list[str]:
    return [container.image, *(volume.image for volume in container.volumes)]


def _spellings(image: str) -> Iterable[str]:
    yield image
    try:
        yield parse(image).canonical
    except InvalidReference:
        return


def _age(event: Event) -> tuple[float, int]:
    return (event.last.timestamp() if event.last else 0.0, event.order)
