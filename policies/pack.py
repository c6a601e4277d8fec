"""The policies of the pack, in the order in which they are applied."""

from policies.credentials import NO_FOREIGN_PULL_SECRETS, NO_PLAIN_TEXT_PASSWORDS
from policies.images import (
    EXPLICIT_PULL_POLICY,
    NO_LATEST_IN_PROD,
    NO_NEVER_FOR_REMOTE_IMAGES,
    PULL_SECRET_FOR_PRIVATE_IMAGES,
)

__all__ = ["POLICIES"]

POLICIES = (
    EXPLICIT_PULL_POLICY,
    NO_LATEST_IN_PROD,
    NO_NEVER_FOR_REMOTE_IMAGES,
    PULL_SECRET_FOR_PRIVATE_IMAGES,
    NO_PLAIN_TEXT_PASSWORDS,
    NO_FOREIGN_PULL_SECRETS,
)
