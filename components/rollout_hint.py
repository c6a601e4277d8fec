"""Names `imagepull diagnose` in the errors of a run whose roll-outs no PullWatch watches."""

from collections.abc import Mapping
from typing import Any

import pulumi

__all__ = ["describe_failure", "name_diagnose_on_failure"]


def name_diagnose_on_failure() -> pulumi.ResourceHookBinding:
    """What a workload takes as its option `hooks`: when its roll-out has failed, an error names the command.

    Pulumi's Kubernetes provider says of an image that is not pulled what the kubelet says, without cause and fix. The
    hook never asks for another try. Call it once in a program: Pulumi knows a hook by its name.
    """
    return pulumi.ResourceHookBinding(on_error=[pulumi.ErrorHook("imagepull-diagnose", _name_command)])


def describe_failure(args: pulumi.ErrorHookArgs) -> str:
    """The sentence about a roll-out that has failed; empty for a deletion."""
    if args.failed_operation == "delete":
        return ""
    kind, metadata = args.type.rpartition(":")[2], (args.new_inputs or {}).get("metadata")
    name, namespace = _read(metadata, "name") or args.name, _read(metadata, "namespace")
    place = f" -n {namespace}" if namespace else ""
    return (
        f"{kind} {name}: if an image of its Pods is not pulled, `imagepull diagnose {kind.lower()}/{name}{place}` says"
        " why and what to do"
    )


def _name_command(args: pulumi.ErrorHookArgs) -> bool:
    if sentence := describe_failure(args):
        pulumi.error(sentence)
    return False


def _read(metadata: Any, key: str) -> str:
    value = metadata.get(key) if isinstance(metadata, Mapping) else None
    return value if isinstance(value, str) else ""
