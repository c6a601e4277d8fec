"""Rows of an image pull plan, for tests."""

from imagepull.images.pull_policy import resolve
from imagepull.pull_plan.explicit import ResolvedImage


def row(image: str, *, namespace: str | None = "shop", policy: str | None = None) -> ResolvedImage:
    """The container `web` of `Deployment/web`, with this image; `policy` as it is written, if it is."""
    resolved = resolve(image, explicit=policy)
    return ResolvedImage(
        workload="Deployment/web",
        namespace=namespace,
        container="web",
        image=image,
        policy=resolved.policy,
        reason=resolved.reason,
        path="spec.template.spec.containers[0]",
    )
