"""Who owns an object in the cluster: by a random identity that state and object share, not by a name.

The rules, in one place; docs/design.md, "Who owns what", says why.
"""

import hashlib
import re
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Final

from imagepull.resource_types import parse_urn

__all__ = [
    "IDENTITY_LABEL",
    "MANAGED_BY",
    "MANAGED_BY_LABEL",
    "OWNED_BY_ANNOTATION",
    "OWNER_LABEL",
    "Owner",
    "Standing",
    "find_standing",
    "read_holder",
]

MANAGED_BY_LABEL: Final = "app.kubernetes.io/managed-by"
MANAGED_BY: Final = "imagepull"
OWNER_LABEL: Final = "imagepull/owner"
"""A digest of the owner's title. It helps to find what a run that was cut short has left; it proves nothing."""
IDENTITY_LABEL: Final = "imagepull/identity"
"""The identity of the incarnation that wrote the object. What versions without identities wrote has none."""
OWNED_BY_ANNOTATION: Final = "imagepull/owned-by"
"""The owner's title, for people."""


_LONGEST_TITLE: Final = 200
"""Characters of a title that are shown: whoever may write the object may have put anything there."""
_unprintable = re.compile(r"[^ -~]")


@dataclass(frozen=True, kw_only=True)
class Owner:
    """One incarnation of a Pulumi resource: what one `create` began and its `delete` will end.

    Two resources of one URN live at the same time while Pulumi replaces one by the other, and two backends may hold
    stacks of the same name: only the identity distinguishes them.

    Attributes:
        title: `project/stack/resource name`, from the URN.
        identity: 16 hex digits, random. None before the first write, and in a state from before there were identities.
        digest_key: Key of the digests by which a token is believed (see `registry_secret.trust`). None as above.
        former_title: The title in Pulumi's state: the resource or its stack may have been renamed since.
        urn: The resource's URN. Several resources of one program may have one title, below different parents.
    """

    title: str
    identity: str | None = None
    digest_key: str | None = field(default=None, repr=False)
    former_title: str | None = None
    urn: str = ""

    @property
    def key(self) -> str:
        """The title as a label may hold it: 16 hex digits."""
        return _compute_digest(self.title)

    @property
    def keys(self) -> frozenset[str]:
        """`key`, and that of the former title."""
        return frozenset(_compute_digest(title) for title in (self.title, self.former_title) if title is not None)

    @property
    def urn_key(self) -> str:
        """A digest of the URN: 16 hex digits."""
        return _compute_digest(self.urn)

    @classmethod
    def of_urn(cls, urn: str) -> "Owner":
        """The owner that a resource is; a text that is no URN is its own title."""
        found = parse_urn(urn)
        return cls(title=f"{found.project}/{found.stack}/{found.name}" if found else urn, urn=urn)

    def with_identity(self) -> "Owner":
        """The owner itself if it has an identity and a key, otherwise with new ones in place of what it lacks."""
        return replace(
            self,
            identity=self.identity or secrets.token_hex(8),
            digest_key=self.digest_key or secrets.token_hex(32),
        )


class Standing(Enum):
    """What an object is to an owner. Every write and release is besides limited to the owner's own namespaces."""

    OURS = "carries our identity; or is known by its UID, and carries no other identity and nobody else's title"
    UNMARKED = "carries our title and no identity: a run of a version without identities was cut short"
    EARLIER = "carries our title and another identity: a replaced or interrupted run wrote it, or another backend"
    FOREIGN = "carries another owner's title or identity"
    NOBODYS = "carries no owner's mark, and we do not know it"

    @property
    def may_be_written(self) -> bool:
        """Whether it may be written without `adopt`. Only what is OURS may be released or deleted."""
        return self in (Standing.OURS, Standing.UNMARKED, Standing.EARLIER)


def find_standing(labels: Mapping[str, str], uid: str, owner: Owner, known_uids: Collection[str]) -> Standing:
    """What an object with these labels is to the owner.

    Args:
        known_uids: UIDs that the owner's state holds. The API server never gives a UID twice.
    """
    identity, key = labels.get(IDENTITY_LABEL), labels.get(OWNER_LABEL)
    if identity is not None:
        if identity == owner.identity:
            return Standing.OURS
        # Under a former title it is a namesake that came after a rename: it has the older right to the name now.
        return Standing.EARLIER if key == owner.key else Standing.FOREIGN
    if key is not None:
        if key not in owner.keys:
            return Standing.FOREIGN
        return Standing.OURS if uid in known_uids else Standing.UNMARKED
    return Standing.OURS if uid in known_uids else Standing.NOBODYS


def read_holder(annotations: Mapping[str, str]) -> str:
    """The title of its owner, as an object names it, fit to be shown; empty where it names none."""
    return _unprintable.sub("?", annotations.get(OWNED_BY_ANNOTATION, ""))[:_LONGEST_TITLE]


def _compute_digest(title: str) -> str:
    return hashlib.sha256(title.encode()).hexdigest()[:16]
