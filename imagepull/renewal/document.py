"""The renewal document: which Secrets a renewer keeps alive, without any credential.

    {"version": 1, "secrets": [{
        "name": "registry-access", "owner": "shop/prod/access", "identity": "3f0c…", "namespaces": ["a", "b"],
        "registries": [{"host": "123456789012.dkr.ecr.eu-west-1.amazonaws.com", "roleArn": "..."},
                       {"host": "ghcr.io", "fixed": true}],
        "refreshBefore": "6h"}]}

A registry with a username and password is `fixed`: a renewer leaves its entry as it is. The key of the digests, by
which Pulumi believes what a renewer wrote, is a secret of its own: `digestKey` of a document that nobody stores, else
DIGEST_KEY_VARIABLE in the environment.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from imagepull.errors import InvalidInput, Problem
from imagepull.inputs import NAMESPACE, OBJECT_NAME, UNKNOWN, Reader, TextPattern
from imagepull.kubernetes.ownership import Owner
from imagepull.registries import docker_config, lifetimes
from imagepull.registry_secret import spec as registry_secret
from imagepull.registry_secret.spec import RegistrySource

__all__ = [
    "DIGEST_KEY_VARIABLE",
    "FILE_NAME",
    "RenewedSecret",
    "add_digest_key",
    "compute_digest",
    "describe_secret",
    "encode",
    "parse",
]

FILE_NAME: Final = "renewal.json"
"""Key of the document in its ConfigMap, and name of the file in the renewer's Pod."""
DIGEST_KEY_VARIABLE: Final = "IMAGEPULL_DIGEST_KEY"
_VERSION: Final = 1
_SECRET_KEYS: Final = ("name", "owner", "identity", "digestKey", "namespaces", "registries", "refreshBefore")
_IDENTITY = TextPattern(pattern=re.compile("[0-9a-f]+"), longest=63, expected="the RegistrySecret's output identity")
_CREDENTIAL_KEYS: Final = ("username", "password")


@dataclass(frozen=True, kw_only=True)
class RenewedSecret:
    """A pull Secret to keep alive.

    Attributes:
        owner: Who wrote it, and whose label it carries.
        refresh_before: Seconds before the expiry from which on a token is renewed; None for half of its life.
        fixed_hosts: Registries in it whose entries stay as they are.
    """

    name: str
    owner: Owner
    namespaces: tuple[str, ...]
    registries: tuple[RegistrySource, ...]
    fixed_hosts: tuple[str, ...]
    refresh_before: float | None


def describe_secret(
    inputs: Mapping[str, object], owner: str, identity: str, digest_key: str | None = None
) -> dict[str, object]:
    """The part of a document for one RegistrySecret.

    Args:
        inputs: The RegistrySecret's, as the provider has them (camel case). Credentials in them are left out.
        owner: Title of the owner that stands on its Secrets.
        identity: Its output of that name.
        digest_key: Likewise. Only for a document that is not stored.
    """
    registries = inputs.get("registries")
    told = {
        "name": inputs.get("name"),
        "owner": owner,
        "identity": identity,
        "digestKey": digest_key,
        "namespaces": inputs.get("namespaces"),
        "registries": [_drop_credential(each) for each in registries] if isinstance(registries, list) else [],
        "refreshBefore": inputs.get("refreshBefore"),
    }
    return {key: value for key, value in told.items() if value is not None}


def encode(secrets: Sequence[Mapping[str, object]]) -> str:
    """The document as JSON: the same text for the same Secrets."""
    return json.dumps({"version": _VERSION, "secrets": list(secrets)}, indent=1, sort_keys=True) + "\n"


def compute_digest(text: str) -> str:
    """Differs between documents: 16 hex digits."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def parse(text: str) -> list[RenewedSecret]:
    """The Secrets that a document names.

    Raises:
        InvalidInput: with every problem and its path.
    """
    try:
        content = json.loads(text)
    except ValueError:
        content = None
    reader = Reader(values=content if isinstance(content, Mapping) else {})
    if not isinstance(content, Mapping):
        reader.add_problem("document", f"is no renewal document; give what the ConfigMap has under {FILE_NAME}")
        reader.raise_problems()
    reader.refuse_others(("version", "secrets"))
    if reader.values.get("version") != _VERSION:
        reader.add_problem("version", f"is not {_VERSION}; renew with the version of imagepull that wrote the document")
    secrets = [_read_secret(entry) for entry in reader.read_children("secrets", required=True)]
    reader.raise_problems()
    return secrets


def add_digest_key(secrets: Sequence[RenewedSecret], digest_key: str | None) -> list[RenewedSecret]:
    """The Secrets, each with the key where the document has none for it.

    Raises:
        InvalidInput: if there is none either.
    """
    if digest_key is None and any(secret.owner.digest_key is None for secret in secrets):
        reason = f"is not known; set {DIGEST_KEY_VARIABLE} to the RegistrySecret's output digestKey"
        raise InvalidInput([Problem(path="digestKey", reason=reason)])
    return [
        replace(secret, owner=replace(secret.owner, digest_key=secret.owner.digest_key or digest_key))
        for secret in secrets
    ]


def _read_secret(entry: Reader) -> RenewedSecret:
    entry.refuse_others(_SECRET_KEYS)
    refresh_before = entry.read_text("refreshBefore", lifetimes.DURATION)
    fixed = [each for each in entry.read_children("registries") if each.values.get("fixed") is True]
    for each in fixed:
        each.refuse_others(("host", "fixed"))
    hosts = [host for each in fixed if (host := each.read_text("host", required=True)) is not None]
    found = _read_registries(entry)
    for key in {docker_config.make_auths_key(each.host) for each in found} & {
        docker_config.make_auths_key(h) for h in hosts
    }:
        entry.add_problem("registries", f"has {key} twice; list each registry once")
    return RenewedSecret(
        name=entry.read_text("name", OBJECT_NAME, required=True) or "",
        owner=Owner(
            title=entry.read_text("owner", required=True) or "",
            identity=entry.read_text("identity", _IDENTITY, required=True),
            digest_key=entry.read_secret("digestKey"),
        ),
        namespaces=entry.read_texts("namespaces", NAMESPACE, required=True),
        registries=tuple(found),
        fixed_hosts=tuple(hosts),
        refresh_before=None if refresh_before is None else lifetimes.parse_seconds(refresh_before),
    )


def _read_registries(entry: Reader) -> Sequence[RegistrySource]:
    """Those whose tokens are renewed."""
    given = entry.values.get("registries")
    # Paths of problems count the fixed ones, too.
    listed = [UNKNOWN if _is_fixed(each) else each for each in given] if isinstance(given, list) else []
    try:
        return registry_secret.parse({"name": "any", "registries": listed}, required=False).registries
    except InvalidInput as error:
        for problem in error.problems:
            entry.add_problem(problem.path, problem.reason)
        return ()


def _is_fixed(registry: object) -> bool:
    return isinstance(registry, Mapping) and registry.get("fixed") is True


def _drop_credential(registry: object) -> dict[str, object]:
    assert isinstance(registry, Mapping)
    if any(registry.get(key) is not None for key in _CREDENTIAL_KEYS):
        return {"host": registry.get("host"), "fixed": True}
    return {key: value for key, value in registry.items() if value is not None and not key.startswith("__")}
