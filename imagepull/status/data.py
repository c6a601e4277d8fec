"""A status as plain data, for `--json`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from imagepull.registries.lifetimes import format_time
from imagepull.status.model import Pull, Status, TokenStatus
from imagepull.status.text import write_verdict

__all__ = ["as_data"]


def as_data(status: Status) -> dict[str, Any]:
    """The whole status, with the API's way of naming; what is unknown is left out."""
    return {
        "verdict": write_verdict(status),
        "scope": status.scope,
        "at": format_time(status.at),
        "withinSeconds": round(status.within),
        "counts": {outcome.value: count for outcome, count in status.counts.items()},
        "willFail": status.will_fail,
        "namespaces": status.namespaces,
        "workloads": status.workloads,
        "pods": status.pods,
        "limits": list(status.limits),
        "pulls": [_describe_pull(pull) for pull in status.pulls],
        "tokens": [_describe_token(token) for token in status.tokens],
    }


def _describe_pull(pull: Pull) -> Mapping[str, Any]:
    return _drop_none(
        outcome=pull.outcome.value,
        namespace=pull.namespace,
        workload=pull.workload,
        container=pull.container,
        image=pull.image,
        policy=pull.policy,
        reason=pull.reason,
        openedBy=pull.opened_by.value,
        secret=pull.secret,
        entry=pull.key,
        owner=pull.owner,
        expires=_format_moment(pull.expires),
        code=pull.code,
        confidence=pull.confidence,
        cause=pull.cause,
        fix=pull.fix,
        failsAt=_format_moment(pull.fails_at),
        pods=list(pull.pods),
        newPods=pull.template,
    )


def _describe_token(token: TokenStatus) -> Mapping[str, Any]:
    return _drop_none(
        namespace=token.namespace,
        secret=token.secret,
        entry=token.key,
        owner=token.owner,
        renewer=token.renewer.title,
        renewsByItself=token.renewer.automatic,
        issued=_format_moment(token.issued),
        expires=_format_moment(token.expires),
        renewal=_format_moment(token.renewal),
        workloads=list(token.workloads),
        pods=token.pods,
    )


def _format_moment(moment: datetime | None) -> str | None:
    return None if moment is None else format_time(moment)


def _drop_none(**values: Any) -> Mapping[str, Any]:
    return {name: value for name, value in values.items() if value not in (None, "")}
