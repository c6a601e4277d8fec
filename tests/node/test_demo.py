"""The README's first command, on this run's lab: what it shows is what it promises."""

import re
import sys

import pytest

from lab.layout import CHECKOUT
from lab.lifecycle import Lab
from tests.pulumi_project import CommandFailed


@pytest.fixture(scope="module")
def shown(lab: Lab) -> tuple[str, str]:
    """What `make demo` prints, run once and then again."""
    run = [sys.executable, "-m", "lab", "demo", "--name", lab.layout.name]
    done = [lab.run(*run, cwd=CHECKOUT, check=False) for _ in range(2)]
    for one in done:
        if one.returncode != 0:
            raise CommandFailed(one.stdout + one.stderr)
    return done[0].stdout, done[1].stdout


def part(shown: str, heading: str) -> str:
    """What stands under one of the demo's headings."""
    return shown.split(f"== {heading}")[1].split("\n== ")[0]


def test_all_pods_run_from_private_registries(shown: tuple[str, str]) -> None:
    for one in shown:
        rows = [line.split() for line in part(one, "The pods").splitlines()[2:] if line]
        assert sorted(row[0] for row in rows) == ["shop", "shop", "shop", "tools"]
        assert all(row[2:4] == ["Running", "true"] and ".dkr.ecr." in row[4] for row in rows)


def test_our_secret_stands_beside_the_foreign_one(shown: tuple[str, str]) -> None:
    for one in shown:
        assert "imagePullSecrets: team-mirror registry-access" in part(one, "The ServiceAccount")


def test_the_second_preview_is_silent(shown: tuple[str, str]) -> None:
    for one in shown:
        assert re.search(r"^\s+\d+ unchanged$", part(one, "pulumi preview"), re.MULTILINE)
        assert not re.search(r"^\s*[-+~]+ \d+ to ", part(one, "pulumi preview"), re.MULTILINE)


def test_each_policy_comes_with_its_reason(shown: tuple[str, str]) -> None:
    plan = part(shown[0], "The policy of each container")
    assert re.search(r"web +web +IfNotPresent +tag is 1\.0, not latest", plan)
    assert re.search(r"api +api +Always +tag is latest", plan)


def test_the_registries_refused_who_had_no_credential(shown: tuple[str, str]) -> None:
    asked = part(shown[0], "What the registries were asked")
    assert re.search(r"shop/web/manifests/1\.0 +401 +no credential", asked)
    assert re.search(r"shop/web/manifests/1\.0 +200 +token [0-9a-f]{12}", asked)


def test_up_for_the_second_time_changes_nothing(shown: tuple[str, str]) -> None:
    assert not re.search(r"^\s+[-+~]+ \d+ ", part(shown[1], "pulumi up"), re.MULTILINE)
