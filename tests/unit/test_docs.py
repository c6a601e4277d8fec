"""README and docs: every block of code runs, parses, or names commands that there are."""

import configparser
import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import botocore.session
import pulumi
import pytest
import yaml

from docsite.changelog import make_changelog
from docsite.reference import find_commands, make_pages
from imagepull.cli import make_parser
from imagepull.stack_config.reader import read
from lab.layout import CHECKOUT
from provider.schema import make_schema
from tests.pulumi_mocks import declared

PAGES = [CHECKOUT / "README.md", *sorted((CHECKOUT / "docs").glob("**/*.md"))]
PROGRAMS = {
    "aws",
    "kubectl",
    "kind",
    "make",
    "pip",
    "python3",
    "pulumi",
    "imagepull",
    "python",
    "docker",
    "gcloud",
    "mkdir",
    "true",
    "cd",
}
"""Programs that a reader has, or is told to install."""
REST = {"private-images:registries": [{"host": "public.ecr.aws"}], "private-images:namespaces": [{"name": "any"}]}
"""What a stack file must have, for a page that shows a part of one."""


@dataclass(frozen=True, kw_only=True)
class Block:
    """A fenced block. `line`: of its fence, from 1."""

    page: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(CHECKOUT)}:{self.line}"


def find_blocks(page: Path) -> Iterator[Block]:
    for match in re.finditer(r"^( *)```(\w*)\n(.*?)^\1```$", page.read_text(), re.MULTILINE | re.DOTALL):
        line = page.read_text()[: match.start()].count("\n") + 1
        indent = len(match[1])
        text = "".join(each[indent:] or "\n" for each in match[3].splitlines(keepends=True))
        yield Block(page=page, line=line, language=match[2], text=text)


BLOCKS = [block for page in PAGES for block in find_blocks(page)]


def written_in(*languages: str) -> list[Block]:
    return [block for block in BLOCKS if block.language in languages]


