"""Limits of the machine that a kubelet or containerd runs into, told by what they log."""

import re
from pathlib import Path

from lab.errors import LabError

__all__ = ["find_inotify_limit"]

# Go's names of EMFILE (instances) and ENOSPC (watches) for inotify_init and inotify_add_watch: inotify(7).
_INOTIFY = re.compile(
    r"^.*(?:inotify|fsnotify|watcher).*(?P<kind>too many open files|no space left on device).*$",
    re.IGNORECASE | re.MULTILINE,
)
_SETTINGS = {"too many open files": "max_user_instances", "no space left on device": "max_user_watches"}
_WANTED = {"max_user_instances": 1024, "max_user_watches": 524288}
_FOLDER = Path("/proc/sys/fs/inotify")


def find_inotify_limit(log: Path) -> LabError | None:
    """The error that says that the machine's inotify limit was reached, if a daemon's log says so; else None."""
    try:
        text = log.read_text(errors="replace")
    except FileNotFoundError:
        return None
    lines = list(_INOTIFY.finditer(text))
    if not lines:
        return None
    setting = _SETTINGS[lines[-1]["kind"].lower()]
    now = int((_FOLDER / setting).read_text()) if (_FOLDER / setting).exists() else 0
    return LabError(
        f"the machine's inotify limit is reached: fs.inotify.{setting} is {now}, for all programs of a user together",
        log=log,
        hint=f"as root: sysctl fs.inotify.{setting}={max(_WANTED[setting], 2 * now)}; "
        "or take labs down that nobody needs: python -m lab status",
    )
