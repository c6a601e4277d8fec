"""Pods made before their ServiceAccount listed a pull Secret, in an account whose images the node opened until then.

A Pod's `imagePullSecrets` are filled in when it is made, and never again. One that was made a moment before the list
was changed pulls by the node or not at all. So the account keeps its role until such Pods have their images.
"""

import asyncio
from collections.abc import Collection, Mapping
from typing import Final

from imagepull.errors import ClusterError
from imagepull.kubernetes.client import Cluster, for_each
from imagepull.kubernetes.kinds import KINDS
from imagepull.kubernetes.objects import Document
from imagepull.kubernetes.progress import Report
from imagepull.service_accounts.claims import Account

__all__ = ["is_without_secrets_and_images", "wait_for_earlier_pods"]

_ADMISSION_DELAY: Final = 2.0
"""Seconds. Admission reads ServiceAccounts from a cache (kubernetes plugin/pkg/admission/serviceaccount), so a Pod that
is made just after the account was changed may still lack the Secret."""
_POLLS: Final = 60
_POLL: Final = 1.0
"""Seconds. A Pod that has no image after a minute waits for something else, such as a node."""
_MOST_NAMED: Final = 10
_NO_IMAGE_YET: Final = frozenset({"", "ContainerCreating", "PodInitializing"})
"""Reasons of a container that waits and may not have been pulled yet (kubernetes pkg/kubelet/kubelet_pods.go)."""


async def wait_for_earlier_pods(
    cluster: Cluster, accounts: Collection[Account], secret_names: Collection[str], report: Report
) -> None:
    """Waits until no Pod that lacks the Secrets waits for an image that nodes open; reports those that still do.

    Args:
        accounts: ServiceAccounts that list the Secrets since a moment ago, and still have their role.
    """
    opened: dict[str, set[str]] = {}
    for account in accounts:
        opened.setdefault(account.namespace, set()).add(account.name)
    try:
        waiting = await _wait(cluster, opened, secret_names)
    except ClusterError as error:
        report.warn(
            f"whether Pods made before this `up` still wait for an image that the node opens is not known: {error};"
            " those that cannot pull afterwards have to be made anew"
        )
        return
    if waiting:
        more = f" and {len(waiting) - _MOST_NAMED} more" if len(waiting) > _MOST_NAMED else ""
        report.warn(
            f"Pod {', '.join(waiting[:_MOST_NAMED])}{more}: made before the ServiceAccount listed Secret"
            f" {', '.join(secret_names)}, and still without an image; if it cannot pull, delete it, so that it is made"
            " anew"
        )


async def _wait(cluster: Cluster, opened: Mapping[str, Collection[str]], secret_names: Collection[str]) -> list[str]:
    """Waits for the Pods of these accounts (names by namespace); those that still wait: `namespace/name`."""
    waiting: dict[str, list[str]] = {}

    async def look(namespace: str) -> None:
        def read(pod: Document) -> str | None:
            found = is_without_secrets_and_images(pod, opened[namespace], secret_names)
            return f"{namespace}/{pod['metadata']['name']}" if found else None

        pods = await cluster.list(KINDS["Pod"], namespace=namespace, parse=read)
        waiting[namespace] = [name for name in pods if name is not None]

    await asyncio.sleep(_ADMISSION_DELAY)
    await for_each(opened, look)
    for _ in range(_POLLS):
        if not any(waiting.values()):
            break
        await asyncio.sleep(_POLL)
        await for_each([place for place, pods in waiting.items() if pods], look)
    return sorted(name for pods in waiting.values() for name in pods)


def is_without_secrets_and_images(pod: Document, accounts: Collection[str], secret_names: Collection[str]) -> bool:
    """Whether a Pod of one of these accounts names none of the Secrets, and waits for an image.

    A container whose image the kubelet has failed to pull is not waited for.

    Args:
        pod: As the API server has it.
        accounts: Names of ServiceAccounts in the Pod's namespace.
    """
    spec, status = pod.get("spec", {}), pod.get("status", {})
    if spec.get("serviceAccountName") not in accounts or pod["metadata"].get("deletionTimestamp") is not None:
        return False
    if status.get("phase") in ("Succeeded", "Failed"):
        return False
    if any(each.get("name") in secret_names for each in spec.get("imagePullSecrets", ())):
        return False
    states = [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]
    # The kubelet writes a status for all of them at once.
    return not states or any(map(_is_waiting_for_image, states))


def _is_waiting_for_image(container: Mapping[str, object]) -> bool:
    state = container.get("state")
    waiting = state.get("waiting") if isinstance(state, Mapping) else None
    if container.get("imageID") or not isinstance(waiting, Mapping):
        return False
    return waiting.get("reason", "") in _NO_IMAGE_YET
