"""The table of programs and the Go modules beside it agree."""

import re
from pathlib import Path

import pytest

from lab.errors import LabError
from lab.lifecycle import PROGRAMS
from lab.toolchain import build
from lab.toolchain.build import _parse_version
from lab.toolchain.table import KUBERNETES_VERSIONS, MODULES, Module, choose_modules

EVERY_MODULE = {module.name: module for minor in sorted(KUBERNETES_VERSIONS) for module in choose_modules(minor)}


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
    assert _parse_version(told) == version


@pytest.mark.parametrize("module", EVERY_MODULE.values(), ids=lambda module: module.name)
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


def test_an_older_kubernetes_takes_the_place_of_the_usual_one_and_of_none_on_path() -> None:
    older = {module.name: module for module in choose_modules("1.30")}

    assert set(older) == {module.name for module in MODULES} | {"kubernetes-1.30"}
    assert [program.name for program in older["kubernetes"].programs] == ["kubectl"]
    assert {program.minimum for program in older["kubernetes-1.30"].programs} == {None}
    assert all("gitVersion=v1.30." in program.link for program in older["kubernetes-1.30"].programs)
    assert "k8s.io/kubernetes v1.30." in (older["kubernetes-1.30"].folder / "go.mod").read_text()


def test_the_environment_chooses_the_kubernetes_of_the_lab(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAB_KUBERNETES", "1.30")
    assert "kubernetes-1.30" in {module.name for module in build.find_modules()}

    monkeypatch.setenv("LAB_KUBERNETES", "1.29")
    with pytest.raises(LabError, match=r"(?s)LAB_KUBERNETES is '1\.29'.*write one of: 1\.36, 1\.30"):
        build.find_modules()

    monkeypatch.setenv("LAB_KUBERNETES", "")
    assert build.find_modules() == MODULES


def test_files_that_replace_a_modules_own_lie_beside_its_go_mod() -> None:
    replaced = [(module, file) for module in MODULES for file, _ in module.replaces]
    assert replaced
    for module, file in replaced:
        assert (module.folder / file).is_file(), file


def test_the_demo_waits_for_no_program_of_renewal() -> None:
    assert not {"ecr-credential-provider", "external-secrets", "promtool", "k8s-ecr-login-renew"} & set(PROGRAMS)


def test_a_module_whose_files_are_replaced_is_built_in_a_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = tmp_path / "original"
    (original / "inside").mkdir(parents=True)
    (original / "inside" / "a.go").write_text("theirs")
    (original / "main.go").write_text("main")
    for place in (original / "inside", original):
        place.chmod(0o555)  # as the Go module cache is
    own = tmp_path / "own"
    own.mkdir()
    (own / "ours.go").write_text("ours")
    monkeypatch.setattr(build, "_find_module_folder", lambda module, path: original)
    monkeypatch.setattr(Module, "folder", own)
    module = Module(name="x", programs=(), copied="example.com/x", replaces=(("ours.go", "inside/a.go"),))

    source = build._prepare_source(module, tmp_path)

    assert (source / "inside" / "a.go").read_text() == "ours"
    assert (source / "main.go").read_text() == "main"
    assert (original / "inside" / "a.go").read_text() == "theirs"
