"""What a policy of the pack is, and what it sees of a resource: plain data, nothing of pulumi_policy.

`policies/analyzer.py` is where pulumi_policy and these meet.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from imagepull.resource_types import parse_urn

__all__ = ["Declared", "Finder", "Level", "Mender", "Policy", "Setting", "Settings", "Write"]

Settings = Mapping[str, Any]
"""A policy's settings by name, defaults filled in."""


class Level(StrEnum):
    """What a violation does, by the names that the configuration of a policy pack uses."""

    ADVISORY = "advisory"
    """A warning."""
    MANDATORY = "mandatory"
    """An error: the preview or update fails."""
    REMEDIATE = "remediate"
    """The resource is mended; what cannot be mended is an error."""


@dataclass(frozen=True, kw_only=True)
class Declared:
    """A resource as the program declared it and its provider checked it."""

    type: str
    """As `kubernetes:apps/v1:Deployment`."""
    urn: str
    props: Mapping[str, Any]
    """Inputs, with the API's keys; `imagepull.inputs.UNKNOWN` for what is known only after `pulumi up`. Which of them
    are secrets, pulumi_policy passes to no validation: so no finding quotes an input."""

    @property
    def stack(self) -> str:
        """Name of the stack."""
        found = parse_urn(self.urn)
        return found.stack if found else ""

    @property
    def project(self) -> str:
        """Name of the project."""
        found = parse_urn(self.urn)
        return found.project if found else ""


@dataclass(frozen=True, kw_only=True)
class Write:
    """A value to set in a resource: the keys and indices that lead to it, and the value, which may be unknown."""

    path: tuple[str | int, ...]
    value: Any


Finder = Callable[[Declared, Settings], Iterable[str]]
"""What a policy has against a resource: what is wrong, where, what to write instead. It may raise ImagePullError."""
Mender = Callable[[Declared, Settings], Iterable[Write]]
"""What mends the resource; nothing when nothing can. It may raise ImagePullError."""


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One setting of a policy: its default, and its JSON Schema beside that."""

    default: Any
    schema: Mapping[str, Any]

    @classmethod
    def patterns(cls, description: str, default: Sequence[str] = ()) -> "Setting":
        """A list of texts; `*` stands for any text."""
        schema = {"type": "array", "items": {"type": "string"}, "description": description}
        return cls(default=list(default), schema=schema)


@dataclass(frozen=True, kw_only=True)
class Policy:
    """One policy of the pack."""

    name: str
    description: str
    level: Level
    """Unless the configuration says otherwise."""
    find: Finder
    mend: Mender | None = None
    settings: Mapping[str, Setting] = field(default_factory=dict)

    def with_defaults(self, given: Mapping[str, Any]) -> Settings:
        """The settings that are given, and the defaults of the others."""
        return {**{name: setting.default for name, setting in self.settings.items()}, **given}
