"""The score of a mutation run: logic counts, words do not, and each survivor is shown."""

import json
from pathlib import Path

import pytest

from tests.mutation.__main__ import Mutant, read_mutants, report

BEFORE = "def function():\n    return 'a' if x else 1"
LOGIC, TEXT = BEFORE.replace("if x", "if not x"), BEFORE.replace("'a'", "'XXaXX'")


def mutant(after: str, *, killed: bool) -> Mutant:
    return Mutant(name="x_f__mutmut_1", before=BEFORE, after=after, killed=killed)


def test_only_logic_counts() -> None:
    assert mutant(TEXT, killed=False).is_text
    assert not mutant(LOGIC, killed=False).is_text


@pytest.mark.parametrize(("least", "status"), [(0, 0), (66, 0), (67, 1)])
def test_survivors_are_shown_with_the_score(capsys: pytest.CaptureFixture[str], least: int, status: int) -> None:
    found = [mutant(LOGIC, killed=True)] * 2 + [mutant(LOGIC, killed=False), mutant(TEXT, killed=False)]

    assert report(found, least) == status
    shown = capsys.readouterr().out
    assert shown.count("+    return 'a' if not x else 1") == 1
    assert "2 of 3 logic mutants killed (66 %); 1 that only change words are left out" in shown


def test_what_the_run_has_noted_is_read(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    bodies = {"orig": "1", "1": "2", "2": "None"}
    module.write_text("".join(f"def x_f__mutmut_{name}():\n    return {value}\n" for name, value in bodies.items()))
    noted = {"module.x_f__mutmut_1": 1, "module.x_f__mutmut_2": 0}
    Path(f"{module}.meta").write_text(json.dumps({"exit_code_by_key": noted}))

    assert [(each.name, each.killed) for each in read_mutants(module)] == [
        ("x_f__mutmut_1", True),
        ("x_f__mutmut_2", False),
    ]
