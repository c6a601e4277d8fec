"""A stack's configuration (`stacks/Pulumi.<stack>.yaml`): read, every problem of it reported at once, and its schema.

What a value must be, pydantic decides by the classes in `imagepull.stack_config.environment`; what a registry must be,
`imagepull.registry_secret.spec`; what must hold between values, `imagepull.stack_config.consistency`.
"""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from imagepull.errors import InvalidInput, Problem
from imagepull.inputs import describe_unknown_key, describe_value, find_meant_key, list_choices
from imagepull.stack_config.annotations import PROBLEM
from imagepull.stack_config.consistency import (
    check_clusters,
    check_combinations,
    check_mappings,
    check_passwords,
    check_prefixes,
    check_registries,
)
from imagepull.stack_config.environment import Environment
from imagepull.stack_config.stack_file import StackFile

if TYPE_CHECKING:
    from pydantic import TypeAdapter
    from pydantic_core import ErrorDetails

__all__ = ["make_file_schema", "parse", "read"]

_UNKNOWN_KEY: Final = ("extra_forbidden", "unexpected_keyword_argument")


def read(
    config: Mapping[str, str],
    project: str,
    *,
    secret_keys: Collection[str] | None = None,
    stack_file: StackFile | None = None,
) -> Environment:
    """The environment that a stack's whole configuration describes.

    Args:
        config: Pulumi's configuration: `namespace:key` to text, structured values as JSON, secrets decrypted.
        project: Name of the project, the namespace of our keys.
        secret_keys: The keys of `config` with a secret in them. Default: not known, no password is called plain text.
        stack_file: The file that the configuration comes from, if it is at hand.

    Raises:
        InvalidInput: with every problem and its path (`private-images:workloads[1].port`).
    """
    prefix = f"{project}:"
    own: dict[str, Any] = {}
    problems = []
    for key, text in config.items():
        if key.startswith(prefix):
            try:
                own[key.removeprefix(prefix)] = _decode(text)
            except ValueError:  # not shown: it may hold a password
                problems.append(Problem(path=key, reason="is no JSON; write it in the stack's file, as YAML"))
    unreadable = {problem.path for problem in problems}
    problems += check_clusters(config, "cluster" in own)
    problems += check_prefixes(config, project)
    if secret_keys is not None and f"{prefix}registries" not in secret_keys:
        problems += check_passwords(own.get("registries"), project)
    problems += stack_file.find_problems(project) if stack_file else ()
    environment = None
    try:
        environment = parse(own)
    except InvalidInput as error:
        ours = [Problem(path=prefix + each.path, reason=each.reason) for each in error.problems]
        problems = [*(each for each in ours if each.path not in unreadable), *problems]
    if problems or environment is None:
        raise InvalidInput(list({problem.path: problem for problem in reversed(problems)}.values())[::-1])
    return environment


def parse(values: Mapping[str, Any]) -> Environment:
    """The environment that the project's own keys describe; raises InvalidInput as `read` does, without the prefix."""
    from pydantic import ValidationError

    values = _drop_nulls(values)
    problems = [*check_mappings(values), *check_registries(values), *check_combinations(values)]
    environment = None
    try:
        environment = _make_adapter().validate_json(json.dumps(values), strict=True)
    except ValidationError as error:
        found = error.errors(include_url=False)
        problems = [*problems, *(_make_problem(each) for each in found if not _is_echo(each))]
    first = {problem.path: problem for problem in reversed(problems)}
    if first or environment is None:
        raise InvalidInput(sorted(_drop_echoes(first.values()), key=_make_sort_key))
    return environment


def make_file_schema(project: str) -> dict[str, Any]:
    """JSON Schema of a stack's file, for editors: the project's keys, others' as they are."""
    own = _make_schema()
    known = "|".join(own["properties"])
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"Configuration of a stack of {project}",
        "type": "object",
        "required": ["config"],
        "properties": {
            "config": {
                "description": own["description"],
                "type": "object",
                "required": [f"{project}:{key}" for key in own["required"]],
                "properties": {f"{project}:{key}": value for key, value in own["properties"].items()},
                "patternProperties": {f"^{project}:(?!(?:{known})$)": False},
            }
        },
        "$defs": own["$defs"],
    }


@cache
def _make_adapter(documented: bool = False) -> "TypeAdapter[Environment]":
    """Validates; `documented`, with the fields' docstrings, which take a while to find."""
    from pydantic import ConfigDict, TypeAdapter, with_config
    from pydantic.alias_generators import to_camel

    # The classes of the fields have none of their own, and get this one.
    config = ConfigDict(alias_generator=to_camel, extra="forbid", use_attribute_docstrings=documented)
    return TypeAdapter(with_config(config)(Environment))


