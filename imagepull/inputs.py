"""Reading of untyped inputs: each value checked where it is read, every problem noted with its path.

Inputs come as plain Python (mappings, lists, strings, booleans) from a Pulumi program in whatever language, so nothing
about their shape is certain. A value that Pulumi does not know yet is `UNKNOWN`: it is never a problem.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import Enum
from typing import Final

from imagepull.errors import InvalidInput, Problem

__all__ = [
    "ANY_TEXT",
    "LABEL_VALUE",
    "METADATA_KEY",
    "NAMESPACE",
    "OBJECT_NAME",
    "REFERENCE",
    "UNKNOWN",
    "Reader",
    "Reference",
    "TextPattern",
    "Unknown",
    "describe_unknown_key",
    "describe_value",
    "find_meant_key",
    "holds_unknown",
    "list_choices",
    "require_known",
    "to_camel_case",
]


class Unknown(Enum):
    """The type of `UNKNOWN`."""

    UNKNOWN = "unknown"


UNKNOWN: Final = Unknown.UNKNOWN
"""A value that is known only after the resources it comes from are there."""


class Reference(Enum):
    """The type of `REFERENCE`."""

    REFERENCE = "reference"


REFERENCE: Final = Reference.REFERENCE
"""A whole resource that stands where one of its outputs is wanted: `namespaces=[namespace]`."""


@dataclass(frozen=True, kw_only=True)
class TextPattern:
    """What a text must look like: the whole of it matches `pattern`, and is at most `longest` characters long."""

    pattern: re.Pattern[str]
    longest: int
    expected: str

    def admits(self, text: str) -> bool:
        return len(text) <= self.longest and self.pattern.fullmatch(text) is not None


ANY_TEXT = TextPattern(pattern=re.compile(r"(?s:.+)"), longest=1 << 20, expected="a text that is not empty")
# kubernetes/apimachinery pkg/util/validation/validation.go: IsDNS1123Label, IsDNS1123Subdomain, IsQualifiedName,
# IsValidLabelValue.
_LABEL = "[a-z0-9](?:[-a-z0-9]*[a-z0-9])?"
_NAME_PART = "[A-Za-z0-9](?:[-A-Za-z0-9_.]*[A-Za-z0-9])?"
NAMESPACE = TextPattern(
    pattern=re.compile(_LABEL),
    longest=63,
    expected="a namespace's name: lower-case letters, digits and '-', at most 63 characters, such as 'team-a'",
)
OBJECT_NAME = TextPattern(
    pattern=re.compile(rf"{_LABEL}(?:\.{_LABEL})*"),
    longest=253,
    expected="an object's name: lower-case letters, digits, '-' and '.', at most 253 characters, such as 'pull'",
)
LABEL_VALUE = TextPattern(
    pattern=re.compile(f"(?:{_NAME_PART})?"),
    longest=63,
    expected="a label's value: letters, digits, '-', '_' and '.', at most 63 characters",
)
METADATA_KEY = TextPattern(
    pattern=re.compile(rf"(?:(?=[^/]{{1,253}}/){_LABEL}(?:\.{_LABEL})*/)?(?=[^/]{{1,63}}\Z){_NAME_PART}"),
    longest=253 + 1 + 63,
    expected="a key such as 'team' or 'example.com/team'",
)


_UNKNOWN_KEY: Final = "is no input here;"
_suggested = re.compile(rf"{_UNKNOWN_KEY} is (\w+) meant\?")


@dataclass(kw_only=True)
class Reader:
    """Reads one mapping at `path` (empty at the top). Problems gather in a list that its children share."""

    values: Mapping[str, object]
    path: str = ""
    problems: list[Problem] = field(default_factory=list)

    def make_path(self, key: str) -> str:
        """The path of a value: `registries[1].host`."""
        return f"{self.path}.{key}" if self.path else key

    def add_problem(self, key: str, reason: str) -> None:
        self.problems.append(Problem(path=self.make_path(key), reason=reason))

    def has(self, key: str) -> bool:
        return self.values.get(key) is not None

    def refuse_others(self, known: Sequence[str]) -> None:
        """Every key is one of `known`."""
        for key in self.values:
            if key not in known and not key.startswith("__"):
                self.add_problem(key, describe_unknown_key(key, known))

    def read_text(self, key: str, rule: TextPattern = ANY_TEXT, *, required: bool = False) -> str | None:
        """The text under `key`; None when it is absent, unknown or wrong."""
        value = self.values.get(key)
        if value is None:
            if required:
                self.add_problem(key, f"is missing; write {rule.expected}")
            return None
        return self._check(key, value, rule)

    def read_secret(self, key: str) -> str | None:
        """The text under `key`, of which no problem says anything but that it is missing."""
        value = self.values.get(key)
        if value is None or value is UNKNOWN:
            return None
        if not isinstance(value, str) or not value:
            self.add_problem(key, "is not a text, or empty; write it as a secret text")
            return None
        return value

    def read_choice(self, key: str, choices: Sequence[str], default: str) -> str:
        value = self.values.get(key)
        if value is None or value is UNKNOWN:
            return default
        if not isinstance(value, str) or value not in choices:
            self.add_problem(key, f"is {describe_value(value)}; write {list_choices(choices, value)}")
            return default
        return value

    def read_flag(self, key: str) -> bool:
        """The boolean under `key`; False when it is absent, unknown or wrong."""
        value = self.values.get(key)
        if value is None or value is UNKNOWN:
            return False
        if not isinstance(value, bool):
            self.add_problem(key, f"is {describe_value(value)}; write true or false")
            return False
        return value

    def read_texts(self, key: str, rule: TextPattern, *, required: bool = False) -> tuple[str, ...]:
        """The known, right texts of the list under `key`, each once, in the list's order."""
        found = [self._check(f"{key}[{i}]", value, rule) for i, value in enumerate(self._read_list(key, required))]
        return tuple(dict.fromkeys(text for text in found if text is not None))

    def read_mapping(self, key: str, value_rule: TextPattern) -> dict[str, str]:
        """The known, right entries of the mapping of texts under `key`, whose keys are Kubernetes metadata keys."""
        value = self.values.get(key)
        if value is None or value is UNKNOWN:
            return {}
        if not isinstance(value, Mapping):
            self.add_problem(key, f"is {describe_value(value)}; write a mapping of texts to texts")
            return {}
        found = {}
        for name, content in value.items():
            if not METADATA_KEY.admits(name):
                self.add_problem(f'{key}["{_shorten(name)}"]', f"is no key; write {METADATA_KEY.expected}")
            elif (text := self._check(f'{key}["{name}"]', content, value_rule)) is not None:
                found[name] = text
        return found

    def read_children(self, key: str, *, required: bool = False) -> Iterator["Reader"]:
        """A reader for each mapping in the list under `key`."""
        for i, value in enumerate(self._read_list(key, required)):
            if isinstance(value, Mapping):
                yield Reader(values=value, path=self.make_path(f"{key}[{i}]"), problems=self.problems)
            elif value is not UNKNOWN:
                self.add_problem(f"{key}[{i}]", f"is {describe_value(value)}; write a mapping")

    def raise_problems(self) -> None:
        """Raises InvalidInput when any problem was noted."""
        if self.problems:
            raise InvalidInput(self.problems)

    def _read_list(self, key: str, required: bool) -> Sequence[object]:
        value = self.values.get(key)
        if value is UNKNOWN:
            return ()
        if value is None or value == []:
            if required:
                self.add_problem(key, "is missing; write a list of at least one")
            return ()
        if not isinstance(value, list | tuple):
            self.add_problem(key, f"is {describe_value(value)}; write a list")
            return ()
        return value

    def _check(self, key: str, value: object, rule: TextPattern) -> str | None:
        if value is UNKNOWN:
            return None
        if value is REFERENCE:
            self.add_problem(
                key, "is a whole resource; write its name: RESOURCE.metadata.name (Python: metadata['name'])"
            )
            return None
        if not isinstance(value, str) or not rule.admits(value):
            self.add_problem(key, f"is {describe_value(value)}; write {rule.expected}")
            return None
        return value


