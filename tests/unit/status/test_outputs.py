"""A status as text, JSON and OpenMetrics."""

import json
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from imagepull.status.data import as_data
from imagepull.status.metrics import as_metrics
from imagepull.status.model import StartOutcome, Status
from imagepull.status.text import as_lines, format_duration, write_verdict
from tests.status_examples import ECR, HOSTILE, NOW, large_status, small_status


def parsed(metrics: str) -> dict[str, Any]:
    """The families of metrics by name, as the Prometheus project's own parser reads them."""
    return {family.name: family for family in text_string_to_metric_families(metrics)}  # type: ignore[no-untyped-call]


def of(*outcomes: StartOutcome) -> Status:
    """A status with a pull of each of these outcomes."""
    by_outcome = {pull.outcome: pull for pull in small_status().pulls}
    return replace(small_status(), pulls=tuple(by_outcome[outcome] for outcome in outcomes))


@pytest.mark.parametrize(
    ("status", "line"),
    [
        (
            small_status(),
            "4 of 7 image pulls in all namespaces will fail: 1 fails now, 2 at the next start, 1 within 6 hours."
            " 1 cannot be judged.",
        ),
        (of(StartOutcome.FAILS_SOON), "1 of 1 image pull in all namespaces will fail: 1 within 6 hours."),
        (of(StartOutcome.FINE), "The image pull in all namespaces will succeed for the next 6 hours."),
        (
            of(StartOutcome.FINE, StartOutcome.FINE),
            "All 2 image pulls in all namespaces will succeed for the next 6 hours.",
        ),
        (
            of(StartOutcome.FINE, StartOutcome.UNKNOWN),
            "1 of 2 image pulls in all namespaces will succeed for the next 6 hours. 1 cannot be judged.",
        ),
        (of(StartOutcome.UNKNOWN), "None of 1 image pull in all namespaces can be judged."),
        (of(), "No image to pull in all namespaces."),
    ],
)
def test_verdict_counts_what_will_fail(status: Status, line: str) -> None:
    assert write_verdict(status) == line
    assert next(iter(as_lines(status))) == line


def test_worst_is_first_with_cause_and_fix() -> None:
    lines = list(as_lines(small_status()))
    told = [line for line in lines if line.startswith(("  ", "fails"))]
    assert told[0].startswith("fails now: shop/Deployment/web, container web, image ")
    assert told[1] == "  cause: There is no tag 1.4.2 in shop/web; the nearest are 1.4.1 and 1.4.0."
    assert told[2] == "  fix:   Write 1.4.1, or push 1.4.2."
    assert told[3] == "  Pods:  web-59f4bb6dd4-8z74k, web-59f4bb6dd4-czkc6; and each new one"
    assert any(line.startswith("fails at next start (likely): shop/StatefulSet/db") for line in lines)
    assert "Not seen: namespace vault: its Secrets may not be read; allow list on secrets" in lines


def test_table_has_a_row_for_every_image() -> None:
    lines = list(as_lines(small_status()))
    start = next(number for number, line in enumerate(lines) if line.startswith("STATUS"))
    assert len(lines) - start - 1 == len(small_status().pulls)
    worker = next(line for line in lines[start:] if "tools/Pod/worker" in line)
    assert worker.split("  ")[0] == "fine"
    assert "private-images/prod/registry-access" in worker
    assert "10.0 hours" in worker


def test_json_says_all_of_it() -> None:
    data = json.loads(json.dumps(as_data(small_status())))
    assert data["willFail"] == 4
    assert data["counts"] == {
        "fails now": 1,
        "fails at next start": 2,
        "fails soon": 1,
        "unknown": 1,
        "fine": 2,
    }
    api = next(pull for pull in data["pulls"] if pull["workload"] == "Deployment/api")
    assert api["failsAt"] == "2026-11-24T14:00:00Z"
    assert (api["secret"], api["entry"], api["owner"]) == (
        "registry-access",
        ECR,
        "private-images/prod/registry-access",
    )
    assert data["tokens"][1]["renewsByItself"] is False
    assert data["tokens"][2]["renewal"] == "2026-11-24T16:00:00Z"


def test_metrics_are_read_by_another_parser() -> None:
    families = parsed(as_metrics(small_status()))
    expiries = families["imagepull_secret_expiry_timestamp_seconds"].samples
    assert len(expiries) == 3
    first = next(each for each in expiries if each.labels["secret"] == "registry-access")
    assert first.value == NOW.timestamp() + 2 * 3600
    assert first.labels["host"] == ECR
    assert first.labels["renewed"] == "by hand"
    pulls = {each.labels["outcome"]: each.value for each in families["imagepull_image_pulls"].samples}
    assert pulls["fails at next start"] == 2


def test_metrics_of_hostile_names_and_two_spellings_of_a_host() -> None:
    token = small_status().tokens[0]
    tokens = [
        replace(token, secret=HOSTILE + "\n\\", key="https://ghcr.io/v1/"),
        replace(token, secret=HOSTILE + "\n\\", key="ghcr.io", expires=NOW),
    ]
    status = replace(small_status(), tokens=tuple(tokens))
    (sample,) = parsed(as_metrics(status))["imagepull_secret_expiry_timestamp_seconds"].samples
    assert sample.labels["secret"] == HOSTILE + "\n\\"
    assert sample.value == token.expires.timestamp() if token.expires else None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(21600, "6 hours"), (5400, "90 minutes"), (86400, "1 day"), (45, "45 seconds"), (0, "0 seconds")],
)
def test_duration_in_words(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


def test_a_large_status_is_a_row_for_each_image() -> None:
    assert sum(line.startswith("fine ") for line in as_lines(large_status(namespaces=30))) == 300
