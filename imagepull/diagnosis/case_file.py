"""Cases written by `imagepull dump`: JSON, or JSON Lines, or either compressed with gzip.

One object for each Pod. An object that may not be read is null or left out; a list that was read and holds nothing is
an empty list. `secrets_incomplete` says that
Secrets were asked for one by one, and `absent_secrets` names those of them that are not there. `audience_granted` is
there where the ServiceAccount names a role for the node: whether kubelets may ask for its tokens for AWS.
"""

import gzip
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from imagepull.diagnosis.fields import Json, read_items, read_mapping, read_moment, read_strings
from imagepull.diagnosis.objects import Case, Missing, Secrets
from imagepull.diagnosis.parsing import parse_event, parse_node, parse_pod, parse_service_account
from imagepull.diagnosis.secrets import parse_secret
from imagepull.errors import ImagePullError

__all__ = ["InvalidCase", "parse_case", "read_cases"]

_GZIP: Final = b"\x1f\x8b"


class InvalidCase(ImagePullError):
    """A file that `imagepull dump` did not write."""


def read_cases(path: Path) -> list[Case]:
    """Every case in a file.

    Raises:
        InvalidCase: it is no such file; the message names the line.
        OSError: it cannot be read.
    """
    return [parse_case(document) for document in _read_documents(path)]


def parse_case(document: Json) -> Case:
    """One case, as a dump or a row of test data has it."""
    pod = parse_pod(read_mapping(document, "pod"))
    secrets = [parse_secret(each) for each in read_items(document, "secrets")]
    account, node, events = (document.get(key) for key in ("serviceaccount", "node", "events"))
    granted = document.get("audience_granted")
    logs = read_mapping(document, "logs")
    return Case(
        name=str(document.get("name") or ""),
        now=read_moment(document, "captured_at") or datetime.now(UTC),
        pod=pod,
        events=tuple(map(parse_event, read_items(document, "events")))
        if isinstance(events, list)
        else Missing.WITHHELD,
        service_account=parse_service_account(account) if isinstance(account, Mapping) else Missing.WITHHELD,
        other_accounts=tuple(map(parse_service_account, read_items(document, "serviceaccounts_other"))),
        secrets=Secrets(
            found={secret.name: secret for secret in secrets if secret.namespace == pod.namespace},
            complete=isinstance(document.get("secrets"), list) and not document.get("secrets_incomplete"),
            absent=frozenset(read_strings(document, "absent_secrets")),
        ),
        namesakes=tuple(secret for secret in secrets if secret.namespace != pod.namespace),
        node=parse_node(node) if isinstance(node, Mapping) else Missing.WITHHELD,
        logs={name: line for name, line in logs.items() if isinstance(line, str)},
        audience_granted=granted if isinstance(granted, bool) else None,
    )


def _read_documents(path: Path) -> Iterator[Json]:
    """The objects in a file: one over several lines, a list of them, or one on each line."""
    data = path.read_bytes()
    try:
        text = (gzip.decompress(data) if data.startswith(_GZIP) else data).decode()
    except (OSError, EOFError, UnicodeDecodeError):
        raise InvalidCase(f"{path} is neither UTF-8 nor whole gzip; give a file of `imagepull dump`") from None
    try:
        whole = json.loads(text)
    except ValueError:
        whole = None
    numbered = enumerate(text.splitlines() if whole is None else [], start=1)
    lines = [(number, _parse_line(path, number, line)) for number, line in numbered if line.strip()]
    objects = lines or list(enumerate(whole if isinstance(whole, list) else [whole], start=1))
    for number, document in objects:
        if not isinstance(document, Mapping) or not isinstance(document.get("pod"), Mapping):
            raise InvalidCase(f"{path}, case {number}: there is no pod in it; give a file of `imagepull dump`")
        yield document


def _parse_line(path: Path, number: int, line: str) -> object:
    try:
        return json.loads(line)
    except ValueError:
        raise InvalidCase(f"{path}, line {number}: this is no JSON; give a file of `imagepull dump`") from None
