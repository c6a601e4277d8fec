"""The rules on every Pod of the test data, whole and with objects that may not be read."""

import copy
import re
import string
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest

from imagepull.causes.table import Confidence, list_causes
from imagepull.diagnosis.answers import Diagnosis
from imagepull.diagnosis.case_file import parse_case
from imagepull.diagnosis.rules import diagnose
from tests.unit.diagnosis.rows import rows

Row = dict[str, Any]
STATUSES = ("initContainerStatuses", "containerStatuses", "ephemeralContainerStatuses")


def answer(name: str, **changes: object) -> Diagnosis:
    """The first answer for a row."""
    return diagnose(parse_case({**rows()[name], **changes}))[0]


def is_right(row: Row, found: list[Diagnosis]) -> bool:
    if row["cause"] == "mixed":
        return len({each.code for each in found}) > 1
    return found[0].code in (row["cause"], row["decidable"])


def fits(row: Row, found: list[Diagnosis]) -> bool:
    return is_right(row, found) or bool({row["cause"], row["decidable"]} & set(found[0].alternatives))


def certain_and_wrong(row: Row, found: list[Diagnosis]) -> list[str]:
    wanted = {row["cause"], row["decidable"]}
    if "mixed" in wanted:
        return []
    return [each.code for each in found if each.confidence is Confidence.CERTAIN and each.code not in wanted]


def without_text(row: Row) -> Row:
    """As a kubelet up to 1.31 leaves it: the back-off's message without the cause."""
    row = copy.deepcopy(row)
    for container in (each for key in STATUSES for each in row["pod"]["status"].get(key, [])):
        waiting = container["state"].get("waiting", {})
        if waiting.get("reason") == "ImagePullBackOff":
            waiting["message"] = re.sub(r'(?s)^(Back-off pulling image "[^"]*").*', r"\1", waiting["message"])
    return row


def without(*names: str) -> Callable[[Row], Row]:
    return lambda row: {**row, **dict.fromkeys(names)}


def whole(row: Row) -> Row:
    return row


NO_SECRETS = ("secrets", "serviceaccount", "serviceaccounts_other")
# What is left to read, how many first answers are right at least, and in how many the truth is among the alternatives.
READABLE: dict[str, tuple[Callable[[Row], Row], int, int]] = {
    "everything": (whole, 316, 316),
    "kubelet 1.31": (without_text, 316, 316),
    "no Events": (without("events"), 307, 315),
    "Events expired": (lambda row: {**row, "events": []}, 307, 315),
    "no Secrets": (without("secrets"), 252, 316),
    "no Secrets, no ServiceAccounts": (without(*NO_SECRETS), 250, 316),
    "no Secrets, ServiceAccounts, Events": (without(*NO_SECRETS, "events"), 237, 315),
    "no ServiceAccounts": (without("serviceaccount", "serviceaccounts_other"), 309, 316),
    "no Node": (without("node"), 310, 316),
    "no logs": (without("logs"), 314, 316),
    "kubelet 1.31, Events expired": (lambda row: {**without_text(row), "events": []}, 99, 172),
    "Secrets left out of the file": (lambda row: {**row, "secrets": [], "serviceaccount": None}, 241, 316),
}


@pytest.mark.parametrize("readable", READABLE)
def test_the_less_may_be_read_the_weaker_but_never_the_more_wrong(readable: str) -> None:
    _, right, within = READABLE[readable]
    found = found_in(readable)
    assert {name: wrong for name, row in rows().items() if (wrong := certain_and_wrong(row, found[name]))} == {}
    assert sum(is_right(row, found[name]) for name, row in rows().items()) >= right
    assert sum(fits(row, found[name]) for name, row in rows().items()) >= within


@cache
def found_in(readable: str) -> dict[str, list[Diagnosis]]:
    """The answers for every row, by what may be read."""
    change = READABLE[readable][0]
    return {name: diagnose(parse_case(change(row))) for name, row in rows().items()}


