"""A stack's configuration (`stacks/Pulumi.<stack>.yaml`): read, every problem of it told at once, and its schema.

What a value must be, pydantic decides by the classes in `imagepull.stack_config.environment`; what a registry must be,
`imagepull.registry_secret.spec`; what must hold between values is here.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from imagepull.errors import InvalidInput, Problem
from imagepull.inputs import Reader, shown
from imagepull.pull_plan.kinds import ONLY_FOR, Kind
from imagepull.registry_secret import spec as registry_secret
from imagepull.registry_secret.spec import Renewal
from imagepull.renewal.settings import CRON_JOB_INPUTS, parse_cron_job
from imagepull.stack_config.annotations import PROBLEM
from imagepull.stack_config.environment import Environment, Verify

if TYPE_CHECKING:
    from pydantic import TypeAdapter
    from pydantic_core import ErrorDetails

__all__ = ["file_schema", "parse", "read"]

_ACCESS: Final = [key for key in registry_secret.INPUTS if key not in ("name", "namespaces")]
_CLUSTER_KEYS: Final = ("kubeconfig", "context")
_UNKNOWN_KEY: Final = ("extra_forbidden", "unexpected_keyword_argument")


def read(config: Mapping[str, str], project: str) -> Environment:
    """The environment that a stack's whole configuration describes.

    Args:
        config: Pulumi's configuration: `namespace:key` to text, structured values as JSON, secrets decrypted.
        project: Name of the project, the namespace of our keys.

    Raises:
        InvalidInput: with every problem and its path (`private-images:workloads[1].port`).
    """
    prefix = f"{project}:"
    own: dict[str, Any] = {}
    problems = []
    for key, text in config.items():
        if key.startswith(prefix):
            try:
                own[key.removeprefix(prefix)] = _decoded(text)
            except ValueError:  # not shown: it may hold a password
                problems.append(Problem(path=key, reason="is no JSON; write it in the stack's file, as YAML"))
    unreadable = {problem.path for problem in problems}
    problems += _clusters_that_differ(config, "cluster" in own)
    try:
        environment = parse(own)
    except InvalidInput as error:
        ours = [Problem(path=prefix + each.path, reason=each.reason) for each in error.problems]
        raise InvalidInput([*(each for each in ours if each.path not in unreadable), *problems]) from None
    if problems:
        raise InvalidInput(problems)
    return environment


def parse(values: Mapping[str, Any]) -> Environment:
    """The environment that the project's own keys describe; raises InvalidInput as `read` does, without the prefix."""
    from pydantic import ValidationError

    values = _without_nulls(values)
    problems = [*_wrong_registries(values), *_wrong_together(values)]
    environment = None
    try:
        environment = _adapter().validate_json(json.dumps(values), strict=True)
    except ValidationError as error:
        found = error.errors(include_url=False)
        problems = [*problems, *(_problem(each) for each in found if not _is_echo(each))]
    first = {problem.path: problem for problem in reversed(problems)}
    if first or environment is None:
        raise InvalidInput(sorted(first.values(), key=_place))
    return environment


def file_schema(project: str) -> dict[str, Any]:
    """JSON Schema of a stack's file, for editors: the project's keys, others' as they are."""
    own = _schema()
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
def _adapter(documented: bool = False) -> "TypeAdapter[Environment]":
    """Validates; `documented`, with the fields' docstrings, which take a while to find."""
    from pydantic import ConfigDict, TypeAdapter, with_config
    from pydantic.alias_generators import to_camel

    # The classes of the fields have none of their own, and get this one.
    config = ConfigDict(alias_generator=to_camel, extra="forbid", use_attribute_docstrings=documented)
    return TypeAdapter(with_config(config)(Environment))


@cache
def _schema() -> dict[str, Any]:
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

    return _adapter(documented=True).json_schema(schema_generator=ForEditors)


def _decoded(text: str) -> Any:
    return json.loads(text) if text.startswith(("[", "{")) else {"true": True, "false": False}.get(text, text)


def _without_nulls(value: Any) -> Any:
    """A key without a value is as good as none."""
    if isinstance(value, Mapping):
        return {key: _without_nulls(each) for key, each in value.items() if each is not None}
    return [_without_nulls(each) for each in value] if isinstance(value, list) else value


def _clusters_that_differ(config: Mapping[str, str], elsewhere: bool) -> Iterator[Problem]:
    """The Secrets (`imagepull`) and the workloads (`kubernetes`) go to one cluster."""
    for key in _CLUSTER_KEYS:
        ours, theirs = f"imagepull:{key}", f"kubernetes:{key}"
        for each in (ours, theirs):
            if elsewhere and each in config:
                yield Problem(path=each, reason="is not used where cluster names a stack; leave one of them out")
        if not elsewhere and config.get(ours) != config.get(theirs):
            yield Problem(
                path=ours, reason=f"is not what {theirs} is; write the same in both: they are for one cluster"
            )


