"""The control interface from outside: for tests and the lab's command."""

import http.client
import json
from pathlib import Path
from typing import Any

from lab.ecr.calls import Call
from lab.ecr.config import EcrConfig
from lab.ecr.faults import FaultMode
from lab.ecr.tokens import Token
from lab.errors import LabError

__all__ = ["EcrControl"]


class EcrControl:
    """Reads and sets what the process does.

    Args:
        port: the `control_port` of its configuration.
        token: the `control_token` of its configuration.

    Every method raises LabError when the process does not answer, or refuses.
    """

    def __init__(self, port: int, token: str) -> None:
        self._port = port
        self._token = token

    @classmethod
    def of(cls, config: Path) -> "EcrControl":
        """The control of the process that runs by this configuration file."""
        settings = EcrConfig.read(config)
        return cls(settings.control_port, settings.control_token)

    def calls(self) -> list[Call]:
        """Every call of GetAuthorizationToken since the process began, the failed ones too, oldest first."""
        return [Call(**call) for call in self._ask("GET", "/calls")]

    def issued(self) -> list[Token]:
        """Every token that was ever issued: none of them may be in any output, log or state."""
        return [Token(**token) for token in self._ask("GET", "/issued")]

    def set_fault(self, mode: FaultMode, *, region: str | None = None, count: int | None = None) -> None:
        """Make GetAuthorizationToken fail from now on.

        Args:
            mode: how; `FaultMode.NONE` mends it.
            region: only calls to this region.
            count: only so many calls; an SDK's retries count.
        """
        self._ask("PUT", "/fault", {"mode": mode.value, "region": region, "count": count})

    def set_token_lifetime(self, seconds: float) -> None:
        """How long tokens live that are issued from now on."""
        self._ask("PUT", "/token-lifetime", {"seconds": seconds})

    def _ask(self, method: str, path: str, document: object = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=10)
        try:
            connection.request(method, path, json.dumps(document), {"Authorization": f"Bearer {self._token}"})
            answer = connection.getresponse()
            content = json.loads(answer.read())
        except OSError as error:
            raise LabError(f"the lab's ECR does not answer: {error}", hint="is the lab up?") from None
        finally:
            connection.close()
        if answer.status != http.client.OK:
            raise LabError(f"the lab's ECR refused {method} {path}: {content['error']}")
        return content
