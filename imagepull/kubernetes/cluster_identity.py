"""Which cluster it is: by its entry in a kubeconfig before anything is sent, and by a UID once it answers.

Kubernetes gives a cluster no identity. The entry is what pulumi-kubernetes goes by, too (provider/pkg/provider/
provider.go, DiffConfig); the UID of the namespace `kube-system` is what tools take for one where they may read it.
"""

import hashlib
import json
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from imagepull.errors import Forbidden, WrongCluster
from imagepull.kubernetes.connection import ClusterEntry
from imagepull.kubernetes.kinds import EVERY_NAMESPACE, NAMESPACE

if TYPE_CHECKING:
    from imagepull.kubernetes.client import Cluster

__all__ = ["compute_fingerprint", "confirm_cluster"]

_PORTS = {"https": 443, "http": 80}


def compute_fingerprint(entry: ClusterEntry) -> str:
    """A digest of a cluster's entry. Two entries that say the same in other words have one.

    Whether the authority is in the kubeconfig or in a file of its own makes no difference, nor does its user.
    """
    parts = urlsplit(entry.server)
    server = f"{parts.scheme}://{parts.hostname}:{parts.port or _PORTS[parts.scheme]}{parts.path}"
    authority = "".join((entry.authority or "").split())
    said = [server, entry.tls_server_name, entry.insecure, authority, entry.proxy, entry.compressed]
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:32]


async def confirm_cluster(cluster: "Cluster", known_uid: str | None) -> str | None:
    """The UID by which the cluster is known, None where it may not be read.

    Args:
        known_uid: The one in Pulumi's state, None if there is none.

    Raises:
        WrongCluster: if it is another one.
        ClusterError: if the cluster cannot be asked.
    """
    try:
        found = await cluster.get(NAMESPACE, "kube-system", EVERY_NAMESPACE)
    except Forbidden:
        return known_uid
    if found is None or not found.uid:
        return known_uid
    if known_uid is not None and found.uid != known_uid:
        raise WrongCluster(
            f"{cluster.server} is another cluster than the one in the state (kube-system has the UID {found.uid}, "
            f"not {known_uid}), and nothing was changed in it; let KUBECONFIG or imagepull:context lead to the former "
            "one, or, if that is gone for good, take this resource out of the state with `pulumi state delete`"
        )
    return found.uid
