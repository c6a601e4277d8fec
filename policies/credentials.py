"""The policies about credentials: static passwords in plain text, and pull Secrets that nobody keeps alive."""

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from imagepull.errors import InvalidDockerConfig
from imagepull.inputs import UNKNOWN
from imagepull.kubernetes.kinds import DEFAULT_NAMESPACE
from imagepull.registries import docker_config
from imagepull.registries.secret_properties import REGISTRY_SECRETS
from imagepull.resource_types import REGISTRY_SECRET
from policies.policy import Declared, Level, Policy, Setting, Settings
from policies.project_folder import find_project_file, list_folders
from policies.stack_files import PlainText, list_plain_texts

__all__ = ["NO_FOREIGN_PULL_SECRETS", "NO_PLAIN_TEXT_PASSWORDS"]

_SECRET_TYPES = ("kubernetes:core/v1:Secret", "kubernetes:core/v1:SecretPatch")
_PULL_SECRET_TYPES = ("kubernetes.io/dockerconfigjson", "kubernetes.io/dockercfg")
# A shorter one is compared as a whole: `test` inside of some sentence gives nothing away.
_LONG = 8


@dataclass(frozen=True, kw_only=True)
class _Password:
    where: str
    spellings: tuple[str, ...] = field(repr=False)
    """The password, and what it is part of when somebody encodes it."""

    def is_in(self, plain: PlainText) -> bool:
        return any(plain.text == each or (len(each) >= _LONG and each in plain.text) for each in self.spellings)


def _find_plain_passwords(resource: Declared, settings: Settings) -> Iterator[str]:
    passwords = list(_list_passwords(resource))
    texts = list_plain_texts(find_project_file(resource.project, list_folders()), resource.stack) if passwords else ()
    for password in passwords:
        places = [f"{plain.file} line {plain.line}" for plain in texts if password.is_in(plain)]
        if places:
            yield (
                f"{password.where}: stands in plain text in {' and '.join(dict.fromkeys(places))};"
                " replace the password at its registry, and keep the new one with `pulumi config set --secret`"
            )


def _list_passwords(resource: Declared) -> Iterator[_Password]:
    if resource.type == REGISTRY_SECRET:
        yield from _list_registries_passwords(resource.props.get("registries"))
    elif resource.type in _SECRET_TYPES:
        for part in ("data", "stringData"):
            values = resource.props.get(part)
            for key, document in values.items() if isinstance(values, Mapping) else ():
                if key in (".dockerconfigjson", ".dockercfg") and isinstance(document, str):
                    yield from _list_document_passwords(f'{part}["{key}"]', key, document, encoded=part == "data")


def _list_registries_passwords(registries: Any) -> Iterator[_Password]:
    for index, registry in enumerate(registries if isinstance(registries, list) else []):
        for name in REGISTRY_SECRETS.intersection(registry if isinstance(registry, Mapping) else ()):
            password = registry[name]
            if isinstance(password, str) and password:
                spellings = _list_spellings(registry.get("username"), password)
                yield _Password(where=f"registries[{index}].{name}", spellings=spellings)


def _list_document_passwords(where: str, key: str, document: str, *, encoded: bool) -> Iterator[_Password]:
    try:
        data = base64.b64decode(document) if encoded else document.encode()
        config = docker_config.parse(data if key == ".dockerconfigjson" else b'{"auths":' + data + b"}")
    except (InvalidDockerConfig, binascii.Error, ValueError):
        return
    for credential in config.auths.values():
        if credential.password:
            spellings = (*_list_spellings(credential.username, credential.password), *([document] if encoded else []))
            yield _Password(where=where, spellings=spellings)


def _list_spellings(username: Any, password: str) -> tuple[str, ...]:
    if not isinstance(username, str):
        return (password,)
    return password, base64.b64encode(f"{username}:{password}".encode()).decode()


def _find_foreign_pull_secrets(resource: Declared, settings: Settings) -> Iterator[str]:
    if resource.type not in _SECRET_TYPES or resource.props.get("type") not in _PULL_SECRET_TYPES:
        return
    # Also below a component that is called ours: anybody may give a component that type, and ours have no such Secret.
    if _is_allowed(resource, settings):
        return
    yield (
        "type: makes this a pull Secret, whose credential is in Pulumi's state and is renewed by nobody; declare an"
        " imagepull.RegistrySecret or RegistryAccess instead"
    )


def _is_allowed(resource: Declared, settings: Settings) -> bool:
    """Whether the Secret is excepted; also when it cannot be known yet whether it is."""
    metadata = resource.props.get("metadata")
    metadata = metadata if isinstance(metadata, Mapping) else {"name": metadata}
    name, namespace = metadata.get("name") or "", metadata.get("namespace") or DEFAULT_NAMESPACE
    if UNKNOWN in (name, namespace):
        return bool(settings["allowed"])
    return any(fnmatchcase(f"{namespace}/{name}", pattern) for pattern in settings["allowed"])


NO_PLAIN_TEXT_PASSWORDS = Policy(
    name="no-plain-text-passwords",
    description="No registry's password stands in plain text in Pulumi.yaml or in the stack's configuration.",
    level=Level.MANDATORY,
    find=_find_plain_passwords,
)

NO_FOREIGN_PULL_SECRETS = Policy(
    name="no-foreign-pull-secrets",
    description="Pull Secrets are made by imagepull, which keeps them alive and their tokens out of Pulumi's state.",
    level=Level.ADVISORY,
    find=_find_foreign_pull_secrets,
    settings={
        "allowed": Setting.patterns("Pull Secrets to let pass, as namespace/name; `*` stands for any text"),
    },
)
