"""The one error of the lab: which step failed, where its log is, what to do."""

from pathlib import Path

__all__ = ["LabError"]


class LabError(Exception):
    """A step of the lab that failed.

    Args:
        what: one sentence: the step or command that failed, and how.
        log: the file that holds the details, if there is one.
        hint: what the person should do next.
    """

    def __init__(self, what: str, *, log: Path | None = None, hint: str | None = None) -> None:
        lines = [what]
        if log is not None:
            lines.append(f"  log:  {log}")
            lines += [f"        {line}" for line in _read_last_lines(log)]
        if hint is not None:
            lines.append(f"  next: {hint}")
        super().__init__("\n".join(lines))
        self.log = log
        self.hint = hint


def _read_last_lines(log: Path, count: int = 8) -> list[str]:
    try:
        return log.read_text(errors="replace").splitlines()[-count:]
    except OSError:
        return []
