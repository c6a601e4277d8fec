"""What a text of a stack's configuration must look like: marks for annotations that pydantic understands.

pydantic is imported when it asks: a program that only builds the classes does without it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from imagepull.docstrings import read_field_docstring, use_wire_names
from imagepull.errors import InvalidReference
from imagepull.images.reference import parse
from imagepull.inputs import TextPattern, describe_value
from imagepull.registries.inputs import REGISTRY_INPUTS, Registry
from imagepull.stack_config.cron import check_schedule

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
    from pydantic_core.core_schema import CoreSchema

__all__ = ["PROBLEM", "CronText", "Examples", "Image", "Matching", "RegistryInputs"]

PROBLEM: Final = "imagepull"
"""The type of an error whose `reason` is ready to be shown."""


_ENCRYPTED: Final = {
    "type": "object",
    "required": ["secure"],
    "properties": {"secure": {"type": "string"}},
    "additionalProperties": False,
}
"""JSON Schema of a secret in a stack's file."""


class Examples:
    """Texts to write, the first of them in messages."""

    def __init__(self, *texts: str) -> None:
        self._texts = texts

    def __get_pydantic_json_schema__(self, schema: "CoreSchema", handler: "GetJsonSchemaHandler") -> dict[str, Any]:
        return {**handler(schema), "examples": list(self._texts)}


@dataclass(frozen=True)
class Matching:
    """A text that `rule` admits."""

    rule: TextPattern

    def __get_pydantic_core_schema__(self, source: Any, handler: "GetCoreSchemaHandler") -> "CoreSchema":
        return _check(source, handler, self._find_problem)

    def __get_pydantic_json_schema__(self, schema: "CoreSchema", handler: "GetJsonSchemaHandler") -> dict[str, Any]:
        pattern = self.rule.pattern.pattern.replace(r"\Z", "$")  # as JavaScript, which editors use, spells it
        return {**handler(schema), "pattern": f"^(?:{pattern})$", "maxLength": self.rule.longest}

    def _find_problem(self, text: str) -> str | None:
        return None if self.rule.admits(text) else f"is {describe_value(text)}; write {self.rule.expected}"


class Image:
    """An image reference that Kubernetes takes."""

    def __get_pydantic_core_schema__(self, source: Any, handler: "GetCoreSchemaHandler") -> "CoreSchema":
        return _check(source, handler, self._find_problem)

    @staticmethod
    def _find_problem(text: str) -> str | None:
        try:
            parse(text)
        except InvalidReference as error:
            return f"{error}; write it as `docker pull` takes it" if not error.hint else str(error)
        return None


class CronText:
    """A CronJob's schedule that Kubernetes takes."""

    def __get_pydantic_core_schema__(self, source: Any, handler: "GetCoreSchemaHandler") -> "CoreSchema":
        return _check(source, handler, self._find_problem)

    @staticmethod
    def _find_problem(text: str) -> str | None:
        reason = check_schedule(text)
        return None if reason is None else f"is {describe_value(text)}, which {reason}"


class RegistryInputs:
    """A registry, with the inputs of `imagepull.registries.inputs` under the schema's names."""

    def __get_pydantic_core_schema__(self, source: object, handler: "GetCoreSchemaHandler") -> "CoreSchema":
        from pydantic_core import core_schema

        text = core_schema.str_schema(min_length=1)  # the rest is for `parse_registries` to say
        fields = {
            each.wire_name: core_schema.typed_dict_field(text, required=each.required) for each in REGISTRY_INPUTS
        }
        return core_schema.typed_dict_schema(fields, extra_behavior="forbid")

    def __get_pydantic_json_schema__(self, schema: "CoreSchema", handler: "GetJsonSchemaHandler") -> dict[str, Any]:
        document: dict[str, Any] = handler(schema)
        for each in REGISTRY_INPUTS:
            described = document["properties"][each.wire_name]
            described["description"] = use_wire_names(read_field_docstring(Registry, each.name))
            if each.limits.examples:
                described["examples"] = list(each.limits.examples)
            if each.limits.secret:
                document["properties"][each.wire_name] = {"description": described["description"], **_ENCRYPTED}
        return {**document, "description": Registry.__doc__}


def _check(source: Any, handler: "GetCoreSchemaHandler", problem: Callable[[str], str | None]) -> "CoreSchema":
    from pydantic_core import PydanticCustomError, core_schema

    def check(text: str) -> str:
        reason = problem(text)
        if reason is not None:
            raise PydanticCustomError(PROBLEM, "{reason}", {"reason": reason})
        return text

    return core_schema.no_info_after_validator_function(check, handler(source))
