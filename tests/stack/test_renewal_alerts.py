"""docs/alerts/renewal.yaml, tried with promtool: each alert fires when it should, and not before."""

import subprocess
from pathlib import Path

import pytest
import yaml

from lab.layout import CHECKOUT
from lab.toolchain import build

RULE = CHECKOUT / "docs" / "alerts" / "renewal.yaml"
JOB = 'kube_job_status_failed{namespace="r",job_name="a-renewal-first-run"}'
STARTED = 'kube_job_status_start_time{namespace="r",job_name="a-renewal-1"}'
SUCCESS = 'kube_cronjob_status_last_successful_time{namespace="r",cronjob="a-renewal"}'
SUSPENDED = 'kube_cronjob_spec_suspend{namespace="r",cronjob="a-renewal"}'

# (series, values of one a minute, alert, minute, whether it fires then)
CASES = (
    ({JOB: "0x10 1x60", STARTED: "600x70", SUCCESS: "0x70"}, "ImagePullRenewalFailed", 20, False),
    ({JOB: "0x10 1x60", STARTED: "600x70", SUCCESS: "0x70"}, "ImagePullRenewalFailed", 30, True),
    ({JOB: "1x70", STARTED: "600x70", SUCCESS: "0x20 1260x50"}, "ImagePullRenewalFailed", 60, False),
    ({SUCCESS: "0x800"}, "ImagePullRenewalStopped", 8 * 60, False),
    ({SUCCESS: "0x800"}, "ImagePullRenewalStopped", 9 * 60 + 10, True),
    ({SUCCESS: "0x300 18000x500"}, "ImagePullRenewalStopped", 9 * 60 + 10, False),
    ({SUSPENDED: "1x100"}, "ImagePullRenewalSuspended", 70, True),
)


@pytest.mark.timeout(1800)  # promtool is built the first time
def test_each_alert_fires_when_it_should(tmp_path: Path) -> None:
    promtool = build.provide(["promtool"])["promtool"]
    rules = tmp_path / "rules.yaml"
    rules.write_text(yaml.safe_dump(yaml.safe_load(RULE.read_text())["spec"]))
    found = {rule["alert"]: rule for group in yaml.safe_load(rules.read_text())["groups"] for rule in group["rules"]}
    tests = []
    for series, alert, minute, fires in CASES:
        labels = {"namespace": "r", **found[alert]["labels"]}
        labels |= {"job_name": "a-renewal-first-run"} if alert == "ImagePullRenewalFailed" else {"cronjob": "a-renewal"}
        texts = {
            key: text.replace("{{ $labels.namespace }}", "r")
            .replace("{{ $labels.cronjob }}", "a-renewal")
            .replace("{{ $labels.job_name }}", "a-renewal-first-run")
            for key, text in found[alert]["annotations"].items()
        }
        expected = [{"exp_labels": labels, "exp_annotations": texts}] if fires else []
        tests.append(
            {
                "interval": "1m",
                "input_series": [{"series": name, "values": values} for name, values in series.items()],
                "alert_rule_test": [{"eval_time": f"{minute}m", "alertname": alert, "exp_alerts": expected}],
            }
        )
    file = tmp_path / "tests.yaml"
    file.write_text(yaml.safe_dump({"rule_files": [str(rules)], "evaluation_interval": "1m", "tests": tests}))

    done = subprocess.run([promtool, "test", "rules", file], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert {alert for _, alert, _, fires in CASES if fires} == found.keys()
