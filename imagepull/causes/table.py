"""The table of causes and texts (`causes.toml`), and how its sentences are filled in."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["Cause", "Confidence", "TextRule", "as_clause", "fill", "get_cause", "list_causes", "list_text_rules"]


class Confidence(StrEnum):
    """How sure an answer is: proven by what was read; the usual cause of these signs; one of several that fit."""

    CERTAIN = "certain"
    LIKELY = "likely"
    POSSIBLE = "possible"

    def limit_to(self, other: "Confidence") -> "Confidence":
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
    clause: str
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


def as_clause(sentence: str) -> str:
    """A sentence as a part of another: without its full stop, and without a capital where its first word needs none."""
    first = sentence.partition(" ")[0]
    start = first.lower() if first[1:].islower() or len(first) == 1 else first
    return (start + sentence[len(first) :]).removesuffix(".")


def list_causes() -> tuple[Cause, ...]:
    """Every cause, in the order of the table."""
    return tuple(_read_causes().values())


def get_cause(code: str) -> Cause:
    """The cause with this code; raises KeyError, as codes are written by us only."""
    return _read_causes()[code]


@cache
def list_text_rules() -> tuple[TextRule, ...]:
    """Every text, in the order in which they are tried."""
    flags = re.IGNORECASE | re.DOTALL
    return tuple(
        TextRule(code=row["code"], pattern=re.compile(row["pattern"], flags), confidence=Confidence(row["confidence"]))
        for row in _read_table()["text"]
    )


@cache
def _read_causes() -> dict[str, Cause]:
    return {row["code"]: _parse_cause(row) for row in _read_table()["cause"]}


def _parse_cause(row: Mapping[str, Any]) -> Cause:
    return Cause(
        code=row["code"],
        group=row["group"],
        title=row["title"],
        cause=row["cause"],
        fix=row["fix"],
        clause=row.get("clause", ""),
        certain_by=row.get("certain_by", ""),
        alternatives=tuple(row.get("alternatives", ())),
        waiting_helps=row.get("waiting_helps", False),
        symptoms=tuple(row.get("symptoms", ())),
        read_as=tuple(row.get("read_as", (row["code"],))),
    )


@cache
def _read_table() -> Mapping[str, list[dict[str, Any]]]:
    return tomllib.loads(files("imagepull.causes").joinpath("causes.toml").read_text(encoding="utf-8"))
