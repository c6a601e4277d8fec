"""`imagepull diagnose --file` and `imagepull dump`, as a person or a pipeline calls them."""

import base64
import json
from pathlib import Path

import pytest

from imagepull.cli import main
from imagepull.diagnosis.case_file import parse_case
from imagepull.diagnosis.dump import pick_event_facts, pick_pod_facts, pick_secret_facts, pick_service_account_facts
from imagepull.diagnosis.parsing import parse_service_account
from imagepull.diagnosis.rules import diagnose
from imagepull.renewal.node import ROLE_ANNOTATION
from tests.unit.diagnosis.rows import FILE, rows

KEYS = ["case", "namespace", "pod", "container", "image", "code", "confidence"]
KEYS += ["cause", "fix", "evidence", "alternatives"]


def write(folder: Path, *names: str) -> str:
    file = folder / "case.jsonl"
    file.write_text("".join(json.dumps(rows()[name]) + "\n" for name in names))
    return str(file)


def test_json_is_one_object_for_each_row_and_container(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diagnose", "--file", str(FILE), "--json"]) == 1
    printed = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert all(list(each) == KEYS for each in printed)
    assert {each["case"] for each in printed} == set(rows())
    first = {each["case"]: each for each in reversed(printed)}
    right = sum(
        first[name]["code"] in (row["cause"], row["decidable"])
        for name, row in rows().items()
        if row["cause"] != "mixed"
    )
    assert right == len(rows()) - 2


def test_exit_status_says_whether_something_was_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diagnose", "--file", write(tmp_path, "healthy")]) == 0
    assert capsys.readouterr().out == "Nothing is wrong: no image fails in 1 Pod.\n"
    assert main(["diagnose", "--file", write(tmp_path, "healthy", "dns-nxdomain")]) == 1
    assert main(["diagnose", "--file", str(tmp_path / "none")]) == 2
    assert main(["diagnose", "--file", "x", "-n", "shop"]) == 2
    assert main(["diagnose", "--kubeconfig", str(tmp_path / "none")]) == 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["diagnose", "-n", "Team A"], "-n: is 'Team A'; write a namespace's name"),
        (["diagnose", "-n", ""], "-n: is empty; write a namespace's name"),
        (["status", "-n", "a/b"], "-n: is 'a/b'; write a namespace's name"),
        (["report", "-n", "a.b"], "-n: is 'a.b'; write a namespace's name"),
        (["dump", "--context", ""], "--context: is empty; write one of `kubectl config get-contexts`"),
        (["diagnose", "web_0"], "POD: is 'web_0'; write an object's name"),
        (["diagnose", ""], "POD: is empty; write an object's name"),
        (["dump", "deploy/"], "POD: is 'deploy/'; write an object's name"),
        (["diagnose", "service/web"], "POD: is 'service/web'; write one of pod, deployment"),
        (["diagnose", "-A", "web-0"], "-A: does not go with 'web-0'; give its namespace with -n"),
    ],
)
def test_a_wrong_argument_is_one_sentence_and_exit_status_2(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*arguments, "--kubeconfig", "/nowhere"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"error: {told}")
    assert printed.err.count("\n") == 1


def test_all_wrong_arguments_are_told_at_once(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["status", "-n", "A", "--context", " ", "--within", "soon"]) == 2
    told = capsys.readouterr().err
    assert all(f"{name}: is " in told for name in ("-n", "--context", "--within"))


def test_text_says_cause_fix_and_evidence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["diagnose", "--file", write(tmp_path, "token-expired")])
    out = capsys.readouterr().out
    assert "token-expired (certain): The token for 123456789012" in out
    assert "  Fix: `pulumi up` renews it" in out
    assert "  Seen: Secret registry-access: entry 123456789012" in out
    assert out.splitlines()[-1] == "1 container of 1 Pod: 1 token-expired."


