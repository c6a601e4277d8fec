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
from imagepull.registries.lifetimes import time_left, to_text
from imagepull.report.change import PreviewSummary
from imagepull.report.matrix import matrix_of
from imagepull.report.tokens import WIDTH, Axis, TokenRow, axis_of, bar_of, token_rows
from imagepull.status.model import WILL_FAIL, Pull, StartOutcome, Status
from imagepull.status.text import duration_text, listed, opened_by, outcome_text, verdict

if TYPE_CHECKING:
    from jinja2 import Environment

__all__ = ["render"]

_TEMPLATES: Final = "templates"


def render(status: Status, change: PreviewSummary | None = None) -> str:
    """The whole document. `change`: what a pull request changes, for a section of its own."""
    from markupsafe import Markup

    style, script = _file("page.css"), _file("page.js")
    axis = axis_of(status.at)
    environment = _environment(status, axis)
    failing = [pull for pull in status.pulls if pull.outcome in WILL_FAIL or pull.outcome is StartOutcome.UNKNOWN]
    return environment.get_template("page.html").render(
        policy=_content_security_policy(style, script),
        style=Markup(style),  # noqa: S704 - a file of this package
        script=Markup(script),  # noqa: S704
        version=__version__,
        verdict=verdict(status),
        status=status,
        sections=_sections(change),
        failing=failing,
        failing_outcomes=_outcomes(failing),
        change=change,
        tokens=token_rows(status.tokens),
        axis=axis,
        width=WIDTH,
        within=duration_text(status.within),
        matrix=matrix_of(status.pulls),
        outcomes=_outcomes(status.pulls),
        policies=sorted({pull.policy for pull in status.pulls}),
    )


def _environment(status: Status, axis: Axis) -> "Environment":
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("imagepull.report", _TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    bar = environment.get_template("bar.html", globals={"width": WIDTH, "now": axis.x(status.at)})

    def draw(row: TokenRow) -> str:
        from markupsafe import Markup

        return Markup(bar.render(bar=bar_of(row, axis, status.within)))  # noqa: S704 - rendered with escaping

    environment.filters.update(
        bar=draw,
        clock=_clock,
        left=lambda moment: time_left((moment - status.at).total_seconds()),
        listed=listed,
        opened_by=opened_by,
        outcome_text=lambda pull: outcome_text(pull, status),
        rfc3339=to_text,
    )
    return environment


def _sections(change: PreviewSummary | None) -> Sequence[tuple[str, str]]:
    """Anchor and title of each section, in order."""
    return [
        ("failing", "What fails"),
        *([("change", "The pull request")] if change else []),
        ("tokens", "Tokens over time"),
        ("matrix", "Namespaces and registries"),
        ("images", "All images"),
    ]


def _outcomes(pulls: Sequence[Pull]) -> Sequence[str]:
    there = {pull.outcome for pull in pulls}
    return [outcome.value for outcome in StartOutcome if outcome in there]


def _content_security_policy(style: str, script: str) -> str:
    """Nothing but the one style and the one script of the page, by their hashes; no request, no frame, no form."""
    return (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}';"
        " base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _file(name: str) -> str:
    return (resources.files("imagepull.report") / _TEMPLATES / name).read_text(encoding="utf-8")


def _clock(moment: datetime) -> str:
    """`2026-01-31 12:00`, in UTC."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M")
