"""What Pulumi's state knows of the Secrets from the runs before."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property

__all__ = ["Previous"]


@dataclass(frozen=True, kw_only=True)
class Previous:
    """What the state knows. All empty before the first write.

    Attributes:
        namespaces: Namespaces that were asked for.
        uids: UIDs by namespace.
        hosts: Hosts whose entries were written.
        labels: Keys of the labels that were asked for.
        annotations: Keys of the annotations that were asked for.
        digest_key: Key of the digests by which is recognized what was written with this state. None: there is none
            yet, or whoever had it is gone (after an import).
    """

    namespaces: Collection[str] = ()
    uids: Mapping[str, str] = field(default_factory=dict)
    hosts: Collection[str] = ()
    labels: Collection[str] = ()
    annotations: Collection[str] = ()
    digest_key: str | None = field(default=None, repr=False)

    # Once, not for each of ten thousand Secrets that are compared with it.
    @cached_property
    def known_uids(self) -> frozenset[str]:
        """The UIDs: the API server never gives one twice."""
        return frozenset(self.uids.values())

    @cached_property
    def all_namespaces(self) -> frozenset[str]:
        """Namespaces in which something of it may be."""
        return frozenset({*self.namespaces, *self.uids})
