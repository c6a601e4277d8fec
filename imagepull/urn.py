"""Pulumi's names of resources, taken apart.

Form: pulumi/pulumi sdk/go/common/resource/urn/urn.go.
"""

from dataclasses import dataclass

__all__ = ["Urn", "parse_urn"]

_PREFIX = "urn:pulumi:"


@dataclass(frozen=True, kw_only=True)
class Urn:
    """`urn:pulumi:STACK::PROJECT::PARENT$TYPE::NAME`. `type` is the resource's own, without those of its parents."""

    stack: str
    project: str
    type: str
    name: str


def parse_urn(text: str) -> Urn | None:
    """The parts of a URN; None for a text that is none, such as the empty one of a message about the whole run."""
    parts = text.removeprefix(_PREFIX).split("::", 3)
    if not text.startswith(_PREFIX) or len(parts) < 4:
        return None
    stack, project, types, name = parts
    return Urn(stack=stack, project=project, type=types.rpartition("$")[2], name=name)