@cache
def _make_schema() -> dict[str, Any]:
    from pydantic.json_schema import GenerateJsonSchema

    class ForEditors(GenerateJsonSchema):
        """A key that may be left out is not written with a null, and has no title beside its name."""

        def field_title_should_be_set(self, schema: Any) -> bool:
            return False

        def nullable_schema(self, schema: Any) -> Any:
            return self.generate_inner(schema["schema"])

        def default_schema(self, schema: Any) -> Any:
            inner = super().default_schema(schema)
            return {key: value for key, value in inner.items() if (key, value) != ("default", None)}

    return _make_adapter(documented=True).json_schema(schema_generator=ForEditors)


def _decode(text: str) -> Any:
    return json.loads(text) if text.startswith(("[", "{")) else {"true": True, "false": False}.get(text, text)


def _drop_nulls(value: Any, place: tuple[int | str, ...] = ()) -> Any:
    """A known key without a value is as good as none; an unknown one stays, to be reported."""
    if isinstance(value, list):
        return [_drop_nulls(each, (*place, i)) for i, each in enumerate(value)]
    if not isinstance(value, Mapping):
        return value
    known = _find_schema(place).get("properties", {}) if None in value.values() else ()
    return {
        key: _drop_nulls(each, (*place, key)) for key, each in value.items() if each is not None or key not in known
    }


def _drop_echoes(problems: Collection[Problem]) -> list[Problem]:
    """Without those that say a value is missing where another says that its key is misspelt."""
    meant = {
        f"{problem.path.rpartition('.')[0]}.{key}".removeprefix(".")
        for problem in problems
        if (key := find_meant_key(problem.reason))
    }
    return [each for each in problems if each.path not in meant or not each.reason.startswith("is missing")]


def _is_echo(error: "ErrorDetails") -> bool:
    """Whether a list is called too short only because what is in it is wrong."""
    return error["type"] == "too_short" and bool(error["input"])


def _make_problem(error: "ErrorDetails") -> Problem:
    """A problem that pydantic found, with what the schema wants at its place."""
    *parents, last = error["loc"]
    if error["type"] in _UNKNOWN_KEY:
        reason = describe_unknown_key(str(last), list(_find_schema(parents).get("properties", {})))
        return Problem(path=f"{_join_path(parents)}.{last}".removeprefix("."), reason=reason)
    path = _join_path(error["loc"])
    if error["type"] == PROBLEM:
        return Problem(path=path, reason=error.get("ctx", {})["reason"])
    value = error["input"]
    states = {"missing": "missing", "too_short": "empty"}
    state = states.get(error["type"]) or ("empty" if value is None else describe_value(value))
    return Problem(path=path, reason=f"is {state}; write {_describe_expected(_find_schema(error['loc']), value)}")


def _find_schema(place: Sequence[int | str]) -> Mapping[str, Any]:
    """The schema of the value at a place."""
    root = _make_schema()
    found: Mapping[str, Any] = root
    for part in place:
        inner = found.get("items") if isinstance(part, int) else found.get("properties", {}).get(part)
        found = inner or found.get("additionalProperties") or {}
        if "$ref" in found:
            found = {**root["$defs"][found["$ref"].rpartition("/")[2]], **found}
    return found


def _describe_expected(schema: Mapping[str, Any], value: object) -> str:
    if "enum" in schema:
        return list_choices(schema["enum"], value)
    if schema.get("type") == "integer":
        return f"a whole number from {schema['minimum']} to {schema['maximum']}"
    if schema.get("type") == "string" and "examples" in schema:
        return f"a text such as '{schema['examples'][0]}'"
    if schema.get("minItems"):
        return "a list of at least one"
    kinds = {"boolean": "true or false", "array": "a list", "object": "a mapping"}
    return kinds.get(str(schema.get("type")), "a text in quotes")


def _join_path(place: Sequence[int | str]) -> str:
    parts = [
        f"[{part}]" if isinstance(part, int) else f'["{part}"]' if _is_free(_find_schema(place[:i])) else f".{part}"
        for i, part in enumerate(place)
    ]
    return "".join(parts).removeprefix(".")


def _is_free(schema: Mapping[str, Any]) -> bool:
    """Whether a mapping's keys are of the person's own choice."""
    return bool(schema.get("additionalProperties"))


def _make_sort_key(problem: Problem) -> list[tuple[int, str]]:
    """Sorts problems by their path, entries of a list by their number."""
    parts = re.split(r"[.\[\]]+", problem.path)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
