"""What is said of work that was cut short: how far it came, and never that nothing was changed when something was."""

import asyncio

import pytest

from imagepull.errors import ClusterError
from imagepull.kubernetes.progress import WriteOutcome
from provider.completion import collect_reasons, do_all


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
    with pytest.raises(ClusterError) as raised:
        asyncio.run(do_all(cut_short(), WriteOutcome(started=True, done=done)))
    assert str(raised.value) == says


def test_failures_without_a_write_are_an_error_and_with_one_are_reasons() -> None:
    with pytest.raises(ClusterError, match=r"^namespace a: no$"):
        asyncio.run(collect_reasons(finish(), WriteOutcome(failures={"a": "no"})))
    assert asyncio.run(collect_reasons(finish(), WriteOutcome(started=True, failures={"a": "no"}))) == [
        "namespace a: no"
    ]
    assert asyncio.run(collect_reasons(finish(), WriteOutcome(started=True))) == []
