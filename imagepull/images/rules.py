"""What an environment allows and prescribes about images, on top of the kubelet's own rule.

The program and the transform read `Rules` from the stack's configuration, so that `prod` can forbid what `dev` allows.
A rule never loosens: it makes a policy `Always`, or it is violated.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum

from imagepull.errors import InvalidReference
from imagepull.images.pull_policy import PullPolicy, resolve
from imagepull.images.reference import DEFAULT_TAG, ImageReference, parse
from imagepull.inputs import ANY_TEXT, Reader, TextPattern, to_camel_case

__all__ = [
    "MutableTagPolicy",
    "PolicyDecision",
    "RuleExemption",
    "RuleName",
    "Rules",
    "Subject",
    "Violation",
    "parse_rules",
]


class RuleName(StrEnum):
    """The rules by the names that the configuration uses."""

    FORBID_LATEST = "forbidLatest"
    REQUIRE_DIGEST = "requireDigest"
    MUTABLE_TAG_POLICY = "mutableTagPolicy"
    FORBID_NEVER = "forbidNever"
    ALLOWED_REGISTRIES = "allowedRegistries"


class MutableTagPolicy(StrEnum):
    """What becomes of an image that is named by a tag only, which may be pushed again."""

    ALWAYS = "Always"
    """Its policy is `Always`, even where `IfNotPresent` is written."""
    ERROR = "error"
    """`IfNotPresent` is a violation, written or by default."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """The workload that a decision is about."""

    kind: str
    name: str
    namespace: str | None
    """None where the manifest names none."""


@dataclass(frozen=True, kw_only=True)
class Violation:
    """One image against one rule."""

    rule: RuleName
    message: str
    """What is wrong and what to write instead."""


@dataclass(frozen=True, kw_only=True)
class PolicyDecision:
    """The policy of one image, why, and what the rules have against it."""

    policy: PullPolicy
    reason: str
    violations: tuple[Violation, ...] = ()


@dataclass(frozen=True, kw_only=True)
class RuleExemption:
    """Images that some rules do not apply to. Patterns are case-sensitive; `*` stands for any text, `/` included."""

    reason: str
    """Why: shown beside the policy."""
    rules: tuple[RuleName, ...] = tuple(RuleName)
    """Default: all of them."""
    namespace: str = "*"
    workload: str = "*"
    """Pattern for the workload's name, or for its kind and name: `web-*`, `DaemonSet/*`."""
    image: str = "*"
    """Pattern for the image as it is written, or for its full form: `docker.io/library/*`."""

    def covers(self, rule: RuleName, image: str, subject: Subject) -> bool:
        """Whether `image` of this workload is excepted from `rule`."""
        return (
            rule in self.rules
            and _matches([subject.namespace or ""], self.namespace)
            and _matches([subject.name, f"{subject.kind}/{subject.name}"], self.workload)
            and _matches(_list_spellings(image), self.image)
        )


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The rules of one environment. Default: none, only the kubelet's own."""

    forbid_latest: bool = False
    """No image without a tag and digest, none tagged `latest`, with a digest or not."""
    require_digest: bool = False
    """Each image by digest."""
    mutable_tag_policy: MutableTagPolicy | None = None
    """For images by tag only. Default: they are like any other."""
    forbid_never: bool = False
    """No `Never`."""
    allowed_registries: tuple[str, ...] = ()
    """Registries, or repositories' prefixes, that images may come from: `ghcr.io`, `docker.io/library`; `*` in a host
    stands for any text. Default: any."""
    exceptions: tuple[RuleExemption, ...] = ()

    @property
    def sets_policies(self) -> bool:
        """Whether a written policy may come out as another one."""
        return self.mutable_tag_policy is MutableTagPolicy.ALWAYS

    def decide(self, image: str, written: str | None = None, subject: Subject | None = None) -> PolicyDecision:
        """The policy of `image`, as the kubelet has it and as these rules tighten it.

        Args:
            image: As it is written.
            written: The policy that the manifest states, if any.
            subject: The workload, for the exceptions. Without one no exception applies.

        Raises:
            InvalidPullPolicy: `written` is none of the three.
        """
        resolved = resolve(image, explicit=written)
        policy, reason = resolved.policy, resolved.reason
        violations = []
        for rule, message in self._find_violations(image, policy):
            exception = self._find_exemption(rule, image, subject)
            if exception is not None:
                reason += f"; excepted from {rule.value}: {exception.reason}"
            elif rule is RuleName.MUTABLE_TAG_POLICY and self.sets_policies:
                policy, reason = PullPolicy.ALWAYS, f"{rule.value}: {message}"
            else:
                violations.append(Violation(rule=rule, message=message))
        return PolicyDecision(policy=policy, reason=reason, violations=tuple(violations))

    def _find_violations(self, image: str, policy: PullPolicy) -> Iterator[tuple[RuleName, str]]:
        """What each rule has against the image, exceptions aside."""
        try:
            reference = parse(image)
        except InvalidReference as error:
            if self.require_digest or self.allowed_registries:
                rule = RuleName.REQUIRE_DIGEST if self.require_digest else RuleName.ALLOWED_REGISTRIES
                yield rule, str(error)
            return
        if self.forbid_latest and (reference.tag == DEFAULT_TAG or reference.tag_defaulted):
            yield (
                RuleName.FORBID_LATEST,
                f"`{DEFAULT_TAG}` may be another image tomorrow; write a version's tag or a digest",
            )
        if self.require_digest and reference.digest is None:
            yield RuleName.REQUIRE_DIGEST, f"no digest; write {reference.familiar}@sha256:..."
        if self.allowed_registries and not any(_is_under(reference, allowed) for allowed in self.allowed_registries):
            yield (
                RuleName.ALLOWED_REGISTRIES,
                f"it comes from {reference.domain}; use {_join_with_or(self.allowed_registries)}",
            )
        if self.mutable_tag_policy and reference.digest is None and policy is PullPolicy.IF_NOT_PRESENT:
            message = "a tag may be pushed again, and nodes that have the image would not see it"
            if not self.sets_policies:
                message += "; write a digest, or imagePullPolicy: Always"
            yield RuleName.MUTABLE_TAG_POLICY, message
        if self.forbid_never and policy is PullPolicy.NEVER:
            yield RuleName.FORBID_NEVER, "a node without the image never gets it; write imagePullPolicy: IfNotPresent"

    def _find_exemption(self, rule: RuleName, image: str, subject: Subject | None) -> RuleExemption | None:
        if subject is None:
            return None
        return next((each for each in self.exceptions if each.covers(rule, image, subject)), None)