def _wrong_registries(values: Mapping[str, Any]) -> Sequence[Problem]:
    try:
        registry_secret.parse({"name": "any", "namespaces": ["any"], **{key: values.get(key) for key in _ACCESS}})
    except InvalidInput as error:
        return error.problems
    return ()


def _wrong_together(values: Mapping[str, Any]) -> Iterator[Problem]:
    reader = Reader(values=values)
    for key in ("platforms", "largestImage"):
        if reader.has(key) and values.get("verify", Verify.OFF.value) == Verify.OFF:
            yield Problem(path=key, reason="is for verify, which is off; write verify: warning, or leave it out")
    yield from _wrong_renewal(reader)
    namespaces = [(str(entry.values.get("name")), entry) for entry in reader.children("namespaces")]
    workloads = [(entry.values.get("kind", Kind.DEPLOYMENT.value), entry) for entry in reader.children("workloads")]
    reader.problems.clear()  # pydantic tells them
    known = [name for name, _ in namespaces]
    for kind, workload in workloads:
        namespace = workload.values.get("namespace")
        if namespace is not None and namespace not in known:
            workload.problem("namespace", f"is {shown(namespace)}, which is not among namespaces; add it there")
        if workload.has("schedule") != (kind in ONLY_FOR["schedule"]):
            workload.problem("schedule", "is for a CronJob, which needs it; write when to run, as '0 3 * * *'")
        if workload.has("replicas") and kind not in ONLY_FOR["replicas"]:
            workload.problem("replicas", f"is not for a {kind}; leave it out")
    yield from reader.problems
    yield from _named_twice(namespaces)
    yield from _named_twice([(f"{kind} {workload.values.get('name')}", workload) for kind, workload in workloads])


def _wrong_renewal(reader: Reader) -> Iterator[Problem]:
    values = reader.values.get("cronJob")
    if not isinstance(values, Mapping):
        return
    if reader.values.get("renewal") != Renewal.CRON_JOB:
        yield Problem(path="cronJob", reason="is for renewal: cronJob; write that, or leave it out")
    try:
        parse_cron_job({key: value for key, value in values.items() if key in CRON_JOB_INPUTS}, "cronJob")
    except InvalidInput as error:
        yield from error.problems


def _named_twice(named: Iterable[tuple[str, Reader]]) -> Iterator[Problem]:
    seen = set()
    for name, entry in named:
        if entry.has("name") and name in seen:
            yield Problem(path=entry.path, reason=f"is {name} a second time; name each once")
        seen.add(name)


def _is_echo(error: "ErrorDetails") -> bool:
    """Whether a list is called too short only because what is in it is wrong."""
    return error["type"] == "too_short" and bool(error["input"])


def _problem(error: "ErrorDetails") -> Problem:
    """A problem that pydantic found, with what the schema wants at its place."""
    *parents, last = error["loc"]
    if error["type"] in _UNKNOWN_KEY:
        known = list(_at(parents).get("properties", {}))
        reader = Reader(values={str(last): ...}, path=_path(parents))
        reader.refuse_others(known)
        return reader.problems[0]
    path = _path(error["loc"])
    if error["type"] == PROBLEM:
        return Problem(path=path, reason=error["ctx"]["reason"])
    is_ = {"missing": "missing", "too_short": "empty"}.get(error["type"]) or shown(error["input"])
    return Problem(path=path, reason=f"is {is_}; write {_wanted(_at(error['loc']))}")


def _at(place: Sequence[int | str]) -> Mapping[str, Any]:
    """The schema of the value at a place."""
    root = _schema()
    found: Mapping[str, Any] = root
    for part in place:
        inner = found.get("items") if isinstance(part, int) else found.get("properties", {}).get(part)
        found = inner or found.get("additionalProperties") or {}
        if "$ref" in found:
            found = {**root["$defs"][found["$ref"].rpartition("/")[2]], **found}
    return found


def _wanted(schema: Mapping[str, Any]) -> str:
    if "enum" in schema:
        return f"one of {', '.join(schema['enum'])}"
    if schema.get("type") == "integer":
        return f"a whole number from {schema['minimum']} to {schema['maximum']}"
    if schema.get("type") == "string" and "examples" in schema:
        return f"a text such as '{schema['examples'][0]}'"
    if schema.get("minItems"):
        return "a list of at least one"
    kinds = {"boolean": "true or false", "array": "a list", "object": "a mapping"}
    return kinds.get(str(schema.get("type")), "a text in quotes")


def _path(place: Sequence[int | str]) -> str:
    parts = [
        f"[{part}]" if isinstance(part, int) else f'["{part}"]' if _is_free(_at(place[:i])) else f".{part}"
        for i, part in enumerate(place)
    ]
    return "".join(parts).removeprefix(".")


def _is_free(schema: Mapping[str, Any]) -> bool:
    """Whether a mapping's keys are of the person's own choice."""
    return bool(schema.get("additionalProperties"))


def _place(problem: Problem) -> list[tuple[int, str]]:
    """Sorts problems by their path, entries of a list by their number."""
    parts = re.split(r"[.\[\]]+", problem.path)
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts]
