"""Which addresses a registry may send us on to: its answers steer requests that leave from this machine."""

import asyncio
import ipaddress
import socket
from typing import Final

__all__ = ["is_local"]

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
"""RFC 6052: the last 32 bits are an IPv4 address."""
_METADATA: Final = tuple(
    ipaddress.ip_network(network)
    for network in (
        "fd00:ec2::/32",  # AWS: metadata, Pod Identity, time (docs.aws.amazon.com, "Instance metadata")
        "fd20:ce::254/128",  # Google Cloud
        "168.63.129.16/32",  # Azure
        "100.100.100.200/32",  # Alibaba Cloud
    )
)
"""Metadata services of clouds outside of the link-local addresses: they give credentials to whoever asks from here."""


async def is_local(host: str) -> bool:
    """Whether a host is this machine, or reachable on its own link only (`169.254.169.254`: a cloud's metadata).

    False for a name that does not resolve: a request to it fails anyway, or a proxy resolves it elsewhere.
    """
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return False
    return any(_is_local_address(str(address[0])) for *_, address in found)


def _is_local_address(text: str) -> bool:
    address: _Address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        address = _find_inner(address) or address
    return (
        address.is_loopback
        or address.is_link_local
        or address.is_unspecified
        or any(address in network for network in _METADATA if network.version == address.version)
    )


def _find_inner(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that a gateway or this machine would make of an IPv6 one."""
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour
