"""Names of the package's resource types, as they stand in programs of every language, in state and in previews."""

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
    "make_type_token",
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
