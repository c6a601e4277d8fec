"""How long the plugin's process lives: no longer than what started it, and than the engine that it serves.

An engine that is killed ends nobody. The plugin is often its child; but where Pulumi's language host starts the plugin
(a folder with PulumiPlugin.yaml and no program), that host is the parent, which looks after the engine only every few
minutes (pulumi/pulumi sdk/go/common/util/rpcutil/healthcheck.go).
"""

import asyncio
import os
from typing import Final

__all__ = ["wait_until_orphaned"]

_PAUSE: Final = 1.0
"""Seconds between two looks."""
_REFUSALS: Final = 2
"""Connections that the engine's address must refuse in a row."""


async def wait_until_orphaned(parent: int, engine: str) -> None:
    """Waits until the process that started this one is gone, or the engine is.

    Args:
        parent: process id of what started this process, taken before anybody was told that it serves.
        engine: address of its gRPC service.
    """
    refusals = 0
    while os.getppid() == parent and refusals < _REFUSALS:
        refused = await _connect(engine) is False
        refusals = refusals + 1 if refused else 0
        await asyncio.sleep(_PAUSE)


async def _connect(address: str) -> bool | None:
    """Whether somebody listens at the address; None where that does not come out."""
    host, _, port = address.rpartition(":")
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(host, port), _PAUSE)
    except ConnectionRefusedError:
        return False
    except (OSError, ValueError):  # a timeout is an OSError
        return None
    writer.close()
    return True
