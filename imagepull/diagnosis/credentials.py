"""The registry refused: whether the Pod had a credential for it, and if not, why not.

A text cannot tell these causes apart (containerd 1.6 says `401` with and without a credential); the Pod, its
ServiceAccount and the Secrets can. What may not be read proves nothing: it makes an answer weaker.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from imagepull.causes.table import Confidence
from imagepull.diagnosis.answers import Answer
from imagepull.diagnosis.closed_keyring import TESTS, Look
from imagepull.diagnosis.keyring_view import view_keyring
from imagepull.diagnosis.objects import Case, Missing
from imagepull.diagnosis.refusals import PUBLIC_NEEDS_NONE, explain_refusal, make_entry_facts
from imagepull.diagnosis.symptoms import Symptom
from imagepull.diagnosis.texts import TextVerdict
from imagepull.images.reference import ImageReference, is_bare_host
from imagepull.registries.ecr_hosts import parse_host

__all__ = ["explain_credential"]

_CERTAIN, _LIKELY, _POSSIBLE = Confidence.CERTAIN, Confidence.LIKELY, Confidence.POSSIBLE
_LIBRARY: Final = "library/"


def explain_credential(case: Case, symptom: Symptom, reading: TextVerdict, reference: ImageReference) -> Answer:
    """Why the registry refused the image: the first test that fits, in the order of the issue's table."""
    look = Look(case=case, symptom=symptom, reading=reading, reference=reference, ring=view_keyring(case, reference))
    if is_bare_host(reference):
        return _explain_bare_host(look)
    if reading.code == "bad-request" and not parse_host(reference.domain):
        return _explain_bad_request(reading)
    if look.ring.opening:
        tried = [each for each in look.ring.opening if each.has_password]
        if not tried:
            return _explain_no_password(look)
        return explain_refusal(case, reference, reading, tried)
    if look.ring.withheld:
        return _explain_withheld(look)
    answers = (test(look) for test in TESTS)
    answer = next(answer for answer in answers if answer is not None)
    if isinstance(case.service_account, Missing):
        unread = (f"ServiceAccount {case.pod.service_account} {case.service_account.value}",)
        unknown = ("pod-own-list",) if case.pod.pull_secrets else ("pod-before-sa-patch", "pod-other-serviceaccount")
        return replace(
            answer,
            confidence=answer.confidence.limit_to(_LIKELY),
            evidence=(*answer.evidence, *unread),
            alternatives=(*answer.alternatives, *unknown),
        )
    return answer


def _explain_bad_request(reading: TextVerdict) -> Answer:
    """ECR answers 400 to a token of another region; of any other registry it is no answer to a credential."""
    if "https://" in reading.text:
        return Answer(code="unexpected-answer", confidence=_POSSIBLE, alternatives=("credential-refused",))
    return Answer(code="tls-https-server", confidence=_LIKELY, alternatives=("unexpected-answer",))


def _explain_bare_host(look: Look) -> Answer:
    reference = look.reference
    host = reference.path.removeprefix(_LIBRARY)
    if reference.tag and reference.tag.isdigit():
        host += f":{reference.tag}"  # what was meant as a port
    return Answer(code="bare-registry-host", confidence=_CERTAIN, facts={"wanted": host})


def _explain_no_password(look: Look) -> Answer:
    found = look.ring.opening[0]
    stored = found.secret.helpers or "identitytoken" in found.entry.fields
    store = ": it points to a credential store of the machine where it was made" if stored else ""
    return Answer(
        code="secret-no-password",
        confidence=_CERTAIN,
        facts={**make_entry_facts(found), "store": store},
        evidence=(f"Secret {found.secret.name}: entry {found.entry.key} without a password",),
    )


def _explain_withheld(look: Look) -> Answer:
    """Some Secret that the Pod lists may not be read, so what it holds is open."""
    ecr = parse_host(look.reference.domain)
    if ecr is not None and ecr.public:
        facts = {"secret": look.ring.withheld[0], "public": PUBLIC_NEEDS_NONE}
        return Answer(code="token-expired", confidence=_LIKELY, facts=facts, evidence=_quote_unread(look.ring.withheld))
    if look.reading.code in ("wrong-password", "secret-no-password"):
        facts = {"secret": look.ring.withheld[0], "key": look.reference.domain, "store": ""}
        facts |= {"password_fault": "", "password_fix": "Write the right user and password into the Secret."}
        confidence = _LIKELY if look.reading.code == "wrong-password" else _CERTAIN
        return Answer(
            code=look.reading.code, confidence=confidence, facts=facts, evidence=_quote_unread(look.ring.withheld)
        )
    return Answer(code="secrets-withheld", confidence=_POSSIBLE, evidence=_quote_unread(look.ring.withheld))


def _quote_unread(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"Secret {name} {Missing.WITHHELD.value}" for name in names)
