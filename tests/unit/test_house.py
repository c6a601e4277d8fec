"""The house: each room has its place everywhere, each module says what is public, each name says what it is."""

import ast
import configparser
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from lab.layout import CHECKOUT

DOMAIN = CHECKOUT / "imagepull"
ROOMS = {each.name for each in DOMAIN.iterdir() if (each / "__init__.py").exists()}
PRODUCT = [file for room in ("imagepull", "components", "provider") for file in sorted((CHECKOUT / room).rglob("*.py"))]
# Another verb is a word more here.
VERBS = frozenset(
    """
    add admit advise analyze annotate answer append apply ask assemble attempt begin belong call cancel change
    check choose classify clean close collect compare complete compute configure confirm connect construct
    convert copy count cover create decide declare decode delete describe diagnose diff discover do drop encode
    enforce escape exchange explain export fail fetch fill find finish flatten flush follow forget format gather
    get group has hide hold identify include index invoke is join judge keep leave lift limit list load log look
    make mark match may measure merge name normalize note open order parameterize parse patch pick plan point preview
    print put quote raise rank rate reach read record redact refuse release remove render renew repair replace
    report require resolve restore retry reveal round run select send set shorten sign sort split start step
    strip suggest summarize tell transform try unwrap update use verify view wait warn watch write
    """.split()  # noqa: SIM905 - a word a line would be a page
)
CONVERSIONS = frozenset({"as", "from", "of", "to", "with"})
"""Before what a value is turned into or made of: `as_json`, `to_one_line`, `of_urn`."""
GIVEN = {
    # What programs say in their own words: what they export, and what an access has.
    "image_pull_plan",
    "explicit_image_pulls",
    "exported_access",
    "cluster_providers",
    "secrets_in",
    "manifest",
    # Pulumi's and pydantic's names.
    "resource",
    "info",
    "inputs",
    "outputs",
    "properties",
    "in_known_cluster",
    "field_title_should_be_set",
    "nullable_schema",
    "default_schema",
    "main",
    # As in every language that has it.
    "for_each",
}


def find_functions(file: Path) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """The functions of a module and the methods of its classes; a property is named as the value that it is."""
    tree = ast.parse(file.read_text())
    holders: list[ast.Module | ast.ClassDef] = [tree, *(node for node in tree.body if isinstance(node, ast.ClassDef))]
    for node in (each for holder in holders for each in holder.body):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            marks = {ast.unparse(mark) for mark in node.decorator_list}
            if not marks & {"property", "cached_property"} and not node.name.startswith("__"):
                yield node


def is_verb(word: str) -> bool:
    third_person = {word.removesuffix("s"), word.removesuffix("es")}  # `belongs_to`, `matches`
    return word in VERBS | CONVERSIONS or bool(third_person & VERBS)


def test_every_room_has_its_tests_its_place_in_the_order_and_its_line_in_the_floor_plan() -> None:
    layers = configparser.ConfigParser()
    layers.read(CHECKOUT / ".importlinter")
    ordered = set(re.findall(r"imagepull\.(\w+)", layers["importlinter:contract:rooms"]["layers"]))
    plan = (CHECKOUT / "docs" / "design.md").read_text().partition("## The floor plan of the domain")[2]
    drawn = set(re.findall(r"^\| `(\w+)/` \|", plan, re.MULTILINE))
    tested = {each.name for each in (CHECKOUT / "tests" / "unit").iterdir() if (each / "__init__.py").exists()}

    assert drawn == ROOMS
    assert ordered >= ROOMS
    assert tested == ROOMS


def test_every_module_says_what_is_public() -> None:
    silent = [
        str(file.relative_to(CHECKOUT))
        for file in PRODUCT
        if file.name not in ("__init__.py", "__main__.py") and "\n__all__ = " not in file.read_text()
    ]

    assert silent == []


def test_functions_are_named_by_verbs() -> None:
    riddles = [
        f"{file.relative_to(CHECKOUT)}:{node.lineno} {node.name}"
        for file in PRODUCT
        for node in find_functions(file)
        if node.name not in GIVEN and not is_verb(re.findall(r"[A-Za-z][a-z]*", node.name)[0].lower())
    ]

    assert riddles == []


def test_no_class_of_the_domain_has_the_name_of_another() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for file in sorted(DOMAIN.rglob("*.py")):
        for node in ast.parse(file.read_text()).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(str(file.relative_to(CHECKOUT)))

    assert {name: files for name, files in places.items() if len(files) > 1} == {}


def test_every_error_of_the_domain_is_in_the_one_tree() -> None:
    bases = {
        node.name: {ast.unparse(base).rpartition(".")[2] for base in node.bases}
        for file in sorted(DOMAIN.rglob("*.py"))
        for node in ast.parse(file.read_text()).body
        if isinstance(node, ast.ClassDef)
    }

    def ancestors(name: str) -> set[str]:
        return {name}.union(*(ancestors(base) for base in bases.get(name, ())))

    errors = {name for name in bases if ancestors(name) & {"Exception", "ValueError", "RuntimeError", "OSError"}}
    drawn = set(
        re.findall(r"(?:├──|└──) (\w+)", ast.get_docstring(ast.parse((DOMAIN / "errors.py").read_text())) or "")
    )
    assert [name for name in sorted(errors) if "ImagePullError" not in ancestors(name)] == []
    assert {name for name in errors if not name.startswith("_")} == drawn | {"ImagePullError"}


def test_a_urn_is_taken_apart_and_the_default_namespace_written_in_one_place() -> None:
    """One source: `imagepull.resource_types`, and `DEFAULT_NAMESPACE` beside `DEFAULT_SERVICE_ACCOUNT`."""
    apart, written = [], []
    for file in [*PRODUCT, *sorted((CHECKOUT / "policies").glob("*.py"))]:
        values = [node.value for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Constant)]
        apart += [str(file.relative_to(CHECKOUT)) for value in values if value == "::"]
        written += [str(file.relative_to(CHECKOUT)) for value in values if value == "default"]

    assert apart == ["imagepull/resource_types.py"]
    # A keyword of JSON Schema, and the name of Pulumi's default providers.
    others = {"imagepull/stack_config/reader.py", "policies/analyzer.py", "imagepull/preview/engine_events.py"}
    assert set(written) - others == {"imagepull/kubernetes/kinds.py"}
