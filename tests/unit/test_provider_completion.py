"""What is said of work that was cut short: how far it came, and never that nothing was changed when something was."""

import asyncio
from typing import Any, cast

import pytest

from imagepull.errors import ClusterError
from imagepull.kubernetes.progress import WriteOutcome
from provider.completion import collect_reasons, delete
from provider.operations import Operation
from tests.provider.engine_model import Heard


async def cut_short() -> None:
    raise asyncio.CancelledError


async def finish() -> None:
    """All is done."""


def test_a_write_that_is_cut_short_before_it_began_changed_nothing() -> None:
    with pytest.raises(ClusterError, match=r"^cancelled before anything was changed$"):
        asyncio.run(collect_reasons(cut_short(), WriteOutcome()))


def test_a_write_that_is_cut_short_midway_says_so_beside_what_failed() -> None:
    outcome = WriteOutcome(started=True, done=189, failures={"a": "no"})
    assert asyncio.run(collect_reasons(cut_short(), outcome)) == [
        "namespace a: no",
        "cancelled before all namespaces were written; the next update writes the rest",
    ]


@pytest.mark.parametrize(
    ("done", "says"),
    [
        (189, "cancelled after 189 namespaces; run the command again for the rest"),
        (0, "cancelled before anything was changed"),
    ],
)
def test_a_destroy_that_is_cut_short_says_how_far_it_came(done: int, says: str) -> None:
    outcome, heard = WriteOutcome(started=True, done=done, left={"a": frozenset({"theirs"})}), Heard()
    with pytest.raises(ClusterError) as raised:
        asyncio.run(delete(run_of(heard), "Secret pull", cut_short(), outcome))
    assert str(raised.value) == says
    assert len(heard.warnings) == 1


def run_of(heard: Heard) -> Operation:
    urn, nothing = "urn:pulumi:dev::shop::t::pull", cast(Any, None)
    return Operation(urn=urn, report=heard, tokens=nothing, clusters=nothing, identities={"known"})


def test_what_runs_that_no_state_knows_left_is_one_sentence() -> None:
    heard = Heard()
    left = {"a": frozenset({"known"}), "b": frozenset({"known", "lost"}), "c": frozenset({"lost"})}
    asyncio.run(delete(run_of(heard), "Secret pull", finish(), WriteOutcome(left=left)))
    assert heard.warnings == [
        "Secret pull in 2 namespaces b, c: another run of shop/dev/pull wrote this, so it stays; "
        "if no stack keeps it, `imagepull orphans --delete` removes it"
    ]


def test_failures_without_a_write_are_an_error_and_with_one_are_reasons() -> None:
    with pytest.raises(ClusterError, match=r"^namespace a: no$"):
        asyncio.run(collect_reasons(finish(), WriteOutcome(failures={"a": "no"})))
    assert asyncio.run(collect_reasons(finish(), WriteOutcome(started=True, failures={"a": "no"}))) == [
        "namespace a: no"
    ]
    assert asyncio.run(collect_reasons(finish(), WriteOutcome(started=True))) == []
