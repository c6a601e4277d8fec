"""A CronJob's schedule, checked as the API server does: it takes what robfig/cron v3 `parser.go` parses."""

import re
from typing import Final

from imagepull.renewal import schedule

__all__ = ["check_schedule"]

_DESCRIPTORS: Final = ("@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly")
_every = re.compile(r"@every (?:[0-9]+(?:\.[0-9]*)?(?:ns|us|ms|s|m|h))+")
_FIELDS: Final = 5
_EXAMPLE: Final = "write when to run, as '0 3 * * *'"


def check_schedule(text: str) -> str | None:
    """Why Kubernetes would refuse a schedule, with what to write; None when it takes it."""
    if text.startswith(("TZ=", "CRON_TZ=")):
        return f"names a time zone, which Kubernetes refuses in a schedule; {_EXAMPLE}"
    if text.startswith("@"):
        known = text in _DESCRIPTORS or _every.fullmatch(text)
        return None if known else f"is no schedule; write one of {', '.join(_DESCRIPTORS)}, or as '0 3 * * *'"
    parts = text.split()
    if len(parts) != _FIELDS:
        return f"has {len(parts)} fields instead of five (minute, hour, day, month, day of the week); {_EXAMPLE}"
    joined = " ".join(parts)
    reason = schedule.parse(joined) if schedule.SCHEDULE.admits(joined) else "holds other characters than a schedule"
    return f"{reason}; {_EXAMPLE}" if isinstance(reason, str) else None
