"""The provider's configuration: which cluster, and when a change of it means another cluster."""

import asyncio
from collections.abc import Mapping
from typing import Final

from imagepull.errors import ClusterError
from imagepull.inputs import UNKNOWN, Reader, holds_unknown
from imagepull.kubernetes.cluster_inputs import CLUSTER_IDENTIFIER, CLUSTER_INPUTS, CLUSTER_PLACE

from .operations import Values

__all__ = ["CLUSTER_ENTRY", "check_config", "diff_config", "find_fingerprint", "reach_one_cluster"]

CLUSTER_ENTRY: Final = "clusterEntry"
"""Where the state keeps the fingerprint of the cluster's entry: the kubeconfig of then may be gone or have changed."""
_ASK_SECONDS: Final = 5.0
_CONFIGURATION: Final = (*CLUSTER_INPUTS, "version", "pluginDownloadURL")


def check_config(inputs: Values) -> None:
    """Raises InvalidInput with every wrong configuration value."""
    reader = Reader(values=inputs)
    reader.refuse_others(_CONFIGURATION)
    reader.read_secret("kubeconfig")
    reader.read_text("context")
    reader.read_text(CLUSTER_IDENTIFIER)
    reader.raise_problems()


def find_fingerprint(inputs: Values) -> str | None:
    """The fingerprint of the cluster that the configuration leads to; None if that is unknown.

    None, too, for the cluster that the environment alone leads to: it may be another one on each machine, by another
    name of the same cluster. Its UID shows that, once it is asked.
    """
    place = {key: inputs.get(key) for key in CLUSTER_PLACE if inputs.get(key)}
    if not place or holds_unknown(place):
        return None
    return _load_fingerprint(place)


def diff_config(old: Values, new: Values) -> tuple[list[str], list[str]]:
    """The values that changed, and those of them that mean another cluster, so that all resources are replaced.

    As pulumi-kubernetes does: another entry of the cluster is another cluster; with `clusterIdentifier` only that
    counts. Neither to begin nor to cease using the identifier replaces anything.
    """
    changed = [key for key in CLUSTER_INPUTS if (old.get(key) or None) != (new.get(key) or None)]
    before, after = old.get(CLUSTER_IDENTIFIER), new.get(CLUSTER_IDENTIFIER)
    if before and after:
        return changed, [CLUSTER_IDENTIFIER] if before != after else []
    moved = [key for key in changed if key in CLUSTER_PLACE]
    if not moved:
        return changed, []
    unknown = [key for key in moved if new.get(key) is UNKNOWN]
    if unknown:
        return changed, unknown
    known = old.get(CLUSTER_ENTRY) or _load_fingerprint(old)
    found = _load_fingerprint(new)
    return changed, moved if known and found and known != found else []


async def reach_one_cluster(old: Values, new: Values) -> bool:
    """Whether both configurations lead to one cluster after all, by two addresses, as its UID shows.

    Asked only where the entries differ. False if there is no answer within seconds: previews need no cluster.
    """
    from imagepull.kubernetes.client import Cluster
    from imagepull.kubernetes.cluster_identity import confirm_cluster

    if old.get(CLUSTER_ENTRY) not in (None, _load_fingerprint(old)):
        return False  # The former configuration leads elsewhere by now.

    async def ask(inputs: Values) -> str | None:
        text, context = (str(inputs[key]) if inputs.get(key) else None for key in CLUSTER_PLACE)
        cluster = Cluster.connect(text, context)
        try:
            return await confirm_cluster(cluster, None)
        finally:
            await cluster.close()

    try:
        async with asyncio.timeout(_ASK_SECONDS):
            before, after = await ask(old), await ask(new)
    except (ClusterError, TimeoutError):
        return False
    return before is not None and before == after


def _load_fingerprint(inputs: Mapping[str, object]) -> str | None:
    # Lazily: most previews have no need of it.
    from imagepull.kubernetes import kubeconfig
    from imagepull.kubernetes.cluster_identity import compute_fingerprint

    text, context = inputs.get("kubeconfig") or None, inputs.get("context") or None
    if not isinstance(text, str | None) or not isinstance(context, str | None):
        return None
    try:
        return compute_fingerprint(kubeconfig.load(text, context).cluster)
    except ClusterError:
        # Told when the cluster is needed.
        return None
