"""Whose an object in the cluster is: marks that let two stacks never take each other's Secrets or list entries."""

import hashlib
from dataclasses import dataclass
from typing import Final

MANAGED_BY_LABEL: Final = "app.kubernetes.io/managed-by"
MANAGED_BY: Final = "imagepull"
OWNER_LABEL: Final = "imagepull/owner"
OWNED_BY_ANNOTATION: Final = "imagepull/owned-by"


@dataclass(frozen=True, kw_only=True)
class Owner:
    """A Pulumi resource as owner of objects in a cluster; `title` is `project/stack/resource name`.

    It follows from the resource's URN, so that a run that was killed finds what it wrote; Pulumi's state keeps the
    title of the first run, so that a rename of the resource (aliases) keeps what it owns.
    """

    title: str

    @property
    def key(self) -> str:
        """The title as a label may hold it: 16 hex digits."""
        return hashlib.sha256(self.title.encode()).hexdigest()[:16]

    @classmethod
    def of_urn(cls, urn: str) -> "Owner":
        """Of `urn:pulumi:STACK::PROJECT::TYPE::NAME` (pulumi/pulumi sdk/go/common/resource/urn/urn.go)."""
        stack, project, _, name = urn.removeprefix("urn:pulumi:").split("::", 3)
        return cls(title=f"{project}/{stack}/{name}")
