"""Containers that are being created, run or have ended: whether their image is the reason that something is wrong."""

from dataclasses import replace
from typing import Final

from imagepull.causes.table import Confidence
from imagepull.diagnosis.answers import Answer
from imagepull.diagnosis.objects import Case, ContainerKind, Event, Missing
from imagepull.diagnosis.symptoms import Symptom, list_events
from imagepull.diagnosis.texts import classify, find_facts, find_in
from imagepull.errors import InvalidReference
from imagepull.images.pull_policy import is_moving_tag
from imagepull.images.reference import DEFAULT_TAG, parse
from imagepull.registries.lifetimes import format_time

__all__ = ["explain_creating", "explain_started"]

_HEALTHY: Final = Answer(code="healthy", confidence=Confidence.CERTAIN)
_PROBABLY_HEALTHY: Final = Answer(code="healthy", confidence=Confidence.LIKELY)
_SLOW: Final = 60.0
"""Seconds after which a pull that has not ended is worth a word."""
_AFTER_PULL: Final = frozenset({"not-an-image", "wrong-platform-exec"})
"""What the state of a container that has its image may say of that image."""
_IN_A_LOG: Final = frozenset({"wrong-platform-exec"})
"""What its last message or log may say of it."""
_AFTER_IMAGE: Final = frozenset(
    {"CrashLoopBackOff", "CreateContainerConfigError", "PostStartHookError", "PreStartHookError", "StartError"}
)
"""Waiting reasons that a container has only once its image is there. `CreateContainerError` and `RunContainerError` may
still be of the image's content, and a reason that is not known of anything."""
_EXEC_EXIT_CODES: Final = frozenset({1, 126, 255})
_PATIENCE: Final = (
    ("containerd://1.6", "; containerd 1.6 waits for ever"),
    ("containerd://1.", "; containerd 1.7 gives up after 5 minutes without data"),
    ("containerd://", "; containerd 2 gives up after 30 seconds without an answer, or 5 minutes without data"),
)


def explain_creating(case: Case, symptom: Symptom) -> Answer:
    """A container that waits without a failure: its pull has begun and not ended, or something else holds the Pod."""
    events = list_events(case, symptom.container)
    pulls = [each for each in events if each.container and each.reason in ("Pulling", "Pulled", "Failed")]
    pulling = max((each for each in pulls if each.reason == "Pulling"), key=_make_sort_key, default=None)
    ended = max((each for each in pulls if each.reason != "Pulling"), key=_make_sort_key, default=None)
    if pulling is not None and (ended is None or _make_sort_key(ended) < _make_sort_key(pulling)):
        return _explain_unfinished_pull(case, pulling)
    for event in reversed(events):
        reading = classify(event.message) if event.reason == "FailedCreatePodSandBox" else None
        if reading is not None and reading.code == "sandbox-image":
            facts = find_facts(event.message)
            return Answer(code="sandbox-image", confidence=Confidence.CERTAIN, facts=facts, evidence=(_quote(event),))
    if symptom.reason == "ContainerCreating":
        warning = next((each for each in reversed(events) if each.type == "Warning" and not each.container), None)
        if warning is not None:
            facts = {"other_reason": f"{warning.reason}: {warning.message[:200]}"}
            return Answer(
                code="not-a-pull-failure", confidence=Confidence.LIKELY, facts=facts, evidence=(_quote(warning),)
            )
        if not events and _is_older(case, _SLOW):
            return _explain_silence(case, symptom)
    return _PROBABLY_HEALTHY


def explain_started(case: Case, symptom: Symptom) -> Answer:
    """A container that has its image: whether it runs, and whether the image is why it does not."""
    container = symptom.container
    if container.running:
        return _find_stale_image(case, symptom) or _HEALTHY
    if not symptom.reason and container.ended is None and case.pod.phase == "Pending":
        return _PROBABLY_HEALTHY if case.pod.node else Answer(code="not-scheduled", confidence=Confidence.CERTAIN)
    keeps_ending = container.kind is ContainerKind.MAIN and container.restarts > 0 and case.pod.phase != "Succeeded"
    if not symptom.reason and (container.ended is None or (container.ended.exit_code == 0 and not keeps_ending)):
        return _HEALTHY
    log = case.logs.get(container.name, "")
    ended = container.ended.message if container.ended else ""
    of_state = find_in(symptom.text, _AFTER_PULL)
    reading = of_state or find_in(f"{ended}\n{log}", _IN_A_LOG)
    if reading is not None:
        where = symptom.source if of_state else f"log of container {container.name}"
        evidence = (f"{where}: {reading.text.strip()[:300]}",)
        return Answer(code=reading.code, confidence=reading.confidence, evidence=evidence)
    reason = symptom.reason or (container.ended.reason if container.ended else "")
    facts = {"other_reason": f"{reason}: {symptom.text}".removesuffix(": ")}
    known = not symptom.reason or symptom.reason in _AFTER_IMAGE
    open_ = not known or (container.name not in case.logs and _has_ended_at_once(symptom))
    confidence = Confidence.LIKELY if open_ else Confidence.CERTAIN
    return Answer(code="not-a-pull-failure", confidence=confidence, facts=facts, evidence=(symptom.source,))


def _explain_silence(case: Case, symptom: Symptom) -> Answer:
    """Nothing says what the container waits for."""
    unseen = "; its Events may not be read" if isinstance(case.events, Missing) else "; it has no Events any more"
    alternatives = ("pull-not-finished", "sandbox-image", "not-a-pull-failure", "slow-pull", "registry-hangs")
    return Answer(
        code="unknown",
        confidence=Confidence.POSSIBLE,
        facts={"unseen": unseen},
        evidence=(symptom.source,),
        alternatives=alternatives,
    )


def _is_older(case: Case, seconds: float) -> bool:
    return case.pod.created is None or (case.now - case.pod.created).total_seconds() > seconds


def _explain_unfinished_pull(case: Case, pulling: Event) -> Answer:
    since = pulling.last or case.now
    if (case.now - since).total_seconds() < _SLOW:
        return _PROBABLY_HEALTHY
    runtime = "" if isinstance(case.node, Missing) else case.node.runtime
    patience = next((words for prefix, words in _PATIENCE if runtime.startswith(prefix)), "")
    return Answer(
        code="pull-not-finished",
        confidence=Confidence.CERTAIN,
        facts={"since": format_time(since), "patience": patience},
        evidence=(_quote(pulling), "no Event Pulled or Failed after it"),
    )


def _find_stale_image(case: Case, symptom: Symptom) -> Answer | None:
    """Runs from the node's cache under a tag that may have moved."""
    try:
        reference = parse(symptom.image)
    except InvalidReference:
        return None
    if reference.digest or symptom.policy == "Always" or not is_moving_tag(reference.tag or DEFAULT_TAG):
        return None
    events = list_events(case, symptom.container)
    if not any("already present on machine" in each.message for each in events):
        return None if events else replace(_PROBABLY_HEALTHY, alternatives=("stale-image",))
    evidence = (f"Event Pulled: {symptom.image} was already on the node",)
    return Answer(code="stale-image", confidence=Confidence.POSSIBLE, evidence=evidence)


def _has_ended_at_once(symptom: Symptom) -> bool:
    ended = symptom.container.ended
    return ended is not None and ended.exit_code in _EXEC_EXIT_CODES and ended.started == ended.finished


def _make_sort_key(event: Event) -> tuple[float, int]:
    return event.last.timestamp() if event.last else 0.0, event.order


def _quote(event: Event) -> str:
    return f"Event {event.reason} ({event.count} times): {event.message[:300]}"
