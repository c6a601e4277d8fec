"""How `imagepull.pull_plan.explicit` looks into the arguments of a Pulumi resource.

An argument may be an Output or an awaitable, an args class of pulumi_kubernetes, or a mapping with Python's names or
the API's. Only what has to be looked into is opened; the rest goes to the Kubernetes resource as it was given, so that
one unknown value (an address in an environment variable, say) leaves the rest of a preview readable.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import is_dataclass
from typing import Any, TypeVar

import pulumi

from imagepull.errors import ImagePullError
from imagepull.pull_plan.manifest import Lifted

__all__ = ["lift", "make_output", "to_wire_keys"]

T = TypeVar("T")
U = TypeVar("U")
_WIRE_NAMES = {
    "api_version": "apiVersion",
    "ephemeral_containers": "ephemeralContainers",
    "generate_name": "generateName",
    "image_pull_policy": "imagePullPolicy",
    "image_pull_secrets": "imagePullSecrets",
    "init_containers": "initContainers",
    "job_template": "jobTemplate",
    "pull_policy": "pullPolicy",
    "service_account_name": "serviceAccountName",
}
"""The names that the domain reads and that Python spells otherwise."""


def lift(value: Lifted[T], function: Callable[[T], Lifted[U]]) -> Lifted[U]:
    """Apply `function` to an argument, through Output.apply where it is one (see `imagepull.pull_plan.manifest.Lift`).

    Raises:
        pulumi.RunError: in place of an error of imagepull, which a user is to read without a traceback.
    """
    if isinstance(value, pulumi.Output) or inspect.isawaitable(value):
        output: pulumi.Output[Any] = pulumi.Output.from_input(value)
        later: pulumi.Output[Any] = output.apply(lambda value: lift(value, function))
        return later
    try:
        return function(to_wire_keys(value))
    except ImagePullError as error:
        raise pulumi.RunError(str(error)) from error


def make_output(value: pulumi.Input[T]) -> pulumi.Output[T]:
    """An argument as an Output. `Output.from_input` makes a task of each text of a list; a thousand take 10 ms."""
    if isinstance(value, list | tuple) and all(isinstance(each, str) for each in value):
        return pulumi.Output.from_input(None).apply(lambda _: value)
    return pulumi.Output.from_input(value)


def to_wire_keys(value: object) -> Any:
    """An args class or a mapping as a mapping in which the names that matter here are the API's; else the value."""
    if not isinstance(value, Mapping):
        if not hasattr(value, "__dict__") or isinstance(value, Sequence) or is_dataclass(value):
            return value
        value = vars(value)
    return {_WIRE_NAMES.get(name, name): field for name, field in value.items() if field is not None}
