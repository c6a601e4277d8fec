"""The matrix of namespaces and registries: who opens each registry in each namespace, and how that goes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from imagepull.status.model import Pull, StartOutcome, find_worst
from imagepull.status.text import describe_opening

__all__ = ["Cell", "Matrix", "make_matrix"]


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One registry in one namespace.

    Attributes:
        opened_by: who opens it, each once: `registry-access`, `no Secret`.
        outcome: the worst of its pulls.
        pulls: how many there are.
    """

    opened_by: tuple[str, ...]
    outcome: StartOutcome
    pulls: int


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """Registries as columns; for each namespace, in order, the cells below them (None: no image from there)."""

    registries: tuple[str, ...]
    rows: Sequence[tuple[str, Sequence[Cell | None]]]


def make_matrix(pulls: Iterable[Pull]) -> Matrix:
    """The matrix of all pulls whose image is a reference; the registry with the most pulls is the first column."""
    found: dict[str, dict[str, list[Pull]]] = {}
    count: dict[str, int] = {}
    for pull in pulls:
        if pull.registry:
            found.setdefault(pull.namespace, {}).setdefault(pull.registry, []).append(pull)
            count[pull.registry] = count.get(pull.registry, 0) + 1
    registries = tuple(sorted(count, key=lambda registry: (-count[registry], registry)))
    rows = [
        (namespace, [_make_cell(by_registry.get(registry)) for registry in registries])
        for namespace, by_registry in sorted(found.items())
    ]
    return Matrix(registries=registries, rows=rows)


def _make_cell(pulls: Sequence[Pull] | None) -> Cell | None:
    if not pulls:
        return None
    return Cell(
        opened_by=tuple(dict.fromkeys(map(describe_opening, pulls))),
        outcome=find_worst(pull.outcome for pull in pulls),
        pulls=len(pulls),
    )