def test_every_language_has_a_check() -> None:
    assert {block.language for block in BLOCKS} == {"", "console", "ini", "json", "python", "typescript", "yaml"}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_stand_in_fenced_blocks_where_they_are_checked(page: Path) -> None:
    outside = re.sub(r"^( *)```.*?^\1```$", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    assert re.findall(rf"\n\n {{4}}(?:{'|'.join(PROGRAMS)}) .*", outside) == []


@pytest.mark.parametrize("block", written_in(""), ids=str)
def test_block_without_a_language_is_what_something_prints_or_a_drawing(block: Block) -> None:
    """Nothing in it is to be run: a command stands in a console block, whose commands are checked."""
    first = [line.split()[0].rpartition("/")[2] for line in block.text.splitlines() if line.strip()]
    assert not PROGRAMS.intersection(first)


@pytest.mark.parametrize("block", written_in("typescript"), ids=str)
def test_typescript_declares_what_the_schema_has(block: Block) -> None:
    """It is run as `examples/typescript` on the lab; here its classes and inputs are looked up."""
    declared_here = re.findall(r"new imagepull\.(\w+)\(\"\w+\", \{(.*?)\}\);", block.text, re.DOTALL)
    resources = json.loads(make_schema("1.0.0"))["resources"]
    assert declared_here
    for name, fields in declared_here:
        inputs = resources[f"imagepull:index:{name}"]["inputProperties"]
        assert set(re.findall(r"^\s*(\w+):", fields, re.MULTILINE)) <= set(inputs)


@pytest.mark.parametrize("block", written_in("ini"), ids=str)
def test_unit_of_systemd_starts_a_command_that_exists(block: Block) -> None:
    parser = configparser.ConfigParser(strict=False)
    parser.read_string(block.text)
    assert is_ours(shlex.split(parser["Service"]["ExecStart"])[1:])


@pytest.mark.parametrize("block", written_in("python"), ids=str)
def test_python_runs_as_printed(block: Block) -> None:
    # The checkout's own folder stands for the installed package.
    program = block.text.replace("imagepull.components", "components").replace("imagepull.provider", "provider")
    pulumi.runtime.set_all_config({f"project:{key}": "a-secret" for key in ("ghcrToken", "ghcr", "harborPassword")})
    code = compile(program, str(block), "exec")
    assert declared(lambda: exec(code, {"__name__": "__main__"}))


@pytest.mark.parametrize("block", written_in("json"), ids=str)
def test_json_parses_and_its_iam_actions_exist(block: Block) -> None:
    document = json.loads(block.text)
    statements = document.get("Statement", []) if isinstance(document, dict) else []
    actions = [each["Action"] for each in statements]
    flat = [action for each in actions for action in (each if isinstance(each, list) else [each])]
    session = botocore.session.get_session()
    for action in flat:
        service, _, operation = action.partition(":")
        assert operation in session.get_service_model(service).operation_names, action


@pytest.mark.parametrize("block", written_in("yaml"), ids=str)
def test_yaml_parses_and_a_stack_file_is_one(block: Block) -> None:
    documents = [each for each in yaml.safe_load_all(block.text) if each is not None]
    assert documents
    for document in documents:
        keys = document.get("config", {}) if isinstance(document, dict) else {}
        if any(key.startswith("private-images:") for key in keys):
            read_stack_file(keys)


def read_stack_file(keys: dict[str, object]) -> None:
    def decrypt(value: object) -> object:
        if isinstance(value, dict):
            return "secret" if "secure" in value else {key: decrypt(each) for key, each in value.items()}
        return [decrypt(each) for each in value] if isinstance(value, list) else value

    texts = {key: json.dumps(decrypt(value)) for key, value in {**REST, **keys}.items()}
    assert read(texts, "private-images") is not None


def commands() -> Iterator[tuple[str, str]]:
    """Each command line of a console block, with the place that it is in."""
    for block in written_in("console"):
        for line in block.text.splitlines():
            if line.startswith("$ "):
                for part in re.split(r"\s(?:&&|\|\|?)\s", line.removeprefix("$ ").partition(" # ")[0]):
                    yield str(block), part.strip()


COMMANDS = list(commands())


@pytest.mark.parametrize(("place", "command"), COMMANDS, ids=lambda value: value[:60])
def test_command_is_one_that_exists(place: str, command: str) -> None:
    words = shlex.split(command)
    while "=" in words[0]:
        words.pop(0)  # of the environment
    name = Path(words[0]).name
    assert name in PROGRAMS, place
    check: dict[str, Callable[[list[str]], bool]] = {"make": is_target, "imagepull": is_ours, "python": is_python}
    check["kubectl"] = lambda given: given[0] != "imagepull" or is_ours(given[1:])
    assert name not in check or check[name](words[1:]), place


def is_target(words: list[str]) -> bool:
    command = ["make", "--dry-run", "--directory", str(CHECKOUT), *words]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def is_ours(words: list[str]) -> bool:
    names = [name for name, _ in find_commands(make_parser())]
    return words[0].startswith("--") or any(" ".join(words).startswith(name) for name in names)


def is_python(words: list[str]) -> bool:
    return words[:2] != ["-m", "imagepull"] or is_ours(words[2:])


def test_every_input_and_command_has_a_place_in_the_reference() -> None:
    generated = make_pages()
    resources, cli = generated["reference/resources.md"], generated["reference/cli.md"]
    for name in ("RegistrySecret", "ServiceAccountImagePullSecrets", "RegistryAccess", "Deployment"):
        assert f"## {name}\n" in resources
    assert "`refreshBefore`" in resources
    for name, _ in find_commands(make_parser()):
        assert f"## {name}\n" in cli


def test_changelog_has_what_is_not_released_above_the_releases(tmp_path: Path) -> None:
    (tmp_path / "changelog.d").mkdir()
    (tmp_path / "changelog.d" / "7.fixed.md").write_text("A mistake\nis gone.\n")
    (tmp_path / "changelog.d" / "+new.added.md").write_text("A new thing.\n")
    shutil.copy(CHECKOUT / "pyproject.toml", tmp_path)
    head = "# Changelog\n\n<!-- towncrier release notes start -->\n"
    (tmp_path / "CHANGELOG.md").write_text(f"{head}\n## 0.1.0 (2026-11-01)\n\n- The first.\n")

    page = make_changelog(tmp_path)

    order = ["## Not released yet", "### Added", "- A new thing.", "### Fixed", "- A mistake\n  is gone.", "## 0.1.0"]
    assert sorted(order, key=page.index) == order
    assert "- One wheel with the commands" in make_pages()["changelog.md"]
