"""The table of programs and the Go modules beside it agree."""

import re

import pytest

from lab.toolchain.build import _numbers
from lab.toolchain.table import MODULES, Module


@pytest.mark.parametrize(
    ("told", "version"),
    [
        ("v3.259.0", (3, 259, 0)),
        ("Client Version: v1.36.3\nKustomize Version: v5.7.1", (1, 36, 3)),
        ("Kubernetes v1.36.3", (1, 36, 3)),
        ("etcd Version: 3.6.5\nGit SHA: abc", (3, 6, 5)),
        ("go1.26\nlinux\namd64", (1, 26)),
        ("no version at all", ()),
    ],
)
def test_versions_are_read_from_what_programs_print(told: str, version: tuple[int, ...]) -> None:
    assert _numbers(told) == version


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.name)
def test_every_module_has_its_checksums_and_requires_what_it_builds(module: Module) -> None:
    go_mod = (module.folder / "go.mod").read_text()
    assert (module.folder / "go.sum").stat().st_size > 0
    wanted = [program.package for program in module.programs if program.package != "."]
    wanted += [path for path, _ in (*module.scripts, *module.embeds)]
    required = re.findall(r"^\s*(?:require )?(\S+) v\S+", go_mod, re.MULTILINE)
    for package in wanted:
        assert any(package == path or package.startswith(f"{path}/") for path in required), package


def test_no_program_is_named_twice() -> None:
    names = [program.name for module in MODULES for program in module.programs]
    assert len(names) == len(set(names))
