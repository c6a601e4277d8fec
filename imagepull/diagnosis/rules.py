"""Why the images of a Pod are not pulled: from what was read to answers. Pure.

The order: the container's waiting reason decides which rule looks at it; a rule reads its text by the table; a text
that only says "refused" sends it on to the Pod's Secrets.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Final

from imagepull.causes.table import Confidence
from imagepull.diagnosis.answers import Answer, Diagnosis
from imagepull.diagnosis.common_facts import collect_case_facts
from imagepull.diagnosis.credentials import explain_credential
from imagepull.diagnosis.node_cache import is_cached, keeps_pull_records
from imagepull.diagnosis.objects import Case, Missing
from imagepull.diagnosis.started import explain_creating, explain_started
from imagepull.diagnosis.symptoms import PULL_REASONS, Symptom, find_symptom
from imagepull.diagnosis.texts import TextVerdict, classify, explain_address, find_facts, is_error_text
from imagepull.errors import InvalidReference
from imagepull.images.reference import HUB, ImageReference, describe_invalid, parse

__all__ = ["diagnose"]

_CERTAIN, _LIKELY, _POSSIBLE = Confidence.CERTAIN, Confidence.LIKELY, Confidence.POSSIBLE
_SHOWN: Final = 600
"""Characters of a runtime's text that the evidence quotes."""


def diagnose(case: Case) -> list[Diagnosis]:
    """What is wrong with the images of a Pod: one answer for each container that fails; else one for each container.

    A container that only waits for another is left out while that other fails.
    """
    found = [
        (symptom, explain(case, symptom)) for symptom in (find_symptom(case, each) for each in case.pod.containers)
    ]
    failing = [(symptom, answer) for symptom, answer in found if answer.code != "healthy"]
    codes = {answer.code for _, answer in failing}
    more = ("mixed",) if len(codes) > 1 else ()
    return [
        _describe(case, symptom, replace(answer, alternatives=(*answer.alternatives, *more)))
        for symptom, answer in sorted(failing or found, key=lambda each: _rank(each[1]))
    ]


def explain(case: Case, symptom: Symptom) -> Answer:
    """The answer for one container."""
    if is_error_text(symptom.reason):
        return _explain_malformed_secret(case, symptom)
    rule = _BY_REASON.get(symptom.reason)
    if rule is not None:
        return rule(case, symptom)
    return explain_started(case, symptom)


def _describe(case: Case, symptom: Symptom, answer: Answer) -> Diagnosis:
    return Diagnosis.of(
        answer,
        case=case.name,
        namespace=case.pod.namespace,
        pod=case.pod.name,
        container=symptom.container.name,
        image=symptom.image,
        common=collect_case_facts(case, symptom),
    )


def _rank(answer: Answer) -> tuple[bool, int]:
    """What is no failure of a pull comes last, the surest answer first."""
    return answer.code in ("not-a-pull-failure", "stale-image"), list(Confidence).index(answer.confidence)


def _explain_failed_pull(case: Case, symptom: Symptom) -> Answer:
    reading = classify(
        f"{symptom.reason}: {symptom.text}" if symptom.reason in _SPEAKING else symptom.text, symptom.image
    )
    if reading is None:
        return _explain_unknown(case, symptom)
    evidence = _quote(symptom)
    facts = find_facts(reading.text)
    try:
        reference = parse(symptom.image)
    except InvalidReference as error:
        return _explain_grammar(symptom, error)
    if reading.is_door:
        answer = explain_credential(case, symptom, reading, reference)
    else:
        answer = _explain_text(case, symptom, reading, reference)
    facts["whose"] = explain_address(reading.text, reference.domain)
    return replace(answer, facts={**facts, **answer.facts}, evidence=(*evidence, *answer.evidence))


_SPEAKING: Final = frozenset({"RegistryUnavailable", "SignatureValidationFailed"})
"""Reasons that say more than the text below them."""


def _explain_text(case: Case, symptom: Symptom, reading: TextVerdict, reference: ImageReference) -> Answer:
    """The text is enough; where it is of ECR's token, the Secret is named."""
    rule = _NAMED.get(reading.code)
    if rule is not None:
        return rule(case, symptom, reading, reference)
    return Answer(code=reading.code, confidence=reading.confidence)


def _explain_expired_token(case: Case, symptom: Symptom, reading: TextVerdict, reference: ImageReference) -> Answer:
    answer = explain_credential(case, symptom, reading, reference)
    if answer.code == "fixed-since":
        return answer
    if answer.code == "token-expired":
        return replace(answer, confidence=reading.confidence)
    facts = {"secret": ", ".join(case.pod.pull_secrets) or "of the node", "expired": "", "public": ""}
    return Answer(code="token-expired", confidence=reading.confidence, facts={**answer.facts, **facts})


def _explain_absent_image(case: Case, symptom: Symptom, reading: TextVerdict, reference: ImageReference) -> Answer:
    return Answer(code="image-absent", confidence=reading.confidence)


def _explain_absent_repository(case: Case, symptom: Symptom, reading: TextVerdict, reference: ImageReference) -> Answer:
    """On Docker Hub this answer is also given for what is private."""
    private = reference.domain == HUB and not case.pod.pull_secrets
    return Answer(code="repository-absent", confidence=_LIKELY if private else reading.confidence)


