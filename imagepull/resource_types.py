"""Names of the package's resource types, as they stand in programs of every language, in state and in previews.

And URNs, Pulumi's names of resources: pulumi/pulumi sdk/go/common/resource/urn/urn.go.
"""

from dataclasses import dataclass
from typing import Final

__all__ = [
    "ACCESS_REFERENCE",
    "COPIED_SECRETS",
    "PACKAGE",
    "PULL_WATCH",
    "REGISTRY_ACCESS",
    "REGISTRY_SECRET",
    "RENEWAL_RIGHTS",
    "SERVICE_ACCOUNTS",
    "Urn",
    "make_type_token",
    "parse_urn",
]

PACKAGE: Final = "imagepull"


def make_type_token(name: str) -> str:
    """The full name of one of the package's types: `imagepull:index:RegistrySecret`."""
    return f"{PACKAGE}:index:{name}"


REGISTRY_SECRET: Final = make_type_token("RegistrySecret")
COPIED_SECRETS: Final = make_type_token("CopiedSecrets")
PULL_WATCH: Final = make_type_token("PullWatch")
RENEWAL_RIGHTS: Final = make_type_token("RenewalRights")
SERVICE_ACCOUNTS: Final = make_type_token("ServiceAccountImagePullSecrets")
REGISTRY_ACCESS: Final = make_type_token("RegistryAccess")
ACCESS_REFERENCE: Final = make_type_token("AccessReference")
_URN_PREFIX: Final = "urn:pulumi:"


@dataclass(frozen=True, kw_only=True)
class Urn:
    """`urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME`. `type` is the resource's own, without those of its parents."""

    stack: str
    project: str
    type: str
    name: str


def parse_urn(text: str) -> Urn | None:
    """The parts of a URN; None for a text that is none, such as the empty one of a message about the whole run."""
    parts = text.removeprefix(_URN_PREFIX).split("::", 3)
    if not text.startswith(_URN_PREFIX) or len(parts) < 4:
        return None
    stack, project, types, name = parts
    return Urn(stack=stack, project=project, type=types.rpartition("$")[2], name=name)
