"""The rules of a workload component as plain data, as other languages give them (`imagepull.images.rules`)."""

from typing import Required, TypedDict

__all__ = ["ImageRuleException", "ImageRules"]


class ImageRuleException(TypedDict, total=False):
    """Images that some rules do not apply to. In patterns `*` stands for any text."""

    reason: Required[str]
    """Why; shown beside the policy."""
    rules: list[str]
    """Names of the rules. Default: all."""
    namespace: str
    """Pattern for the workload's namespace. Default: any."""
    workload: str
    """Pattern for the workload's name, or for its kind and name: `DaemonSet/*`. Default: any."""
    image: str
    """Pattern for the image as it is written, or for its full form: `docker.io/library/*`. Default: any."""


class ImageRules(TypedDict, total=False):
    """What images may be, on top of the kubelet's own rule. An image that breaks one fails the run."""

    forbid_latest: bool
    """No image without a tag and digest, none tagged `latest`. Default: false."""
    require_digest: bool
    """Each image by digest. Default: false."""
    mutable_tag_policy: str
    """For images by tag only: `Always` makes that their policy, `error` forbids `IfNotPresent`. Default: neither."""
    forbid_never: bool
    """No policy `Never`. Default: false."""
    allowed_registries: list[str]
    """Registries, or prefixes of repositories, that images may come from: `ghcr.io`, `docker.io/library`; `*` in a host
    stands for any text. Default: any."""
    exceptions: list[ImageRuleException]
    """Images that some rules do not apply to. Default: none."""
