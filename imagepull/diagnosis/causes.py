"""The table of causes and texts (`causes.toml`), and how its sentences are filled in."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files

from imagepull.diagnosis.fields import Json, items, text

__all__ = ["Cause", "Confidence", "TextRule", "all_causes", "cause_of", "fill", "text_rules"]


class Confidence(StrEnum):
    """How sure an answer is: proven by what was read; the usual cause of these signs; one of several that fit."""

    CERTAIN = "certain"
    LIKELY = "likely"
    POSSIBLE = "possible"

    def at_most(self, other: "Confidence") -> "Confidence":
        """The weaker of the two."""
        order = list(Confidence)
        return max(self, other, key=order.index)


@dataclass(frozen=True, kw_only=True)
class Cause:
    """One cause. Attributes as described at the top of `causes.toml`; `cause` and `fix` are sentences to `fill`."""

    code: str
    group: str
    title: str
    cause: str
    fix: str
    certain_by: str
    alternatives: tuple[str, ...]
    waiting_helps: bool
    symptoms: tuple[str, ...]
    read_as: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class TextRule:
    """What a text of a kubelet or container runtime says by itself."""

    code: str
    pattern: re.Pattern[str]
    confidence: Confidence


class _Facts(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return key.upper()


def fill(sentence: str, facts: Mapping[str, str]) -> str:
    """The sentence with its facts; a fact that is not known stands there as its name in capitals."""
    return sentence.format_map(_Facts(facts))


def all_causes() -> tuple[Cause, ...]:
    """Every cause, in the order of the table."""
    return tuple(_causes().values())


def cause_of(code: str) -> Cause:
    """The cause with this code; raises KeyError, as codes are written by us only."""
    return _causes()[code]


@cache
def text_rules() -> tuple[TextRule, ...]:
    """Every text, in the order in which they are tried."""
    flags = re.IGNORECASE | re.DOTALL
    return tuple(
        TextRule(
            code=text(row, "code"),
            pattern=re.compile(text(row, "pattern"), flags),
            confidence=Confidence(text(row, "confidence")),
        )
        for row in items(_document(), "text")
    )


@cache
def _causes() -> dict[str, Cause]:
    return {text(row, "code"): _cause(row) for row in items(_document(), "cause")}


def _cause(row: Json) -> Cause:
    return Cause(
        code=text(row, "code"),
        group=text(row, "group"),
        title=text(row, "title"),
        cause=text(row, "cause"),
        fix=text(row, "fix"),
        certain_by=text(row, "certain_by"),
        alternatives=_strings(row, "alternatives"),
        waiting_helps=row.get("waiting_helps") is True,
        symptoms=_strings(row, "symptoms"),
        read_as=_strings(row, "read_as") or (text(row, "code"),),
    )


def _strings(row: Json, key: str) -> tuple[str, ...]:
    value = row.get(key)
    return tuple(map(str, value)) if isinstance(value, list) else ()


@cache
def _document() -> Json:
    return tomllib.loads(files("imagepull.diagnosis").joinpath("causes.toml").read_text(encoding="utf-8"))
