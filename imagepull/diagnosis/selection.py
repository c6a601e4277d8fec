"""Which Pods are meant: a Pod, the Pods of a workload, or every Pod that may wait for an image."""

import re
from dataclasses import dataclass
from typing import Final

from imagepull.diagnosis.fields import Json
from imagepull.diagnosis.objects import Pod
from imagepull.diagnosis.parsing import parse_pod
from imagepull.diagnosis.symptoms import NO_IMAGE_REASONS
from imagepull.diagnosis.texts import is_error_text
from imagepull.errors import InvalidInput, Problem
from imagepull.inputs import OBJECT_NAME, describe_value

__all__ = ["Target", "belongs_to", "list_owners", "may_wait_for_image", "parse_target"]

_KINDS: Final = {
    "pod": "Pod",
    "deployment": "Deployment",
    "statefulset": "StatefulSet",
    "daemonset": "DaemonSet",
    "job": "Job",
    "cronjob": "CronJob",
}
_SHORT: Final = {"po": "pod", "deploy": "deployment", "sts": "statefulset", "ds": "daemonset", "cj": "cronjob"}
_WAITING: Final = NO_IMAGE_REASONS | {"ContainerCreating", "PodInitializing"}
_MADE_BY_CRON: Final = re.compile(r"-\d+$")


@dataclass(frozen=True, kw_only=True)
class Target:
    """A Pod or a workload."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def parse_target(text: str) -> Target:
    """`web-0`, `deployment/web`, `sts/db`, as kubectl writes them; raises InvalidInput."""
    kind, slash, name = text.partition("/")
    if not OBJECT_NAME.admits(name if slash else kind):
        raise InvalidInput(
            [Problem(path="POD", reason=f"is {describe_value(text)}; write {OBJECT_NAME.expected}, or KIND/NAME")]
        )
    if not slash:
        return Target(kind="Pod", name=text)
    short = kind.lower().partition(".")[0]
    singular = _SHORT.get(short, short.removesuffix("s") if short not in _KINDS else short)
    if singular not in _KINDS:
        known = ", ".join(_KINDS)
        raise InvalidInput([Problem(path="POD", reason=f"is {describe_value(text)}; write one of {known}, then /NAME")])
    return Target(kind=_KINDS[singular], name=name)


def may_wait_for_image(pod: Pod) -> bool:
    """Whether some container waits, or may wait, for its image."""
    waits = {container.waiting_reason for container in pod.containers}
    return any(reason in _WAITING or is_error_text(reason) for reason in waits)


def list_owners(pod: Pod) -> tuple[tuple[str, str], ...]:
    """Kind and name of what a Pod may belong to: its controller, and what that is named after.

    A ReplicaSet is named after its Deployment, a Job after its CronJob. A bare Pod belongs to itself.
    """
    if not pod.owner:
        return (("Pod", pod.name),)
    kind, _, name = pod.owner.partition("/")
    if kind == "ReplicaSet":
        return ((kind, name), ("Deployment", name.rpartition("-")[0]))
    if kind == "Job" and _MADE_BY_CRON.search(name):
        return ((kind, name), ("CronJob", _MADE_BY_CRON.sub("", name)))
    return ((kind, name),)


def belongs_to(document: Json, target: Target) -> bool:
    """Whether a Pod is of a workload; a Deployment's and a CronJob's Pods have an owner between."""
    pod = parse_pod(document)
    # `kubectl create job tidy --from=cronjob/tidy` makes a Job without a number.
    made_by_hand = target.kind == "CronJob" and pod.owner == f"Job/{target.name}"
    return made_by_hand or (target.kind, target.name) in list_owners(pod)
