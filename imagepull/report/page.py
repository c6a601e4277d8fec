"""The page: templates, styles and script of this package, in one document that a strict Content-Security-Policy admits.

Whatever comes from the cluster or a preview is text: Jinja2 escapes every value, and neither the script nor an
attribute that runs code holds one.
"""

import base64
import hashlib
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import resources
from typing import TYPE_CHECKING, Final

from imagepull import __version__
from imagepull.registries.lifetimes import describe_time_left, format_time
from imagepull.report.change import PreviewSummary
from imagepull.report.matrix import make_matrix
from imagepull.report.tokens import WIDTH, Axis, TokenRow, make_axis, make_bar, make_token_rows
from imagepull.status.model import WILL_FAIL, Pull, StartOutcome, Status
from imagepull.status.text import describe_opening, describe_outcome, format_duration, join_names, write_verdict

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["render"]

_TEMPLATES: Final = "templates"


def render(status: Status, change: PreviewSummary | None = None) -> str:
    """The whole document. `change`: what a pull request changes, for a section of its own."""
    from markupsafe import Markup

    style, script = _read_file("page.css"), _read_file("page.js")
    axis = make_axis(status.at)
    environment = _make_environment(status, axis)
    failing = [pull for pull in status.pulls if pull.outcome in WILL_FAIL or pull.outcome is StartOutcome.UNKNOWN]
    return environment.get_template("page.html").render(
        policy=_make_content_security_policy(style, script),
        style=Markup(style),  # noqa: S704 - a file of this package
        script=Markup(script),  # noqa: S704
        version=__version__,
        verdict=write_verdict(status),
        status=status,
        sections=_list_sections(change),
        failing=failing,
        failing_outcomes=_count_outcomes(failing),
        change=change,
        tokens=make_token_rows(status.tokens),
        axis=axis,
        width=WIDTH,
        within=format_duration(status.within),
        matrix=make_matrix(status.pulls),
        outcomes=_count_outcomes(status.pulls),
        policies=sorted({pull.policy for pull in status.pulls}),
    )


def _make_environment(status: Status, axis: Axis) -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("imagepull.report", _TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    bar = environment.get_template("bar.html", globals={"width": WIDTH, "now": axis.find_x(status.at)})

    def draw(row: TokenRow) -> str:
        from markupsafe import Markup

        return Markup(bar.render(bar=make_bar(row, axis, status.within)))  # noqa: S704 - rendered with escaping

    environment.filters.update(
        bar=draw,
        clock=_format_time,
        left=lambda moment: describe_time_left((moment - status.at).total_seconds()),
        listed=join_names,
        opened_by=describe_opening,
        outcome_text=lambda pull: describe_outcome(pull, status),
        rfc3339=format_time,
    )
    return environment


def _list_sections(change: PreviewSummary | None) -> Sequence[tuple[str, str]]:
    """Anchor and title of each section, in order."""
    return [
        ("failing", "What fails"),
        *([("change", "The pull request")] if change else []),
        ("tokens", "Tokens over time"),
        ("matrix", "Namespaces and registries"),
        ("images", "All images"),
    ]


def _count_outcomes(pulls: Sequence[Pull]) -> Sequence[str]:
    there = {pull.outcome for pull in pulls}
    return [outcome.value for outcome in StartOutcome if outcome in there]


def _make_content_security_policy(style: str, script: str) -> str:
    """Nothing but the one style and the one script of the page, by their hashes; no request, no frame, no form."""
    return (
        f"default-src 'none'; style-src '{_compute_hash(style)}'; script-src '{_compute_hash(script)}';"
        " base-uri 'none'; form-action 'none'"
    )


def _compute_hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _read_file(name: str) -> str:
    return (resources.files("imagepull.report") / _TEMPLATES / name).read_text(encoding="utf-8")


def _format_time(moment: datetime) -> str:
    """`2026-01-31 12:00`, in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M")
