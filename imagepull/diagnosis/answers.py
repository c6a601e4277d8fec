"""An answer of the diagnosis: what a person or a program reads."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from imagepull.causes.table import Confidence, fill, get_cause
from imagepull.redaction import redact

__all__ = ["Answer", "Diagnosis"]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a rule found for one container: a code, how surely, the facts for its sentences, and what said so.

    Attributes:
        alternatives: further codes that fit, beside those of the table; they come first.
    """

    code: str
    confidence: Confidence
    facts: Mapping[str, str] = field(default_factory=dict)
    evidence: tuple[str, ...] = ()
    alternatives: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Diagnosis:
    """Why one image of one container is not pulled. Texts hold no credential.

    Attributes:
        case: name of the case in a dump; empty for a live Pod.
        container: its name; empty for the Pod as a whole.
        code, cause, fix: of `causes.toml`, the sentences filled in.
        evidence: the fields and texts that said so.
        alternatives: codes of other causes that fit.
    """

    case: str
    namespace: str
    pod: str
    container: str
    image: str
    code: str
    confidence: Confidence
    cause: str
    fix: str
    evidence: tuple[str, ...]
    alternatives: tuple[str, ...]

    @classmethod
    def of(
        cls,
        answer: Answer,
        *,
        case: str,
        namespace: str,
        pod: str,
        container: str,
        image: str,
        common: Mapping[str, str],
    ) -> "Diagnosis":
        """The answer in words; `common` are the facts that every case has."""
        cause = get_cause(answer.code)
        facts = {name: redact(value) for name, value in {**common, **answer.facts}.items()}
        return cls(
            case=case,
            namespace=namespace,
            pod=pod,
            container=container,
            image=redact(image),
            code=answer.code,
            confidence=answer.confidence,
            cause=fill(cause.cause, facts),
            fix=fill(cause.fix, facts),
            evidence=tuple(map(redact, answer.evidence)),
            alternatives=_leave_out(answer.code, (*answer.alternatives, *cause.alternatives)),
        )

    @property
    def is_finding(self) -> bool:
        """Something is wrong."""
        return self.code != "healthy"

    def as_json(self) -> dict[str, object]:
        """The object that `--json` prints."""
        return {
            "case": self.case,
            "namespace": self.namespace,
            "pod": self.pod,
            "container": self.container,
            "image": self.image,
            "code": self.code,
            "confidence": self.confidence.value,
            "cause": self.cause,
            "fix": self.fix,
            "evidence": list(self.evidence),
            "alternatives": list(self.alternatives),
        }


def _leave_out(code: str, codes: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each for each in codes if each != code))