def _explain_missing_host(case: Case, symptom: Symptom, reading: TextVerdict, reference: ImageReference) -> Answer:
    """CRI-O takes no name without a registry, unless its configuration says which one is meant."""
    then = f", and the container runtime of node {case.pod.node or 'unknown'} is not told which one is meant"
    return Answer(code="missing-registry-host", confidence=reading.confidence, facts={"then": then})


def _explain_refused_name(case: Case, symptom: Symptom, reading: TextVerdict, reference: ImageReference) -> Answer:
    problem = f"The container runtime takes {symptom.image[:80]} for no valid name"
    facts = {"problem": problem, "suggestion": "Shorten it: 255 characters with the registry's host are the limit."}
    return Answer(code="invalid-image-name", confidence=reading.confidence, facts=facts)


_NAMED: Final[Mapping[str, Callable[[Case, Symptom, TextVerdict, ImageReference], Answer]]] = {
    "token-expired": _explain_expired_token,
    "image-absent": _explain_absent_image,
    "repository-absent": _explain_absent_repository,
    "invalid-image-name": _explain_refused_name,
    "missing-registry-host": _explain_missing_host,
}


def _explain_unknown(case: Case, symptom: Symptom) -> Answer:
    unseen = "; Events may not be read" if isinstance(case.events, Missing) else ""
    if symptom.text:
        return Answer(code="unknown", confidence=_POSSIBLE, facts={"unseen": unseen}, evidence=_quote(symptom))
    return Answer(code="unknown", confidence=_POSSIBLE, facts={"unseen": unseen}, evidence=(symptom.source,))


def _explain_invalid_name(case: Case, symptom: Symptom) -> Answer:
    for image in [symptom.container.image, *(volume.image for volume in symptom.container.volumes)]:
        try:
            parse(image)
        except InvalidReference as error:
            return _explain_grammar(replace(symptom, image=image), error)
    facts = {
        "problem": f"The kubelet takes {symptom.image[:80]} for no valid name",
        "suggestion": "Write HOST/NAME:TAG.",
    }
    return Answer(code="invalid-image-name", confidence=_CERTAIN, facts=facts, evidence=_quote(symptom))


def _explain_grammar(symptom: Symptom, error: InvalidReference) -> Answer:
    facts = describe_invalid(error)
    return Answer(code="invalid-image-name", confidence=_CERTAIN, facts=facts, evidence=_quote(symptom))


def _explain_never(case: Case, symptom: Symptom) -> Answer:
    """The kubelet says the same of an image that is not there and of one that this Pod may not use."""
    node, reading = case.node, classify(symptom.text, symptom.image)
    if reading is not None and reading.code == "cached-other-credential":
        return Answer(code=reading.code, confidence=reading.confidence, evidence=_quote(symptom))
    if isinstance(node, Missing):
        evidence = (*_quote(symptom), f"node {case.pod.node} {node.value}")
        return Answer(code="never-absent", confidence=_POSSIBLE, facts={"listed_images": ""}, evidence=evidence)
    if is_cached(node, parse(symptom.image)) and keeps_pull_records(node):
        evidence = (*_quote(symptom), f"status.images of node {case.pod.node} lists it")
        return Answer(code="cached-other-credential", confidence=_LIKELY, evidence=evidence)
    facts = {"listed_images": " among those it lists"}
    return Answer(code="never-absent", confidence=_LIKELY, facts=facts, evidence=_quote(symptom))


def _explain_inspection(case: Case, symptom: Symptom) -> Answer:
    return Answer(code="image-inspect-error", confidence=_CERTAIN, evidence=_quote(symptom))


def _explain_malformed_secret(case: Case, symptom: Symptom) -> Answer:
    """The waiting reason is the error text: some pull Secret of the Pod does not parse."""
    listed = [found for name in case.pod.pull_secrets if not isinstance(found := case.secrets.look_up(name), Missing)]
    faulty = next((secret for secret in listed if secret.malformed), None)
    reading = classify(symptom.reason)
    known = reading is not None and reading.code == "secret-malformed"
    if faulty is not None:
        facts = {"secret": faulty.name, "malformed": f"The Secret {faulty.name} does not parse ({faulty.malformed})"}
        evidence = (*_quote(symptom), f"Secret {faulty.name}: {faulty.malformed}")
        return Answer(code="secret-malformed", confidence=_CERTAIN, facts=facts, evidence=evidence)
    if not known and not case.pod.pull_secrets:
        return _explain_unknown(case, symptom)
    names = ", ".join(case.pod.pull_secrets)
    facts = {"secret": names, "malformed": f"One of the Pod's Secrets ({names}) does not parse"}
    confidence = _CERTAIN if known and case.pod.pull_secrets else _LIKELY
    return Answer(code="secret-malformed", confidence=confidence, facts=facts, evidence=_quote(symptom))


_BY_REASON: Final[Mapping[str, Callable[[Case, Symptom], Answer]]] = {
    **dict.fromkeys(PULL_REASONS, _explain_failed_pull),
    "InvalidImageName": _explain_invalid_name,
    "ErrImageNeverPull": _explain_never,
    "ImageInspectError": _explain_inspection,
    "ContainerCreating": explain_creating,
    "PodInitializing": explain_creating,
}


def _quote(symptom: Symptom) -> tuple[str, ...]:
    text = " ".join(symptom.text.split())
    return (f"{symptom.source}: {text[:_SHOWN]}{'...' if len(text) > _SHOWN else ''}",) if text else (symptom.source,)
