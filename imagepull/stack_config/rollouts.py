"""What a stack's configuration says of roll-outs: how long `pulumi up` waits for them, and whether it watches them."""

from enum import StrEnum
from typing import Final

from imagepull.registries.lifetimes import parse_seconds

__all__ = ["PullWatchMode", "make_timeout_annotation"]

_TIMEOUT: Final = "pulumi.com/timeoutSeconds"


class PullWatchMode(StrEnum):
    """Whether `pulumi up` says why an image is not pulled, and what becomes of the run."""

    OFF = "off"
    WARNING = "warning"
    ERROR = "error"


def make_timeout_annotation(timeout: str) -> dict[str, str]:
    """The annotation of a workload by which Pulumi's Kubernetes provider waits so long for it.

    Source: pulumi/pulumi-kubernetes provider/pkg/metadata/annotations.go.

    Args:
        timeout: As `imagepull.registries.lifetimes.DURATION` has it.
    """
    return {_TIMEOUT: f"{parse_seconds(timeout):.0f}"}