def parse_rules(inputs: Mapping[str, object]) -> Rules:
    """Rules from plain data with the configuration's names (`forbidLatest`).

    Raises:
        InvalidInput: with everything that is wrong, and where (`rules.exceptions[0].reason`).
    """
    reader = Reader(values=inputs, path="rules")
    reader.refuse_others([to_camel_case(each.name) for each in fields(Rules)])
    policy = reader.read_choice("mutableTagPolicy", list(MutableTagPolicy), "")
    rules = Rules(
        forbid_latest=reader.read_flag("forbidLatest"),
        require_digest=reader.read_flag("requireDigest"),
        mutable_tag_policy=MutableTagPolicy(policy) if policy else None,
        forbid_never=reader.read_flag("forbidNever"),
        allowed_registries=reader.read_texts("allowedRegistries", ANY_TEXT),
        exceptions=tuple(_parse_exception(entry) for entry in reader.read_children("exceptions")),
    )
    reader.raise_problems()
    return rules


_RULE_NAME = TextPattern(
    pattern=re.compile("|".join(RuleName)), longest=max(map(len, RuleName)), expected=f"one of {', '.join(RuleName)}"
)


def _parse_exception(entry: Reader) -> RuleExemption:
    entry.refuse_others([to_camel_case(each.name) for each in fields(RuleExemption)])
    patterns = {key: entry.read_text(key) for key in ("namespace", "workload", "image")}
    return RuleExemption(
        reason=entry.read_text("reason", required=True) or "",
        rules=tuple(map(RuleName, entry.read_texts("rules", _RULE_NAME))) or tuple(RuleName),
        **{key: pattern for key, pattern in patterns.items() if pattern is not None},
    )


def _is_under(reference: ImageReference, allowed: str) -> bool:
    """Whether the image is in a registry, or below a prefix of whole path components."""
    host, _, prefix = allowed.partition("/")
    return _matches([reference.domain], host) and f"{reference.path}/".startswith(f"{prefix}/" if prefix else "")


def _matches(texts: Sequence[str], pattern: str) -> bool:
    """Whether one of the texts is the pattern, in which `*` stands for any text and nothing else is special.

    Not fnmatch: it reads the brackets of an IPv6 registry as a character class.
    """
    expression = ".*".join(re.escape(part) for part in pattern.split("*"))
    return any(re.fullmatch(expression, text, re.DOTALL) for text in texts)


def _list_spellings(image: str) -> Sequence[str]:
    try:
        reference = parse(image)
    except InvalidReference:
        return [image]
    return [image, reference.repository, reference.canonical]


def _join_with_or(choices: Sequence[str]) -> str:
    return " or ".join(choices)
