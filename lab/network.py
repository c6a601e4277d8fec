"""The addresses of a lab's Pod network: one /24 that the bridge, the Pods and the Services share.

The Services' half is on the same link as the Pods, so a Pod reaches the API server's Service without any route,
forwarding or kube-proxy: the bridge has that address, too.
"""

import ipaddress
from dataclasses import dataclass

__all__ = ["POD_IDENTITY", "PodNetwork"]

POD_IDENTITY = "169.254.170.23"
"""Where Pods find the agent of EKS Pod Identity; botocore asks for credentials over plain HTTP at few other addresses
(botocore/utils.py, ContainerMetadataFetcher)."""


@dataclass(frozen=True, kw_only=True)
class PodNetwork:
    """The Pod network of one lab.

    Attributes:
        bridge_address: the bridge's own address, the first of the /24; the kubelet serves there.
    """

    bridge_address: str

    @property
    def network(self) -> ipaddress.IPv4Network:
        """The whole /24."""
        return ipaddress.IPv4Interface(f"{self.bridge_address}/24").network

    @property
    def pod_range(self) -> tuple[str, str]:
        """First and last address that a Pod can get."""
        pods = next(self.network.subnets())
        return str(pods[2]), str(pods[-2])

    @property
    def services(self) -> ipaddress.IPv4Network:
        """The range of cluster IPs: the upper half."""
        return list(self.network.subnets())[1]

    @property
    def api_server(self) -> str:
        """The cluster IP of the Service `kubernetes`: the API server gives it the first address of the range."""
        return str(self.services[1])

    @property
    def dns(self) -> str:
        """The address that Pods are told for DNS; nobody answers there."""
        return str(self.services[10])
