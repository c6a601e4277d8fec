"""The page without a browser: its policy, its rows, and what the timeline and the matrix make of a status."""

import re
from dataclasses import replace
from datetime import timedelta

from imagepull.preview.engine_events import read
from imagepull.report.change import summarize_preview
from imagepull.report.matrix import make_matrix
from imagepull.report.page import render
from imagepull.report.tokens import WIDTH, make_axis, make_bar, make_token_rows
from imagepull.status.model import StartOutcome, Status
from tests.golden import GOLDEN
from tests.status_examples import ECR, EUROPE, HOSTILE, NOW, large_status, small_status


def test_page_names_no_address_and_has_one_script_and_one_style() -> None:
    page = render(small_status())
    assert re.findall(r"<script|<style|<link|<img|<iframe|<base|@import|url\(", page) == ["<style", "<script"]
    assert not re.search(r"(?:src|href)=\"(?!#)", page)
    assert "style=" not in page.replace("style-src", "")


def test_hostile_texts_are_escaped() -> None:
    pulls = tuple(replace(pull, image=HOSTILE, cause=HOSTILE) for pull in small_status().pulls)
    assert HOSTILE not in render(replace(small_status(), pulls=pulls))


def test_equal_tokens_of_many_namespaces_are_one_row() -> None:
    (row,) = make_token_rows(large_status(namespaces=50).tokens)
    assert len(row.namespaces) == 50
    assert row.pods == 1_000
    assert row.workloads[0] == "team-0000/Deployment/app-0"
    assert row.expires == NOW + timedelta(hours=9)


def test_tokens_stand_on_the_axis_where_they_live() -> None:
    axis = make_axis(NOW)
    dead, soon, alive, forever = (make_bar(row, axis, 6 * 3600) for row in make_token_rows(small_status().tokens))
    assert [each.kind for each in (dead, soon, alive, forever)] == ["dead", "soon", "alive", "forever"]
    now = axis.find_x(NOW)
    assert dead.x == 0
    assert dead.x + dead.width < now < soon.x + soon.width < alive.x + alive.width < WIDTH
    assert soon.renewal is not None
    assert alive.renewal is not None
    assert soon.renewal < now < alive.renewal
    assert forever.width == WIDTH
    assert soon.label == "2.0 hours left, renewal due 4.0 hours ago"


def test_a_token_far_off_the_axis_stays_visible() -> None:
    token = replace(small_status().tokens[0], issued=NOW - timedelta(days=9), expires=NOW - timedelta(days=8))
    (row,) = make_token_rows([token])
    bar = make_bar(row, make_axis(NOW), 0)
    assert bar.width > 0
    assert 0 <= bar.x <= WIDTH - bar.width


def test_matrix_has_the_worst_of_each_namespace_and_registry() -> None:
    matrix = make_matrix(small_status().pulls)
    assert matrix.registries == (ECR, EUROPE, "docker.io")
    shop, tools, *_ = matrix.rows
    assert shop[0] == "shop"
    assert shop[1][0] is not None
    assert shop[1][0].outcome is StartOutcome.FAILS_NOW
    assert shop[1][0].opened_by == ("registry-access", "no Secret")
    assert shop[1][1] is None
    assert tools[1][1] is not None
    assert tools[1][1].pulls == 2


def test_a_preview_has_a_section_of_its_own() -> None:
    change = summarize_preview(read((GOLDEN / "policy-change.preview.json").read_text()))
    page = render(small_status(), change)
    assert "What the pull request changes" in page
    assert change.images[0].image_before.endswith("/shop/web:1.0")
    assert (change.images[0].policy_before, change.images[0].policy) == ("IfNotPresent", "Always")
    assert change.summary == "2 to create, 3 to update; 7 unchanged."
    assert "What the pull request changes" not in render(small_status())


def test_findings_of_a_preview_are_told() -> None:
    change = summarize_preview(read((GOLDEN / "findings.preview.json").read_text()))
    assert [row.severity for row in change.findings].count("error") == 3
    assert change.findings[0].text in render(small_status(), change).replace("&#39;", "'")


def test_nothing_at_all_is_a_page_too() -> None:
    page = render(Status(scope="namespace empty", at=NOW, within=3600))
    assert "No image to pull in namespace empty." in page