def list_choices(choices: Sequence[str], value: object) -> str:
    """`one of Job, CronJob`, and the choice that is nearest to a wrong value, if one is near."""
    near = _find_nearest(value, choices) if isinstance(value, str) else None
    return f"one of {', '.join(choices)}" + (f"; is {near} meant?" if near else "")


def describe_unknown_key(key: str, known: Sequence[str]) -> str:
    """What is wrong with a key that is not among the known ones, and what to do about it."""
    return f"{_UNKNOWN_KEY} {_suggest_key(key, known)}"


def find_meant_key(reason: str) -> str | None:
    """The key that `describe_unknown_key` suggests in a reason; None if it suggests none."""
    found = _suggested.fullmatch(reason)
    return found[1] if found else None


def _suggest_key(key: str, known: Sequence[str]) -> str:
    name, colon, value = key.partition(":")
    if colon and name in known:  # YAML reads `{port:8080}` as one key without a value
        return f"write a space after the colon: '{name}: {value.strip()}'"
    near = _find_nearest(key, known)
    return f"is {near} meant?" if near else "leave it out"


def _find_nearest(text: str, choices: Sequence[str]) -> str | None:
    """The choice most like a text, upper and lower case aside; None when none is."""
    by_lower = {choice.lower(): choice for choice in choices}
    near = get_close_matches(text.lower(), by_lower, n=1)
    return by_lower[near[0]] if near else None


def to_camel_case(name: str) -> str:
    """The name of an input, as Pulumi's schema and the configuration have it, of its name in Python."""
    first, *others = name.split("_")
    return first + "".join(other.title() for other in others)


def require_known(inputs: Mapping[str, object]) -> Mapping[str, object]:
    """The inputs as they are; raises ValueError where one is, or holds, `UNKNOWN`."""
    if holds_unknown(inputs):
        raise ValueError("inputs are used once they are all known")
    return inputs


def holds_unknown(value: object) -> bool:
    """Whether the value is, or holds somewhere, `UNKNOWN`."""
    if isinstance(value, Mapping):
        return any(holds_unknown(each) for each in value.values())
    if isinstance(value, list | tuple):
        return any(holds_unknown(each) for each in value)
    return value is UNKNOWN


def describe_value(value: object) -> str:
    """A wrong value as a message may show it: its text when short, else what kind of thing it is."""
    if isinstance(value, str):
        return "empty" if not value else ascii(_shorten(value))
    if isinstance(value, bool | int | float):
        return str(value).lower()
    if value is REFERENCE:
        return "a whole resource"
    kinds = {Mapping: "a mapping", list: "a list", tuple: "a list"}
    return next((name for kind, name in kinds.items() if isinstance(value, kind)), "of another kind")


def _shorten(text: str) -> str:
    return text if len(text) <= 80 else f"{text[:77]}..."
