"""The documentation's site: built as `make docs` builds it, served on loopback, opened in a real browser."""

import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from docsite.__main__ import build
from lab.layout import CHECKOUT
from tests.browser.chromium import Browser

_SOURCES = ("docs", "mkdocs.yml", "README.md", "components", "imagepull", "provider")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the site. The build reads a copy: two test runs must not write into one checkout."""
    folder = tmp_path_factory.mktemp("checkout")
    for name in _SOURCES:
        source = CHECKOUT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".venv"))
        else:
            shutil.copy(source, folder / name)
    assert build(folder) == 0  # any warning, a broken link say, is a failure
    return folder / "build" / "site"


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Keep requests out of the tests' output."""


@pytest.fixture(scope="session")
def address(site: Path) -> Iterator[str]:
    """URL of the site."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(site)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("name", ["index", "concepts", "your-cluster", "permissions", "reference/resources"])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_page_opens_without_an_error_or_a_request_to_another_server(
    chromium: Browser, address: str, name: str, dark: bool
) -> None:
    with chromium.page(dark=dark) as page:
        page.open(f"{address}/{name}.html")

        assert [url for url in page.requests if not url.startswith((address, "data:"))] == []
        assert page.complaints == []
        assert page.run("document.querySelector('h1').innerText")


def test_pictures_are_shown(chromium: Browser, address: str) -> None:
    with chromium.page() as page:
        page.open(f"{address}/concepts.html")

        widths = page.run("[...document.querySelectorAll('article img')].map(each => each.naturalWidth)")

    assert len(widths) == 2
    assert all(width > 0 for width in widths)


def test_each_page_is_reached_from_the_start(chromium: Browser, address: str, site: Path) -> None:
    with chromium.page() as page:
        page.open(f"{address}/index.html")
        links = page.run("[...document.querySelectorAll('nav a')].map(each => each.href.split('#')[0])")

    reached = {urlsplit(link).path.lstrip("/") for link in links}
    pages = {str(file.relative_to(site)) for file in site.rglob("*.html")}
    assert pages - reached == {"404.html"}
