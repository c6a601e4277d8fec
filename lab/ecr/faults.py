"""Ways in which GetAuthorizationToken can be made to fail, and what AWS answers then."""

import threading
from dataclasses import dataclass, replace
from enum import StrEnum

__all__ = ["ApiError", "Fault", "FaultMode", "FaultSwitch", "make_api_error"]


class FaultMode(StrEnum):
    """How GetAuthorizationToken fails. `DOWN`: the connection closes without an answer."""

    NONE = "none"
    DOWN = "down"
    THROTTLED = "throttled"
    ACCESS_DENIED = "access-denied"
    EXPIRED_SESSION = "expired-session"
    WRONG_REGION = "wrong-region"


@dataclass(frozen=True, kw_only=True)
class Fault:
    """What is to go wrong.

    Args:
        mode: how.
        region: only for calls to this region; None is every region.
        count: only for so many calls more; None is until it is changed.
    """

    mode: FaultMode = FaultMode.NONE
    region: str | None = None
    count: int | None = None

    def hits(self, region: str) -> bool:
        """Whether a call to `region` fails."""
        return self.mode is not FaultMode.NONE and self.count != 0 and self.region in (None, region)


class FaultSwitch:
    """The fault that is set now."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._fault = Fault()

    def set(self, fault: Fault) -> None:
        """Replace the fault."""
        with self._lock:
            self._fault = fault

    def take(self, region: str) -> FaultMode:
        """How the call to `region` that came in just now fails; counts it."""
        with self._lock:
            if not self._fault.hits(region):
                return FaultMode.NONE
            if self._fault.count is not None:
                self._fault = replace(self._fault, count=self._fault.count - 1)
            return self._fault.mode


@dataclass(frozen=True, kw_only=True)
class ApiError:
    """An error answer of an AWS JSON API; all of these come with HTTP status 400."""

    code: str
    message: str


def make_api_error(mode: FaultMode, *, principal: str, action: str, region: str) -> ApiError:
    """What AWS answers in `mode` to `principal` (an ARN) who asks for `action`; DOWN and NONE have none: KeyError."""
    return {
        FaultMode.THROTTLED: ApiError(code="ThrottlingException", message="Rate exceeded"),
        FaultMode.ACCESS_DENIED: ApiError(
            code="AccessDeniedException",
            message=f"User: {principal} is not authorized to perform: {action} on resource: * "
            f"because no identity-based policy allows the {action} action",
        ),
        FaultMode.EXPIRED_SESSION: ApiError(
            code="ExpiredTokenException", message="The security token included in the request is expired"
        ),
        FaultMode.WRONG_REGION: ApiError(
            code="InvalidSignatureException",
            message=f"Credential should be scoped to a valid region, not '{region}'.",
        ),
    }[mode]