def test_pods_with_one_cause_are_told_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    many = [json.loads(json.dumps(rows()["dns-nxdomain"])) for _ in range(5)]
    for number, row in enumerate(many):
        row["pod"]["metadata"]["name"] = f"web-{number}"
    (tmp_path / "case.jsonl").write_text("\n".join(map(json.dumps, many)))
    main(["diagnose", "--file", str(tmp_path / "case.jsonl")])
    out = capsys.readouterr().out
    assert "web-0, web-1, web-2 and 2 more, container app" in out
    assert out.count("Fix:") == 1


def test_hostile_names_and_texts_do_nothing_to_a_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    row = json.loads(json.dumps(rows()["dns-nxdomain"]))
    waiting = row["pod"]["status"]["containerStatuses"][0]["state"]["waiting"]
    waiting["message"] = waiting["message"] + "\x1b]0;owned\x07\nsecond line"
    (tmp_path / "case.json").write_text(json.dumps(row))
    main(["diagnose", "--file", str(tmp_path / "case.json")])
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\x07" not in out
    assert not any(line.startswith("second") for line in out.splitlines())


PASSWORD = "hunter2-a-password-nobody-may-see"


def test_a_dump_holds_no_password_environment_or_argument() -> None:
    auth = base64.b64encode(f"robot:{PASSWORD}".encode()).decode()
    config = {"auths": {"https://u:p4ss@ghcr.io": {"auth": auth}, "quay.io": {"username": "r", "password": PASSWORD}}}
    data = base64.b64encode(json.dumps(config).encode()).decode()
    secret = pick_secret_facts(
        {
            "metadata": {"name": "pull", "namespace": "shop", "annotations": {"note": PASSWORD}},
            "type": "kubernetes.io/dockerconfigjson",
            "data": {".dockerconfigjson": data},
        }
    )
    pod = pick_pod_facts(
        {
            "metadata": {"name": "web", "annotations": {"x": PASSWORD}, "labels": {"y": PASSWORD}},
            "spec": {"containers": [{"name": "app", "image": "a", "env": [{"value": PASSWORD}], "args": [PASSWORD]}]},
            "status": {
                "containerStatuses": [{"name": "app", "state": {"waiting": {"message": f"password={PASSWORD}"}}}]
            },
        }
    )
    event = pick_event_facts({"involvedObject": {"name": "web"}, "message": f"Basic {auth}"})
    annotations = {"note": PASSWORD, ROLE_ANNOTATION: "arn:aws:iam::123456789012:role/puller"}
    account = pick_service_account_facts({"metadata": {"name": "web", "annotations": annotations}})
    assert parse_service_account(account).node_role == annotations[ROLE_ANNOTATION]
    text = json.dumps([secret, pod, event, account])
    for hidden in (PASSWORD, auth, data, "p4ss"):
        assert hidden not in text
    assert "robot" in text


def test_what_a_dump_says_of_a_secret_is_diagnosed_as_the_secret_itself() -> None:
    auth = base64.b64encode(b"no-colon").decode()
    other: dict[str, object] = {"quay.io": {"username": "u", "password": "p"}}
    spellings: list[object] = [[], {"ghcr.io": {"auth": auth}}, {"ghcr.io": {}}, {}, other]
    for auths in spellings:
        data = base64.b64encode(json.dumps({"auths": auths}).encode()).decode()
        secret = {
            "metadata": {"name": "pull", "namespace": "shop"},
            "type": "kubernetes.io/dockerconfigjson",
            "data": {".dockerconfigjson": data},
        }
        waiting = {"reason": "ErrImagePull", "message": "failed to pull: 401 Unauthorized"}
        pod = {
            "metadata": {"name": "web", "namespace": "shop"},
            "spec": {"containers": [{"name": "app", "image": "ghcr.io/a/b:1"}], "imagePullSecrets": [{"name": "pull"}]},
            "status": {"containerStatuses": [{"name": "app", "state": {"waiting": waiting}}]},
        }
        account = {"metadata": {"name": "default", "namespace": "shop"}}
        case = {"pod": pod, "events": [], "serviceaccount": account, "captured_at": "2026-01-01T00:00:00Z"}
        live, dumped = ({**case, "secrets": [each]} for each in (secret, pick_secret_facts(secret)))
        assert diagnose(parse_case(live)) == diagnose(parse_case(dumped)), auths
