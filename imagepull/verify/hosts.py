"""Which addresses a registry may send us on to: its answers steer requests that leave from this machine."""

import asyncio
import ipaddress
import socket

__all__ = ["is_local"]


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
    address = ipaddress.ip_address(text.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return address.is_loopback or address.is_link_local or address.is_unspecified
