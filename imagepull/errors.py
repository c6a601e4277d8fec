"""Every error that imagepull raises on purpose.

    ImagePullError
    ├── InvalidReference      an image reference that Kubernetes would not take
    ├── InvalidPullPolicy     a pull policy that Kubernetes does not know
    ├── InvalidDockerConfig   a dockerconfigjson document that the kubelet would not take
    ├── InvalidInput          one or more wrong inputs, each with its path
    ├── InvalidCase           a file that `imagepull dump` did not write (imagepull.diagnosis)
    ├── CredentialError       a registry's credential could not be had (AWS refused, was down, ...)
    ├── BadAnswer             a registry's answer that is not read on (imagepull.verify)
    ├── Refusal               a Secret that is there and must not be touched (imagepull.registry_secret)
    └── ClusterError          the cluster did not do what was asked of it
        ├── ClusterUnreachable    nothing can be asked of it: no connection, or no usable kubeconfig user
        ├── WrongCluster          it is another cluster than the one that Pulumi's state knows
        ├── RequestUnanswered     no answer to this one request: it timed out, or the connection broke
        └── RequestRefused        the API server answered with an error
            ├── Unauthorized          401: the credentials are not accepted
            ├── Forbidden             403: RBAC, an admission plugin or a namespace that is being deleted
            ├── NotFound              404: the object or its namespace is not there
            ├── Conflict              409: somebody else changed or created the object meanwhile
            ├── Unprocessable         422: the object is not valid, or must not be changed in this way
            └── Overloaded            429: too many requests

A message says what is wrong, where, and what to write instead; it never holds a token or password.
"""

from collections.abc import Sequence
from dataclasses import dataclass

__all__ = [
    "ClusterError",
    "ClusterUnreachable",
    "Conflict",
    "CredentialError",
    "Forbidden",
    "ImagePullError",
    "InvalidDockerConfig",
    "InvalidInput",
    "InvalidPullPolicy",
    "InvalidReference",
    "NotFound",
    "Overloaded",
    "Problem",
    "RequestRefused",
    "RequestUnanswered",
    "Unauthorized",
    "Unprocessable",
    "WrongCluster",
    "describe_fault",
]


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
    """No credential for `registry`: `cause` says why, `advice` what to do about it.

    `reached` is False where nobody has answered, or nobody could: the network, a time-out, an overload.
    """

    def __init__(self, registry: str, cause: str, advice: str, *, reached: bool = True) -> None:
        super().__init__(f"{registry}: {cause}; {advice}")
        self.registry = registry
        self.cause = cause
        self.advice = advice
        self.reached = reached


class ClusterError(ImagePullError):
    """The cluster did not do what was asked of it. Raised itself for what no subclass describes."""


class ClusterUnreachable(ClusterError):
    """Nothing can be asked of the cluster: there is no connection, or the kubeconfig's user cannot be used."""


class WrongCluster(ClusterError):
    """The cluster that answers is another one than Pulumi's state knows. Nothing was changed in it."""


class RequestUnanswered(ClusterError):
    """One request got no answer: it timed out, or the connection broke. Others may well get theirs."""


class RequestRefused(ClusterError):
    """The API server answered with an error: `status` is the HTTP status."""

    def __init__(self, message: str, *, status: int) -> None:
        super().__init__(message)
        self.status = status


class Unauthorized(RequestRefused):
    """401: the API server does not accept the credentials."""


class Forbidden(RequestRefused):
    """403: RBAC or an admission plugin forbids it, or the namespace is being deleted."""


class NotFound(RequestRefused):
    """404: the object or its namespace is not there."""


class Conflict(RequestRefused):
    """409: somebody else changed the object meanwhile, or has created one of its name."""


class Unprocessable(RequestRefused):
    """422: the object is not valid, or must not be changed in this way."""


class Overloaded(RequestRefused):
    """429: the API server has more requests than it can answer."""


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


def describe_fault(error: BaseException) -> str:
    """An exception that nobody expected, for a person: only kind and place, as the text could hold a credential."""
    # Some libraries wrap the cause into an exception of their own, traceback and all.
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    where = "" if frame is None else f" at {frame.tb_frame.f_code.co_name}:{frame.tb_lineno}"
    return f"a fault of imagepull itself: {type(error).__name__}{where}; please report it"
