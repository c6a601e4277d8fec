"""The score of a mutation run: logic counts, words do not, and each survivor is shown."""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from tests.mutation.__main__ import Mutant, read_mutants, report
from tests.mutation.decorated import move_bodies_out, pytest_runtest_setup

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
    bodies = {"orig": "1", "1": "2", "2": "None", "3": "3"}
    module.write_text("".join(f"def x_f__mutmut_{name}():\n    return {value}\n" for name, value in bodies.items()))
    noted = {"module.x_f__mutmut_1": 1, "module.x_f__mutmut_2": 0, "module.x_f__mutmut_3": None}
    Path(f"{module}.meta").write_text(json.dumps({"exit_code_by_key": noted}))

    assert [(each.name, each.killed) for each in read_mutants(module)] == [
        ("x_f__mutmut_1", True),
        ("x_f__mutmut_2", False),
        ("x_f__mutmut_3", False),
    ]


DECORATED = '''
from functools import cached_property, lru_cache

class Sums:
    """Some sums."""

    def __init__(self):
        self.one = 1

    @cached_property
    def two(self):
        return self.one + 1

    @property
    def three(self):
        return self.two + self.one

@lru_cache(maxsize=8)
def add(first, *, second=2):
    return first + second

def plain():
    return 4
'''


def test_bodies_of_decorated_functions_are_moved_to_where_they_can_be_broken() -> None:
    names: dict[str, Any] = {}
    exec(move_bodies_out(DECORATED), names)

    sums = names["Sums"]()
    assert (sums.two, sums.three, names["add"](1), names["plain"]()) == (2, 3, 3, 4)
    assert (sums.two_body(), sums.three_body(), names["add_body"](1, second=3)) == (2, 3, 4)
    assert "plain_body" not in names


def test_no_test_sees_what_another_has_left_in_a_cache(request: pytest.FixtureRequest) -> None:
    called = []

    @lru_cache
    def remember() -> None:
        called.append(1)

    remember()
    pytest_runtest_setup(request.node)
    remember()
    assert len(called) == 2