@pytest.mark.parametrize("name", sorted(rows()))
def test_a_text_that_is_cut_off_proves_no_wrong_cause(name: str) -> None:
    """An Event keeps 1,024 characters, and what people paste keeps less."""
    row = {**copy.deepcopy(rows()[name]), "events": []}
    waiting = [
        each["state"]["waiting"]
        for key in STATUSES
        for each in row["pod"]["status"].get(key, [])
        if each["state"].get("waiting", {}).get("message")
    ]
    for each in waiting:
        whole_text = each["message"]
        for length in range(30 + len(name) % 97, len(whole_text), 97):
            each["message"] = whole_text[:length]
            assert certain_and_wrong(row, diagnose(parse_case(row))) == [], whole_text[:length]
        each["message"] = whole_text


def field_names(sentence: str) -> list[str]:
    return [name for _, name, _, _ in string.Formatter().parse(sentence) if name]


def sentences() -> Iterator[tuple[str, str]]:
    for readable in READABLE:
        for name, answers in found_in(readable).items():
            for each in answers:
                yield name, each.cause
                yield name, each.fix


def test_no_sentence_has_a_gap() -> None:
    facts = {part for cause in list_causes() for text in (cause.cause, cause.fix) for part in field_names(text)}
    gap = re.compile(rf"(?<!/)\b({'|'.join(sorted(map(str.upper, facts)))})\b(?!/)")
    meant = re.compile(r"REPOSITORY:TAG|HOST/|[$({]+TAG")
    assert next((told for told in sentences() if gap.search(meant.sub("", told[1]))), None) is None


def test_no_answer_quotes_a_redacted_password() -> None:
    assert next((told for told in sentences() if "REDACTED" in told[1].replace("%5BREDACTED%5D", "")), None) is None


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("secret-absent-typo", "there is "),
        ("key-port", ".com:443"),
        ("key-upper-case-host", "upper and lower case"),
        ("wrong-user-ecr", "the entry's is admin"),
        ("malformed-newline-in-password", "white space"),
        ("token-expired", "has expired at 2026-11-24T10:54:04Z"),
        ("crio-ecr-policy", "arn:aws:sts::"),
        ("blob-redirect-dns", "s3.nx.test; plain.test keeps its layers there."),
        ("upstream-down-mirror-absent", "; it is a mirror of "),
        ("platform-index-arm-only", "linux/amd64"),
        ("pod-other-account", "ServiceAccount default lists the Secret registry-access"),
        ("secret-other-namespace", "is in namespace team-4c2f4f-other"),
        ("deployment-expired", "registry-access"),
        ("hang", "containerd 1.6 waits for ever"),
        ("secret-type-opaque", "type Opaque"),
    ],
)
def test_an_answer_names_what_is_wrong(name: str, told: str) -> None:
    found = answer(name)
    assert told in f"{found.cause} {found.fix}"


def test_a_deployments_pod_is_made_anew_by_its_deployment() -> None:
    row = copy.deepcopy(rows()["pod-before-sa-patch"])
    owner = {"kind": "ReplicaSet", "name": "web-6d4cf56db6", "controller": True}
    row["pod"]["metadata"]["ownerReferences"] = [owner]
    fix = diagnose(parse_case(row))[0].fix
    assert f"kubectl -n {row['pod']['metadata']['namespace']} rollout restart deployment/web`" in fix


def test_an_image_volume_is_named_by_its_own_image() -> None:
    volumes = [each for each in rows()["image-volume"]["pod"]["spec"]["volumes"] if "image" in each]
    assert answer("image-volume").image == volumes[0]["image"]["reference"]


def test_a_waiting_container_is_left_out_while_another_fails() -> None:
    found = diagnose(parse_case(rows()["one-of-two"]))
    assert [each.code for each in found] == ["image-absent"]
    assert "mixed" not in found[0].alternatives


def test_two_causes_are_two_answers_that_know_of_each_other() -> None:
    found = diagnose(parse_case(rows()["two-causes"]))
    assert {each.code for each in found} == {"cached-other-credential", "image-absent"}
    assert all("mixed" in each.alternatives for each in found)


