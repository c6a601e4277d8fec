"""Waits for the source of `renewal: externalSecrets`, and says in our words why External Secrets Operator has no token.

The operator's condition says only "could not get secret data from provider"; the cause is in the Events of its
ExternalSecret: which of `dataFrom` failed, and what AWS answered (external-secrets v0.20.4
pkg/controllers/externalsecret, aws-sdk-go-v2's form of an error).
"""

import asyncio
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from imagepull.errors import ClusterError
from imagepull.kubernetes.client import Cluster
from imagepull.kubernetes.kinds import KINDS, Kind
from imagepull.redaction import redact
from imagepull.registries.aws_errors import AwsFault, describe, explain_code
from imagepull.registry_secret.existing import DATA_KEY

__all__ = ["EXTERNAL_SECRET", "SourceState", "explain_failure", "read_state", "wait_for_source"]

EXTERNAL_SECRET: Final = Kind(name="ExternalSecret", plural="externalsecrets", api_version="external-secrets.io/v1")
_FORCE_SYNC: Final = "force-sync"
"""Any new value of this annotation makes the operator fetch at once: a failed source is else tried ever more seldom."""
_POLLS: Final = 120
_POLL: Final = 0.5
_PATIENCE: Final = 20
"""Polls that a failure is given to pass: the operator tries again after 1, 2, 4 seconds."""
_ENTRY: Final = re.compile(r"dataFrom\[(\d+)\]")
_AWS_ANSWER: Final = re.compile(r"api error (\w+): (.*)", re.DOTALL)
_NO_ANSWER: Final = re.compile(r"request send failed|no such host|connection refused|i/o timeout|deadline exceeded")
_HOST: Final = re.compile(r'"([^"\s]+)":\{"username":\{\{ \.token(\d+)_username')


class SourceState(StrEnum):
    """What the operator has made of a source, as it is now."""

    PENDING = "pending"
    READY = "ready"
    FAILED = "failed"


def read_state(source: Mapping[str, Any]) -> SourceState:
    """The state of an ExternalSecret. Success counts for the generation that it was of; failure has none."""
    status = source.get("status") or {}
    ready = next((each for each in status.get("conditions", []) if each.get("type") == "Ready"), None)
    if ready is None:
        return SourceState.PENDING
    if ready.get("status") != "True":
        return SourceState.FAILED
    generation = str(status.get("syncedResourceVersion", "")).partition("-")[0]
    return SourceState.READY if generation == str(source["metadata"].get("generation")) else SourceState.PENDING


def explain_failure(name: str, namespace: str, told: str, source: Mapping[str, Any]) -> str:
    """Why the source has no tokens, in a sentence: registries, cause, advice.

    Args:
        told: What the operator says; empty where its Events may not be read.
        source: The ExternalSecret, which says which registries each of its generators is for.
    """
    hosts = _find_hosts(source, told)
    fault = _find_fault(told)
    which = f"registry {', '.join(hosts)}" if hosts else f"Secret {name}"
    if fault is None:
        quoted = f": {redact(told)[:300]}" if told else ""
        look = f"kubectl describe externalsecret {name} --namespace {namespace}"
        return f"{which}: External Secrets Operator cannot fetch the token{quoted}; see {look}"
    details = f" ({fault.details})" if fault.details else ""
    return f"{which}: External Secrets Operator cannot fetch the token: {fault.cause}{details}; {fault.advice}"


async def wait_for_source(cluster: Cluster, name: str, namespace: str) -> None:
    """Waits until the operator has fetched the tokens of the source as it is now.

    Raises:
        ClusterError: it cannot, for ten seconds; or it does not look at the source for a minute.
    """
    failed, since = 0, datetime.now(UTC)
    for _ in range(_POLLS):
        found = await cluster.get(EXTERNAL_SECRET, name, namespace)
        state = SourceState.PENDING if found is None else read_state(found.document)
        if state is SourceState.READY:
            return
        if found is not None and state is SourceState.FAILED:
            if failed == 0:  # an earlier run's mistake may be mended, and the operator's next try far off
                body = {"metadata": {"annotations": {_FORCE_SYNC: f"{since:%Y%m%dT%H%M%SZ}"}}}
                await cluster.patch(EXTERNAL_SECRET, name, namespace, body)
            failed += 1
            if failed > _PATIENCE:
                told = await _read_last_event(cluster, name, namespace)
                raise ClusterError(explain_failure(name, namespace, told, found.document))
        await asyncio.sleep(_POLL)
    raise ClusterError(
        f"External Secrets Operator has not looked at ExternalSecret {name} in namespace {namespace} for"
        f" {_POLLS * _POLL:.0f} seconds; is it running?"
    )


async def _read_last_event(cluster: Cluster, name: str, namespace: str) -> str:
    fields = {"involvedObject.kind": EXTERNAL_SECRET.name, "involvedObject.name": name, "reason": "UpdateFailed"}
    try:
        events = await cluster.list(KINDS["Event"], namespace=namespace, fields=fields, parse=dict)
    except ClusterError:  # they are not needed to say that it failed
        return ""
    newest: dict[str, Any] = max(events, key=lambda event: str(event.get("lastTimestamp") or ""), default={})
    return str(newest.get("message", ""))


def _find_hosts(source: Mapping[str, Any], told: str) -> Sequence[str]:
    """The registries of the generator that failed, as the template of the source has them."""
    entry = _ENTRY.search(told)
    data = source.get("spec", {}).get("target", {}).get("template", {}).get("data", {})
    named = _HOST.findall(str(data.get(DATA_KEY, "")))
    return [host for host, number in named if entry is not None and number == entry[1]]


def _find_fault(told: str) -> AwsFault | None:
    if answer := _AWS_ANSWER.search(told):
        return explain_code(answer[1], answer[2])
    return describe("aws-unreachable") if _NO_ANSWER.search(told) else None
