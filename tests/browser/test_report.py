"""The page in a real browser: it opens from disk, asks for nothing, can be searched, sorted, read and printed."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from imagepull.preview.engine_events import read
from imagepull.report.change import summarize_preview
from imagepull.report.page import render
from imagepull.status.model import Renewer, Status
from tests.browser.chromium import Browser, Page
from tests.golden import GOLDEN
from tests.status_examples import HOSTILE, large_status, small_status

Open = Callable[..., Page]


@pytest.fixture
def opened(chromium: Browser, tmp_path: Path) -> Iterator[Open]:
    """Opens the page of a status in a tab, which is closed after the test."""
    from contextlib import ExitStack

    with ExitStack() as stack:

        def open_(status: Status, *, dark: bool = False, preview: str = "", width: int = 1440) -> Page:
            change = summarize_preview(read((GOLDEN / preview).read_text())) if preview else None
            file = tmp_path / "report.html"
            file.write_text(render(status, change))
            page = stack.enter_context(chromium.page(dark=dark, width=width))
            page.open(file)
            return page

        yield open_


def rows(page: Page, table: str) -> list[list[str]]:
    found: list[list[str]] = page.run(
        f"[...document.querySelectorAll('#{table} tbody tr')].map(r => [...r.cells].map(c => c.innerText.trim()))"
    )
    return found


def search(page: Page, table: str, text: str) -> None:
    page.run(f"document.querySelector('[data-for={table}] input').focus()")
    page.type(text)


def test_opens_without_an_error_or_a_request(opened: Open) -> None:
    page = opened(small_status(), preview="policy-change.preview.json")
    assert page.complaints == []
    (only,) = page.requests
    assert only.startswith("file://")
    assert only.endswith("/report.html")
    assert page.run("document.title").startswith("4 of 7 image pulls in all namespaces will fail")


def test_policy_of_the_page_admits_nothing_else(opened: Open) -> None:
    page = opened(small_status())
    foreign = '<img src="https://example.com/a.png"><p style="color:red">'
    page.run(f"document.body.insertAdjacentHTML('beforeend', {json.dumps(foreign)})")
    page.run("document.body.append(Object.assign(document.createElement('script'), {textContent: 'window.ran = 1'}))")
    assert page.run("window.ran") is None
    assert sum("Content Security Policy" in each for each in page.complaints) == 3


def test_search_finds_and_filters_narrow(opened: Open) -> None:
    page = opened(small_status())
    search(page, "images-table", "shop MIGRATE")
    assert [row[1] for row in rows(page, "images-table")] == ["shop/StatefulSet/db"]
    assert page.run("document.querySelector('[data-for=images-table] output').textContent") == "1 of 7 images"
    page.run("document.querySelector('[data-for=images-table] input').value = ''")
    page.run(
        "{const s = document.querySelector('[data-for=images-table] select'); s.value = 'fine';"
        " s.dispatchEvent(new Event('input', {bubbles: true}))}"
    )
    assert [row[0] for row in rows(page, "images-table")] == ["fine", "fine"]


def test_sorting_by_keyboard(opened: Open) -> None:
    page = opened(small_status())
    header = "[...document.querySelectorAll('#images-table thead th')].find(h => h.innerText.includes('Pods'))"
    page.run(f"{header}.querySelector('button').focus()")
    page.press("Enter")
    assert page.run(f"{header}.getAttribute('aria-sort')") == "ascending"
    counts = [int(row[-1]) for row in rows(page, "images-table")]
    assert counts == sorted(counts)
    page.press("Enter")
    assert page.run(f"{header}.getAttribute('aria-sort')") == "descending"
    assert [int(row[-1]) for row in rows(page, "images-table")] == sorted(counts, reverse=True)


def test_keyboard_reaches_everything_and_skips_to_the_content(opened: Open) -> None:
    page = opened(small_status())
    page.press("Tab")
    assert page.run("document.activeElement.className") == "skip"
    while page.run("document.activeElement !== document.body && !document.activeElement.dataset.reached"):
        page.run("document.activeElement.dataset.reached = 'yes'")
        page.press("Tab")
    wanted = page.run(
        "[...document.querySelectorAll('a, button, input, select, summary, [tabindex=\"0\"]')]"
        ".filter(e => e.checkVisibility() && !e.dataset.reached).map(e => e.outerHTML)"
    )
    assert wanted == []


def hostile(status: Status) -> Status:
    """Every text of the status that can come from a cluster, hostile."""
    texts = ("namespace", "workload", "container", "image", "registry", "reason", "policy", "secret", "key", "owner")
    of_pull: dict[str, Any] = {**dict.fromkeys((*texts, "cause", "fix"), HOSTILE), "pods": (HOSTILE,)}
    of_token: dict[str, Any] = dict.fromkeys(("namespace", "secret", "key", "owner"), HOSTILE)
    renewer = Renewer(title=HOSTILE, automatic=False)
    return replace(
        status,
        scope=HOSTILE,
        limits=(HOSTILE,),
        pulls=tuple(replace(pull, **of_pull) for pull in status.pulls),
        tokens=tuple(replace(token, **of_token, workloads=(HOSTILE,), renewer=renewer) for token in status.tokens),
    )


def test_hostile_names_stay_text(opened: Open) -> None:
    page = opened(hostile(small_status()))
    assert page.complaints == []
    assert len(page.requests) == 1
    assert page.run("document.querySelectorAll('img, script:not(:last-of-type), iframe').length") == 0
    assert page.run("document.scripts.length") == 1
    (first, *_) = rows(page, "images-table")
    assert first[1] == f"{HOSTILE}/{HOSTILE}"
    assert "49" not in first[1]


def test_hostile_preview_stays_text(opened: Open, chromium: Browser, tmp_path: Path) -> None:
    name = json.dumps(HOSTILE)
    container = f'{{"name": {name}, "image": {name}}}'
    manifest = f'{{"kind": "Pod", "metadata": {{"name": {name}}}, "spec": {{"containers": [{container}]}}}}'
    urn = "urn:pulumi:s::p::kubernetes:core/v1:Pod::a"
    step = f'{{"op": "create", "urn": "{urn}", "newState": {{"inputs": {manifest}}}}}'
    change = summarize_preview(read(f'{{"steps": [{step}], "diagnostics": [], "changeSummary": {{}}}}'))
    file = tmp_path / "hostile.html"
    file.write_text(render(small_status(), change))
    with chromium.page() as page:
        page.open(file)
        assert page.complaints == []
        assert page.run("document.scripts.length") == 1
        assert HOSTILE in page.run("document.querySelector('#change').innerText")


CHECK = """axe.run({exclude: ['.axis']}, {resultTypes: %s}).then(found => %s.flatMap(kind =>
  found[kind].map(each => [each.id, each.nodes.map(node => node.html.slice(0, 200))])))"""


def faults(page: Page, axe: str, *kinds: str) -> list[list[Any]]:
    """What axe-core finds: names of its rules, and the elements. It cannot tell what is behind a text of an SVG."""
    page.run(axe + "; 0")
    found: list[list[Any]] = page.run(CHECK % (json.dumps(kinds), json.dumps(kinds)))
    return found


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_axe_finds_nothing(opened: Open, axe: str, dark: bool) -> None:
    page = opened(small_status(), dark=dark, preview="findings.preview.json")
    assert faults(page, axe, "violations", "incomplete") == []


def test_axe_finds_nothing_on_a_narrow_screen_and_the_page_does_not_scroll_sideways(opened: Open, axe: str) -> None:
    page = opened(small_status(), width=390, preview="findings.preview.json")
    assert page.run("document.documentElement.scrollWidth") == 390
    assert faults(page, axe, "violations") == []


def test_axe_finds_what_it_is_meant_to_find(opened: Open, axe: str) -> None:
    page = opened(small_status())
    page.run("document.documentElement.removeAttribute('lang')")
    assert [name for name, _ in faults(page, axe, "violations")] == ["html-has-lang"]


def test_light_and_dark_are_two(opened: Open) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    assert opened(small_status()).run(background) != opened(small_status(), dark=True).run(background)


def test_prints_every_row_that_matches(opened: Open) -> None:
    page = opened(large_status(namespaces=40, pulls_each=10))
    assert len(rows(page, "images-table")) == 200
    count = "document.querySelectorAll('#images-table tbody tr').length"
    page.run(f"window.addEventListener('beforeprint', () => {{ window.printed = {count} }})")
    assert page.pdf().startswith(b"%PDF")
    assert page.run("window.printed") == 400
    assert len(rows(page, "images-table")) == 200


def test_without_the_script_every_row_is_there(opened: Open, chromium: Browser) -> None:
    file = Path(opened(large_status(namespaces=40, pulls_each=10)).run("location.pathname"))
    with chromium.page() as page:
        page.call("Emulation.setScriptExecutionDisabled", {"value": True})
        page.open(file)
        document = page.call("DOM.getDocument")["root"]["nodeId"]
        wanted = {"nodeId": document, "selector": "#images-table tbody tr"}
        assert len(page.call("DOM.querySelectorAll", wanted)["nodeIds"]) == 400


def test_a_thousand_namespaces_keep_few_rows_in_the_page_and_search_them_all(opened: Open) -> None:
    page = opened(large_status())
    assert len(rows(page, "images-table")) == 200
    assert len(rows(page, "matrix-table")) == 200
    assert len(rows(page, "tokens-table")) == 1
    search(page, "images-table", "team-0999/ app-7")
    assert [row[1] for row in rows(page, "images-table")] == ["team-0999/Deployment/app-7"]
    page.run("document.querySelector('[data-more=matrix-table] button').click()")
    assert len(rows(page, "matrix-table")) == 1_000
    assert page.complaints == []
