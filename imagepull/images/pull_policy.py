"""The pull policy that a container gets, and why.

Rule: kubernetes/kubernetes v1.36 `pkg/apis/core/v1/defaults.go` (SetDefaults_Container, SetDefaults_EphemeralContainer,
SetDefaults_Volume). It only fills an empty field, so a stored policy goes stale when the image changes: whoever deploys
has to send the resolved value with every write.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from imagepull.errors import InvalidPullPolicy, InvalidReference
from imagepull.images.reference import DEFAULT_TAG, HUB, ImageReference, is_bare_host, parse

__all__ = ["PullPolicy", "ResolvedPolicy", "Surprise", "find_surprises", "is_moving_tag", "parse_policy", "resolve"]

# Tags that are made to be moved; a bare major version is one.
_MOVING_TAG = re.compile(
    r"(?:main|master|trunk|develop|dev|edge|nightly|canary|beta|rc|next|current|stable|lts|release|snapshot"
    r"|prod|production|staging|stage|test|qa|v?[0-9]{1,3})(?:-[a-z]+[a-z0-9.]*)?"
)


class PullPolicy(str, Enum):  # noqa: UP042 - str subclass spelled the way the Pulumi schema analyzer reads it
    """When the kubelet asks the registry: at each container start, if the node lacks the image, or never."""

    ALWAYS = "Always"
    IF_NOT_PRESENT = "IfNotPresent"
    NEVER = "Never"


@dataclass(frozen=True, kw_only=True)
class ResolvedPolicy:
    """The policy to write out, and the reason for it as one short clause: "tag is latest"."""

    policy: PullPolicy
    reason: str


@dataclass(frozen=True, kw_only=True)
class Surprise:
    """Something about an image and its policy that people do not expect.

    Attributes:
        code: one of `invalid-reference`, `bare-host`, `latest-with-digest`, `mutable-tag`, `never`.
        text: one sentence for a reader.
    """

    code: str
    text: str


def resolve(image: str, explicit: str | None = None) -> ResolvedPolicy:
    """The policy of a container or image volume: `explicit` when given (not None, not empty), else Kubernetes' default.

    An image that does not parse has a default too, the API server's; `surprises` reports it.

    Raises:
        InvalidPullPolicy: `explicit` is none of Always, IfNotPresent, Never.
    """
    if explicit:
        return ResolvedPolicy(policy=parse_policy(explicit), reason="set explicitly")
    try:
        reference = parse(image)
    except InvalidReference as error:
        return ResolvedPolicy(policy=_choose_default_of_invalid(image), reason=f"not a valid image: {error.reason}")
    return _choose_default(reference)


def find_surprises(image: str, policy: PullPolicy, *, private: bool) -> list[Surprise]:
    """What can surprise about pulling `image` with `policy`; `private`: its registry asks for a credential."""
    try:
        reference = parse(image)
    except InvalidReference as error:
        return [Surprise(code="invalid-image-name", text=f"the kubelet will report InvalidImageName: {error}")]
    return list(_list_surprises(reference, policy, private))


def parse_policy(explicit: str) -> PullPolicy:
    """The policy of that name; raises InvalidPullPolicy."""
    try:
        return PullPolicy(explicit)
    except ValueError:
        known = ", ".join(PullPolicy)
        raise InvalidPullPolicy(f"unknown pull policy {explicit[:40]!r}: write one of {known}") from None


def _choose_default_of_invalid(image: str) -> PullPolicy:
    """IfNotPresent, but `a.b_c/app` goes by its tag: the API server reads it as an image without a registry."""
    try:
        return _choose_default(parse(f"{HUB}/{image}")).policy if "/" in image else PullPolicy.IF_NOT_PRESENT
    except InvalidReference:
        return PullPolicy.IF_NOT_PRESENT


def _choose_default(reference: ImageReference) -> ResolvedPolicy:
    if reference.tag_defaulted:
        return ResolvedPolicy(policy=PullPolicy.ALWAYS, reason="no tag means latest")
    if reference.tag == DEFAULT_TAG:
        reason = "tag is latest, the digest beside it does not count" if reference.digest else "tag is latest"
        return ResolvedPolicy(policy=PullPolicy.ALWAYS, reason=reason)
    reason = "digest pins the image" if reference.digest else f"tag is {reference.tag}, not latest"
    return ResolvedPolicy(policy=PullPolicy.IF_NOT_PRESENT, reason=reason)


def _list_surprises(reference: ImageReference, policy: PullPolicy, private: bool) -> Iterator[Surprise]:
    if is_bare_host(reference):
        yield Surprise(
            code="bare-registry-host",
            text=f"{reference.familiar} looks like a registry without a repository: it is pulled from Docker Hub"
            f" as {reference.canonical}",
        )
    if policy is PullPolicy.ALWAYS and reference.digest and reference.tag == DEFAULT_TAG:
        yield Surprise(
            code="latest-with-digest",
            text="the tag latest makes the kubelet ask the registry at each start, though the digest cannot change:"
            " drop the tag",
        )
    if policy is PullPolicy.IF_NOT_PRESENT and not reference.digest:
        yield Surprise(
            code="mutable-tag",
            text=f"a node that has {reference.familiar} keeps it when the tag {reference.tag or DEFAULT_TAG} moves:"
            " use a digest, a tag that never moves, or Always",
        )
    if policy is PullPolicy.NEVER:
        yield Surprise(code="never", text=_NEVER_PRIVATE if private else _NEVER)


_NEVER = "the image must be on the node beforehand; otherwise the container waits with ErrImageNeverPull"
# KEP-2535, KubeletEnsureSecretPulledImages: `pkg/kubelet/images/pullmanager/image_pull_manager.go`.
_NEVER_PRIVATE = (
    f"{_NEVER}; since Kubernetes 1.35 also when it is there but was pulled with a Secret that this Pod does not have"
)


def is_moving_tag(tag: str) -> bool:
    """Whether a tag is made to be moved: `stable`, `main`, a bare major version."""
    return tag == DEFAULT_TAG or _MOVING_TAG.fullmatch(tag) is not None
