"""The picture of the page in the README: `python -m tests.browser.picture` writes docs/report.png anew."""

import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Final

from PIL import Image

from imagepull.report.page import render
from lab.layout import CHECKOUT
from tests.browser.chromium import browser
from tests.status_examples import small_status

__all__ = ["main"]

_FILE: Final = CHECKOUT / "docs" / "report.png"
_WIDTH: Final = 1440
_COLOURS: Final = 192


def main() -> int:
    """Write the picture: what fails and the tokens, in few colours, so that it stays small."""
    status = small_status()
    shown = tuple(pull for pull in status.pulls if pull.workload not in ("Deployment/vault", "StatefulSet/db"))
    with tempfile.TemporaryDirectory() as folder, browser() as one, one.page(width=_WIDTH) as page:
        file = Path(folder) / "report.html"
        file.write_text(render(replace(status, limits=(), pulls=shown)))
        page.open(file)
        bottom = int(page.run("document.querySelector('#tokens').getBoundingClientRect().bottom")) + 16
        page.screenshot(_FILE)
    with Image.open(_FILE) as picture:
        upper = picture.convert("RGB").crop((0, 0, _WIDTH, bottom))
    upper.quantize(_COLOURS, method=Image.Quantize.FASTOCTREE).save(_FILE, optimize=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
