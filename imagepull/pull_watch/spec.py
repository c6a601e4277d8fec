"""What PullWatch is: its inputs parsed. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from imagepull.differences import Difference, find_differences
from imagepull.inputs import ANY_TEXT, NAMESPACE, OBJECT_NAME, Reader
from imagepull.pull_plan.kinds import WorkloadKind
from imagepull.registries.lifetimes import DURATION, parse_seconds

__all__ = ["DEFAULT_TIMEOUT", "INPUTS", "WORKLOAD_INPUTS", "WatchSpec", "WatchedWorkload", "find_changes", "parse"]

INPUTS: Final = ("workloads", "fail", "timeout")
WORKLOAD_INPUTS: Final = ("kind", "name", "namespace", "images", "autoNamed")
DEFAULT_TIMEOUT: Final = "10m"
"""As long as Pulumi's Kubernetes provider waits for a Deployment."""
_RANDOM: Final = re.compile(r"-[a-z0-9]{5,8}")
"""What that provider puts behind the name of a resource whose object has none, or the API server behind a prefix."""


@dataclass(frozen=True, kw_only=True)
class WatchedWorkload:
    """A workload whose Pods are watched.

    Attributes:
        namespace: None for that of the kubeconfig's context.
        images: as its Pods name them.
        auto_named: `name` is only the start of its name; the rest is random.
    """

    kind: str
    name: str
    namespace: str | None
    images: frozenset[str]
    auto_named: bool = False

    def is_called(self, kind: str, name: str) -> bool:
        """Whether an object of the same namespace is this workload."""
        if kind != self.kind:
            return False
        if not self.auto_named:
            return name == self.name
        return name.startswith(self.name) and _RANDOM.fullmatch(name.removeprefix(self.name)) is not None


@dataclass(frozen=True, kw_only=True)
class WatchSpec:
    """PullWatch as asked for.

    Attributes:
        fail: a cause that waiting does not mend is an error.
        timeout: in seconds.
    """

    workloads: tuple[WatchedWorkload, ...]
    fail: bool
    timeout: float


def parse(inputs: Mapping[str, object]) -> WatchSpec:
    """The inputs as a WatchSpec: values not known yet are accepted and left out.

    Raises:
        InvalidInput: with every wrong input.
    """
    reader = Reader(values=inputs)
    reader.refuse_others(INPUTS)
    workloads = tuple(_parse_workloads(reader))
    fail = reader.read_flag("fail")
    timeout = reader.read_text("timeout", DURATION) or DEFAULT_TIMEOUT
    reader.raise_problems()
    return WatchSpec(workloads=workloads, fail=fail, timeout=parse_seconds(timeout))


def find_changes(old: Mapping[str, object], new: Mapping[str, object]) -> dict[str, Difference]:
    """Differences of what is watched, by path. Another `fail` or `timeout` alone is none: nothing would be pulled."""
    return {
        path: each
        for path, each in find_differences(old, new, sets={"workloads": None}).items()
        if path.startswith("workloads")
    }


def _parse_workloads(reader: Reader) -> Iterable[WatchedWorkload]:
    if not reader.has("workloads"):
        reader.add_problem("workloads", "is missing; write a list of workloads")
    for each in reader.read_children("workloads"):
        each.refuse_others(WORKLOAD_INPUTS)
        if not each.has("kind"):
            each.add_problem("kind", f"is missing; write one of {', '.join(WorkloadKind)}")
        kind = each.read_choice("kind", tuple(WorkloadKind), WorkloadKind.DEPLOYMENT.value)
        name = each.read_text("name", OBJECT_NAME, required=True)
        namespace = each.read_text("namespace", NAMESPACE)
        images = frozenset(each.read_texts("images", ANY_TEXT, required=True))
        auto_named = each.read_flag("autoNamed")
        if name:
            yield WatchedWorkload(kind=kind, name=name, namespace=namespace, images=images, auto_named=auto_named)
