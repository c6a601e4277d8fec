"""The renewal document of a Pulumi stack: made of its state, so that no program has to export anything."""

import json
from collections.abc import Mapping
from typing import Final

from imagepull.errors import InvalidInput, Problem
from imagepull.renewal import document
from imagepull.resource_types import REGISTRY_SECRET

__all__ = ["make_document"]

_SECRET_SIGNATURE: Final = "4dabf18193072939515e22adb298388d"  # noqa: S105 (sdk/go/common/resource/sig/sig.go: Key)


def make_document(text: str) -> str:
    """The document of every RegistrySecret in what `pulumi stack export --show-secrets` printed.

    Raises:
        InvalidInput: if the text is no state, or has no RegistrySecret.
    """
    try:
        resources = json.loads(text)["deployment"].get("resources", [])
    except (ValueError, TypeError, KeyError, AttributeError):
        raise InvalidInput([Problem(path="stack", reason="has no state that can be read; run `pulumi up`")]) from None
    found = [each for each in resources if each.get("type") == REGISTRY_SECRET and not each.get("delete")]
    if not found:
        raise InvalidInput([Problem(path="stack", reason="has no RegistrySecret; run `pulumi up`, or name another")])
    return document.encode([_describe_resource(_reveal(each)) for each in found])


def _describe_resource(resource: object) -> dict[str, object]:
    assert isinstance(resource, Mapping)
    outputs = resource.get("outputs", {})
    owner, identity, digest_key = (str(outputs.get(key, "")) for key in ("owner", "identity", "digestKey"))
    return document.describe_secret(resource.get("inputs", {}), owner, identity, digest_key)


def _reveal(value: object) -> object:
    """The value with each Pulumi secret replaced by what is in it."""
    if isinstance(value, Mapping):
        if _SECRET_SIGNATURE in value:
            plaintext = value.get("plaintext")
            return _reveal(json.loads(plaintext)) if isinstance(plaintext, str) else "[encrypted]"
        return {key: _reveal(each) for key, each in value.items()}
    return [_reveal(each) for each in value] if isinstance(value, list) else value
