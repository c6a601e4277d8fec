"""Where the program is that a policy judges.

Older language hosts start the pack in the program's folder, newer ones in the pack's own. No host says where the
program is, so it is looked for, and what is found counts only if its project's name is the one in the resource's URN.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from imagepull.errors import InvalidInput, Problem
from policies.stack_files import find_file, read_project_name

__all__ = ["find_project_file", "list_folders"]

_PACK = Path(__file__).resolve().parent


def list_folders() -> Iterator[Path]:
    """The folders that the program may be in or below, the surest first."""
    # The CLI's own current folder is right also after `pulumi -C FOLDER`, which leaves PWD as it was.
    yield from _find_folders_of_cli(Path("/proc"), os.getppid())
    if shell := os.environ.get("PWD"):
        yield Path(shell)
    here = Path.cwd()
    if here != _PACK:
        yield here


def find_project_file(project: str, candidates: Iterable[Path]) -> Path:
    """The `Pulumi.yaml` of the project of this name, in or above one of the folders.

    Raises:
        InvalidInput: there is none of this name.
    """
    others: dict[str, None] = {}
    for folder in candidates:
        file = next(filter(None, (find_file(each, "Pulumi") for each in (folder, *folder.parents))), None)
        name = read_project_name(file) if file else None
        if file and name == project:
            return file
        if name:
            others[name] = None
    found = f" (found: {', '.join(others)})" if others else ""
    reason = f"of project {project} is not to be found{found}, so its texts were not checked; run Pulumi in its folder"
    raise InvalidInput([Problem(path="Pulumi.yaml", reason=reason)])


def _find_folders_of_cli(processes: Path, process: int) -> Iterator[Path]:
    """The current folder of the `pulumi` above a process, if the system shows it (Linux)."""
    while process > 1:
        folder = processes / str(process)
        try:
            if (folder / "comm").read_text().strip() == "pulumi":
                yield (folder / "cwd").readlink()
                return
            # The name, in parentheses, may hold spaces: what follows its end are the state and the parent.
            process = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            return
