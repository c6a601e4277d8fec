"""`make mutants MODULE=imagepull/images/rules.py`: which breakages of a module no test notices.

mutmut breaks the module in many small ways, one at a time, and runs the unit tests that reach the place. Printed are
the breakages that stay green, as a diff each, and the score: of logic, without those that change nothing but the words
of a message. The work is done in a copy of the checkout, `.mutants/`, so nothing here is touched.
"""

import argparse
import ast
import difflib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.mutation.decorated import move_bodies_out

CHECKOUT: Final = Path(__file__).resolve().parents[2]
FOLDER: Final = CHECKOUT / ".mutants"
MUTMUT: Final = "mutmut>=3.8,<4"
_ELSEWHERE: Final = {
    "imagepull/redaction.py": [
        "tests/unit/preview/test_comment.py",
        "tests/unit/test_redaction.py",
        "tests/unit/test_redaction_encoded.py",
    ],
}
"""Tests that a module has outside of the folder that mirrors its room."""
_KILLED: Final = frozenset({1, 3, -24, 24, 36, 152, 255, -9, -11})
"""What mutmut notes for a mutant that failed a test, ran into the time limit, or ended Python: mutmut/stats.py."""
_CONFIG: Final = """

[tool.mutmut]
source_paths = ["imagepull"]
only_mutate = ["{module}"]
also_copy = {others}
pytest_add_cli_args_test_selection = {tests}
pytest_add_cli_args = ["-p", "no:cacheprovider", "-p", "tests.mutation.decorated"]
"""
_name = re.compile(r"(?P<function>.*)__mutmut_(?P<number>[0-9]+)")


@dataclass(frozen=True, kw_only=True)
class Mutant:
    """One breakage: the function's code before and after, and whether a test failed."""

    name: str
    before: str
    after: str
    killed: bool

    @property
    def is_text(self) -> bool:
        """Whether only the words of a text differ: `"XXa textXX"` in place of `"a text"`."""
        return _without_texts(self.before) == _without_texts(self.after)

    def diff(self) -> str:
        """The lines that differ."""
        lines = difflib.unified_diff(self.before.splitlines(), self.after.splitlines(), lineterm="", n=0)
        return "\n".join(line for line in lines if not line.startswith(("---", "+++", "@@")))


def main(arguments: Sequence[str]) -> int:
    """Break one module and print what no test noticed; returns 1 where the score is below the one asked for."""
    parser = argparse.ArgumentParser(prog="make mutants", description="Find breakages that no test notices.")
    parser.add_argument("module", help="file below imagepull/, such as imagepull/images/rules.py")
    parser.add_argument("tests", nargs="*", help="tests to run; default: those of the module's room")
    parser.add_argument("--least", type=int, default=0, help="percent of logic mutants to be killed (default: any)")
    given = parser.parse_args(arguments)
    work = prepare(given.module, given.tests or _tests_of(given.module))
    command = [sys.executable, "-c", "from mutmut.__main__ import cli; cli(['run'])"]
    env = {**os.environ, "PYTHONPATH": str(FOLDER / "site")}
    with (FOLDER / "mutmut.log").open("w") as log:
        done = subprocess.run(command, cwd=work, env=env, stdout=log, stderr=log, check=False)
    if done.returncode:
        print(f"mutmut failed: see {FOLDER / 'mutmut.log'}", file=sys.stderr)
        return 2
    return report(list(read_mutants(work / "mutants" / given.module)), given.least)


def prepare(module: str, tests: Sequence[str]) -> Path:
    """A copy of the checkout's files with mutmut's settings; mutmut itself beside it, apart from the project's own."""
    work = FOLDER / "work"
    shutil.rmtree(work, ignore_errors=True)
    tracked = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.splitlines()
    for name in (each for each in tracked if (CHECKOUT / each).is_file()):
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(CHECKOUT / name, work / name)
    others = sorted({name.partition("/")[0] for name in tracked} - {"imagepull", "tests", "pyproject.toml"})
    there = [test for test in tests if (work / test).exists()]
    (work / module).write_text(move_bodies_out((work / module).read_text()))
    with (work / "pyproject.toml").open("a") as settings:
        settings.write(_CONFIG.format(module=module, others=json.dumps(others), tests=json.dumps(there)))
    if not (FOLDER / "tools" / "mutmut").is_dir():
        target = ["--target", str(FOLDER / "tools")]
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", *target, MUTMUT], check=True)
    # Behind the project's own packages, which mutmut's must not take the place of; for processes of tests as well.
    (FOLDER / "site").mkdir(exist_ok=True)
    (FOLDER / "site" / "sitecustomize.py").write_text(f"import sys\nsys.path.append({str(FOLDER / 'tools')!r})\n")
    return work


def read_mutants(module: Path) -> Iterator[Mutant]:
    """The mutants of a module that mutmut has been through."""
    results: Mapping[str, int | None] = json.loads(Path(f"{module}.meta").read_text())["exit_code_by_key"]
    code = _functions(module.read_text())
    for key, exit_code in results.items():
        name = key.rpartition(".")[2]
        found = _name.fullmatch(name)
        if found is not None:
            before = code[f"{found['function']}__mutmut_orig"]
            yield Mutant(name=name, before=before, after=code[name], killed=exit_code in _KILLED)


def report(mutants: Sequence[Mutant], least: int) -> int:
    """Print the survivors and the score; returns the exit status."""
    logic = [mutant for mutant in mutants if not mutant.is_text]
    for mutant in logic:
        if not mutant.killed:
            print(f"{mutant.name}\n{mutant.diff()}\n")
    killed = sum(mutant.killed for mutant in logic)
    score = 100 * killed // len(logic) if logic else 100
    texts = len(mutants) - len(logic)
    print(f"{killed} of {len(logic)} logic mutants killed ({score} %); {texts} that only change words are left out")
    return 1 if score < least else 0


def _tests_of(module: str) -> list[str]:
    room = Path(module).parent.relative_to("imagepull")
    return _ELSEWHERE.get(module, [str(Path("tests/unit") / room)])


def _functions(text: str) -> dict[str, str]:
    """The code of each function of a module, methods too, by its name; their own names made equal."""
    found = {}
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and "__mutmut_" in node.name:
            name, node.name = node.name, "function"
            found[name] = ast.unparse(node)
    return found


def _without_texts(code: str) -> str:
    tree = ast.parse(code)
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""
    return ast.dump(tree)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
