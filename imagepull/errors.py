"""Every error that imagepull raises on purpose.

    ImagePullError
    ├── InvalidReference      an image reference that Kubernetes would not take
    ├── InvalidPullPolicy     a pull policy that Kubernetes does not know
    ├── InvalidDockerConfig   a dockerconfigjson document that the kubelet would not take
    ├── InvalidInput          one or more wrong inputs, each with its path
    ├── CredentialError       a registry's credential could not be had (AWS refused, was down, ...)
    └── ClusterError          the cluster could not be reached, or refused what was asked of it

A message says what is wrong, where, and what to write instead; it never holds a token or password.
"""

from collections.abc import Sequence
from dataclasses import dataclass


class ImagePullError(Exception):
    """Base of all of them: catch this one to catch what imagepull raises on purpose."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One wrong input: its path (`registries[1].host`), and what is wrong with it and what to write instead."""

    path: str
    reason: str

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


class InvalidInput(ImagePullError):
    """Wrong inputs, all of them at once, in `problems`."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


class CredentialError(ImagePullError):
    """No credential for `registry`: `cause` says why, `advice` what to do about it."""

    def __init__(self, registry: str, cause: str, advice: str) -> None:
        super().__init__(f"{registry}: {cause}; {advice}")
        self.registry = registry
        self.cause = cause
        self.advice = advice


class ClusterError(ImagePullError):
    """The cluster could not be reached, or refused: `status` is the HTTP status of its answer, None without one."""

    def __init__(self, message: str, *, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


class InvalidReference(ImagePullError):
    """An image reference that Kubernetes would not take (the kubelet reports it as InvalidImageName).

    Args:
        reference: the whole text, as shown in the message (shortened, without credentials).
        reason: what is wrong, as a clause: "the tag is empty".
        part: the piece of the text that is wrong; empty when it is the text as a whole.
        hint: what to write instead; empty when there is nothing better to say than the reason.
    """

    def __init__(self, reference: str, reason: str, *, part: str = "", hint: str = "") -> None:
        where = f" (at {part!r})" if part and part != reference else ""
        super().__init__(f"image reference {reference!r}: {reason}{where}" + (f"; {hint}" if hint else ""))
        self.reference = reference
        self.reason = reason
        self.part = part
        self.hint = hint


class InvalidPullPolicy(ImagePullError):
    """A pull policy other than Always, IfNotPresent or Never."""


class InvalidDockerConfig(ImagePullError):
    """A dockerconfigjson document, or an entry for one, that the kubelet would not take. Never quotes its content."""
