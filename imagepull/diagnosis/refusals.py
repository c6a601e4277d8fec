"""A credential of the Pod was sent, and the registry refused it: which fault the credential has."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from imagepull.causes.table import Confidence
from imagepull.diagnosis.answers import Answer
from imagepull.diagnosis.keyring_view import TriedEntry, find_expiry
from imagepull.diagnosis.objects import Case
from imagepull.diagnosis.symptoms import find_last_attempt
from imagepull.diagnosis.texts import TextVerdict
from imagepull.images.reference import ImageReference
from imagepull.registries.ecr_hosts import EcrHost, parse_host
from imagepull.registries.lifetimes import describe_time_left, format_time

__all__ = ["PUBLIC_NEEDS_NONE", "explain_refusal", "make_entry_facts"]

_RETRY: Final = 330.0
"""Seconds after which the kubelet has tried again: its longest back-off, and the sync after it."""
_SHORTEST_TOKEN: Final = 500
"""Characters: an ECR token has more, a password fewer."""
_DENIED: Final = frozenset({"forbidden", "hub-denied"})


@dataclass(frozen=True, kw_only=True)
class _Fault:
    """A fault that an entry shows by itself, for ECR only or for every registry."""

    ecr_only: bool
    applies: Callable[[TriedEntry], bool]
    words: str
    fix: str


_FAULTS: Final = (
    _Fault(
        ecr_only=True,
        applies=lambda found: found.entry.username != "AWS",
        words=": ECR knows the user AWS only, and the entry's is {username}",
        fix="Write AWS as the user name: `aws ecr get-login-password` gives the password to it.",
    ),
    _Fault(
        ecr_only=False,
        applies=lambda found: found.entry.padded,
        words=": there is white space, such as a line end, around the password",
        fix="Write the password without the line end (`echo -n`, `--password-stdin` of a file without one).",
    ),
    _Fault(
        ecr_only=True,
        applies=lambda found: found.entry.password_length < _SHORTEST_TOKEN,
        words=": it has {length} characters, and no ECR token is so short",
        fix="Write what `aws ecr get-login-password` prints, whole.",
    ),
    _Fault(
        ecr_only=False,
        applies=lambda found: found.entry.auth_differs,
        words=": its `auth` says another user or password than the fields beside it, and the kubelet takes `auth`",
        fix="Write `auth` anew from the user and password, or take it out.",
    ),
)
PUBLIC_NEEDS_NONE: Final = " ECR Public needs no credential: take the entry out."
_CORRECT: Final = "Write the right user and password into the Secret."


def explain_refusal(case: Case, reference: ImageReference, reading: TextVerdict, tried: Sequence[TriedEntry]) -> Answer:
    """The answer for entries that the kubelet tried; `tried` is not empty, and each has a password."""
    host = reference.domain
    ecr = parse_host(host)
    alive = [each for each in tried if (expiry := find_expiry(each, host)) is None or expiry > case.now]
    renewed = next((each for each in alive if _is_renewed_since(case, each)), None)
    if renewed is not None:
        facts = {**make_entry_facts(renewed), "updated": format_time(renewed.secret.updated or case.now)}
        evidence = (f"Secret {renewed.secret.name} was written at {facts['updated']}",)
        return Answer(code="fixed-since", confidence=Confidence.LIKELY, facts=facts, evidence=evidence)
    if not alive:
        return _explain_expired(case, reference, tried[0])
    found = alive[0]
    if ecr is not None and ecr.public:
        facts = {**make_entry_facts(found), "expired": "", "public": PUBLIC_NEEDS_NONE}
        return Answer(code="token-expired", confidence=Confidence.LIKELY, facts=facts, evidence=_quote_entry(found))
    return _explain_fault(found, alive, reading, ecr) or _explain_sound_entry(found, reading, ecr)


def make_entry_facts(found: TriedEntry) -> dict[str, str]:
    """The facts of an entry that sentences name."""
    return {"secret": found.secret.name, "key": found.entry.key, "username": found.entry.username or "empty"}


def _is_renewed_since(case: Case, found: TriedEntry) -> bool:
    updated, attempt = found.secret.updated, find_last_attempt(case)
    if updated is None or attempt is None or found.secret.updated == found.secret.created == case.pod.created:
        return False
    return updated > attempt and (case.now - updated).total_seconds() < _RETRY


def _explain_expired(case: Case, reference: ImageReference, found: TriedEntry) -> Answer:
    own = found.entry.token_expires
    expiry = find_expiry(found, reference.domain) or case.now
    says = "the token says" if own else "the annotation imagepull/expires-at says"
    ago = describe_time_left((expiry - case.now).total_seconds()).removeprefix("expired ")
    return Answer(
        code="token-expired",
        confidence=Confidence.CERTAIN if own and parse_host(reference.domain) else Confidence.LIKELY,
        facts={
            **make_entry_facts(found),
            "expired": f" at {format_time(expiry)}, {ago}",
            "public": "",
        },
        evidence=(*_quote_entry(found), f"{says} {format_time(expiry)}"),
    )


def _explain_fault(
    found: TriedEntry, alive: Sequence[TriedEntry], reading: TextVerdict, ecr: EcrHost | None
) -> Answer | None:
    """A fault that the entry shows by itself."""
    fault = next((each for each in _FAULTS if (ecr or not each.ecr_only) and each.applies(found)), None)
    if fault is None:
        return None
    every = all(fault.applies(each) for each in alive)
    denied = ecr is None and reading.code in _DENIED
    words = fault.words.format(username=found.entry.username or "empty", length=found.entry.password_length)
    return Answer(
        code="wrong-password",
        confidence=Confidence.CERTAIN if every and not denied else Confidence.LIKELY,
        facts={**make_entry_facts(found), "password_fault": words, "password_fix": fault.fix},
        evidence=_quote_entry(found),
    )


def _explain_sound_entry(found: TriedEntry, reading: TextVerdict, ecr: EcrHost | None) -> Answer:
    """The entry looks right: the registry's answer decides."""
    facts = {**make_entry_facts(found), "password_fault": "", "password_fix": _CORRECT}
    if ecr is not None:
        code = "ecr-not-authorized" if reading.code in _DENIED else "token-wrong-region"
        return Answer(
            code=code, confidence=Confidence.LIKELY, facts={**facts, "region": ecr.region}, evidence=_quote_entry(found)
        )
    code = "not-authorized" if reading.code in _DENIED else "wrong-password"
    return Answer(code=code, confidence=Confidence.LIKELY, facts=facts, evidence=_quote_entry(found))


def _quote_entry(found: TriedEntry) -> tuple[str, ...]:
    return (f"Secret {found.secret.name}: entry {found.entry.key}, user {found.entry.username or 'empty'}",)
