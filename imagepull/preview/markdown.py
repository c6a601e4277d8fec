"""Foreign text in a Markdown comment: shown as it is, without effect on the comment or on anybody's notifications.

Every text passes `redact` here, so that none reaches a comment with a credential in it.
"""

import html
import re
from collections.abc import Sequence
from typing import Final

from imagepull.redaction import redact

__all__ = ["format_code", "format_code_line", "format_preformatted", "format_prose", "format_row"]

_LONGEST: Final = 400
_LONGEST_END: Final = 2_000
_special = re.compile(r"([\\`*_\[\]|~#$])")
# Outside of code GitHub links a person or an issue wherever one is named, and notifies them.
_named = re.compile(r"([@#])(?=\w)")
_unprintable = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u2028-\u202e\u2066-\u2069]")
_BREAK: Final = "\u200b"


def format_code(text: str) -> str:
    """In one line, as code: names and images. Empty for an empty text. It cannot pass for a comment's marker."""
    shown = _join_lines(text).replace("`", "'").replace("|", r"\|").replace("<!--", f"<!{_BREAK}--")
    return f"`{shown}`" if shown else ""


def format_prose(text: str) -> str:
    """In one line, as part of a sentence or of a table's cell."""
    return html.escape(_special.sub(r"\\\1", _named.sub(rf"\1{_BREAK}", _join_lines(text))), quote=False)


def format_preformatted(text: str) -> str:
    """As lines of code, standing outside of any table. A very long text loses its middle: its ends matter most."""
    shown = _unprintable.sub("", redact(text))
    if len(shown) > 2 * _LONGEST_END:
        shown = f"{shown[:_LONGEST_END]}\n...\n{shown[-_LONGEST_END:]}"
    return f"<pre>{html.escape(shown, quote=False)}</pre>"


def format_code_line(text: str) -> str:
    """One line of what stands between `<pre>` and `</pre>`."""
    return html.escape(" ".join(_unprintable.sub("", redact(text)).splitlines()), quote=False)


def format_row(cells: Sequence[str]) -> str:
    """A row of a table, of cells that are Markdown already."""
    return f"| {' | '.join(cells)} |"


def _join_lines(text: str) -> str:
    line = " ".join(_unprintable.sub("", redact(text)).split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}..."