def test_an_event_alone_proves_that_a_secret_is_absent_when_secrets_may_not_be_read() -> None:
    found = answer("secret-absent", secrets=None)
    assert (found.code, found.confidence) == ("secret-absent", Confidence.LIKELY)
    harmless = answer("secret-absent-harmless", secrets=None)
    assert harmless.code == "healthy"


def test_withheld_secrets_are_said_to_be_withheld() -> None:
    found = answer("key-port", secrets=None)
    assert found.code == "secrets-withheld"
    assert any("may not be read" in each for each in found.evidence)
    assert "key-port-mismatch" in found.alternatives


@pytest.mark.parametrize(
    ("text", "code", "confidence"),
    [
        (
            "pulling from host reg.test failed with status code [manifests 1]: 400 Bad Request",
            "tls-https-server",
            "likely",
        ),
        (
            "unexpected status from HEAD request to https://reg.test/v2/: 400 Bad Request",
            "unexpected-answer",
            "possible",
        ),
    ],
)
def test_a_bad_request_is_no_answer_to_a_credential(text: str, code: str, confidence: str) -> None:
    """Except of ECR, whose rows say so."""
    row = copy.deepcopy(rows()["no-pull-secret-basic-registry"])
    status = row["pod"]["status"]["containerStatuses"][0]
    image = row["pod"]["spec"]["containers"][0]["image"]
    message = f'Back-off pulling image "{image}": ErrImagePull: {text}'
    status["state"] = {"waiting": {"reason": "ImagePullBackOff", "message": message}}
    found = diagnose(parse_case(row))[0]
    assert (found.code, found.confidence) == (code, confidence)


def test_a_pod_without_a_node_has_pulled_nothing_yet() -> None:
    row = copy.deepcopy(rows()["healthy"])
    row["pod"]["status"] = {"phase": "Pending"}
    assert diagnose(parse_case(row))[0].confidence is Confidence.LIKELY  # the kubelet has not reported yet
    del row["pod"]["spec"]["nodeName"]
    assert [each.code for each in diagnose(parse_case(row))] == ["not-scheduled"]


@pytest.mark.parametrize("log", ["Error: 429 Too Many Requests", "x509: certificate has expired", "unknown config key"])
def test_what_a_program_says_before_it_ends_is_no_failure_of_a_pull(log: str) -> None:
    names = [each["name"] for each in rows()["crash"]["pod"]["spec"]["containers"]]
    assert answer("crash", logs=dict.fromkeys(names, log)).code == "not-a-pull-failure"
    both = dict.fromkeys(names, f"{log}\nexec /app: exec format error")
    assert answer("crash", logs=both).code == "wrong-platform-exec"


def test_a_reason_that_is_not_known_proves_nothing() -> None:
    row = copy.deepcopy(rows()["token-expired"])
    waiting = {"reason": "SomeNewReason", "message": "something new"}
    row["pod"]["status"]["containerStatuses"][0]["state"] = {"waiting": waiting}
    assert diagnose(parse_case(row))[0].confidence is not Confidence.CERTAIN


def test_a_pull_that_has_just_begun_is_no_failure() -> None:
    row = rows()["hang"]
    started = next(each["lastTimestamp"] for each in row["events"] if each["reason"] == "Pulling")
    assert answer("hang", captured_at=started).code == "healthy"
    assert answer("hang").code == "pull-not-finished"


def test_every_row_that_needs_it_is_explained_by_runtime() -> None:
    """Rows of one setup whose truth differs by runtime: each is right on its own."""
    by_setup: dict[str, set[str]] = {}
    for row in rows().values():
        by_setup.setdefault(row["setup"], set()).add(row["cause"])
    differing = {setup for setup, causes in by_setup.items() if len(causes) > 1}
    assert differing
    for name, row in rows().items():
        if row["setup"] in differing:
            assert is_right(row, diagnose(parse_case(row))), name
