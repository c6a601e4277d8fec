"""The table of causes: complete, consistent, and true to its own texts."""

import string

import pytest

from imagepull.causes.table import Cause, Confidence, fill, get_cause, list_causes, list_text_rules
from imagepull.diagnosis.texts import classify, find_facts
from tests.unit.diagnosis.rows import rows

DOORS = {"bad-request", "no-credential", "hub-denied"}
"""What a text may say that is no cause by itself."""


def test_the_table_has_every_cause_of_the_test_data() -> None:
    codes = {cause.code for cause in list_causes()}
    needed = {row[key] for row in rows().values() for key in ("cause", "decidable")}
    assert needed - codes == set()


def test_every_code_that_the_table_names_is_in_it() -> None:
    codes = {cause.code for cause in list_causes()}
    named = {code for cause in list_causes() for code in (*cause.alternatives, *cause.read_as)}
    assert (named | {rule.code for rule in list_text_rules()}) - codes == DOORS


@pytest.mark.parametrize("cause", list_causes(), ids=lambda cause: cause.code)
def test_the_texts_that_people_paste_are_read_as_the_table_says(cause: Cause) -> None:
    for symptom in cause.symptoms:
        reading = classify(symptom)
        told = reading.code if reading else "pull-not-finished" if symptom.startswith("Pulling image") else None
        assert told in cause.read_as, symptom


@pytest.mark.parametrize("cause", list_causes(), ids=lambda cause: cause.code)
def test_every_cause_is_whole_sentences(cause: Cause) -> None:
    for sentence in (cause.cause, cause.fix):
        assert list(string.Formatter().parse(sentence))
        assert sentence[-1] in ".}", sentence
    assert cause.title
    assert not cause.title.endswith(".")
    assert cause.group in ("credential", "image", "way", "node", "aws", "none")
    assert cause.code not in cause.alternatives


def test_a_fact_that_is_not_known_stands_in_capitals() -> None:
    assert fill("Add {secret} to {{x}}.", {}) == "Add SECRET to {x}."


def test_confidence_is_as_weak_as_the_weaker() -> None:
    assert Confidence.CERTAIN.limit_to(Confidence.POSSIBLE) is Confidence.POSSIBLE
    assert Confidence.POSSIBLE.limit_to(Confidence.LIKELY) is Confidence.POSSIBLE


PULL = 'failed to pull and unpack image "r.test/a:1": failed to resolve reference "r.test/a:1": '
ABSENT = f"{PULL}r.test/a:1: not found"
EXPIRED = "denied: Your authorization token has expired. Reauthenticate and try again."
TEXTS = {
    f"[{PULL}unexpected status: 401 Unauthorized, rpc error: code = NotFound desc = {ABSENT}]": "image-absent",
    f"[{PULL}unexpected status: 401 Unauthorized, {PULL}unexpected status: 403 Forbidden]": "credential-refused",
    f"[{PULL}{EXPIRED}, {ABSENT}]": "image-absent",
    "unable to pull image or OCI artifact: pull image err: reading manifest 1 in r.test/a: manifest unknown;"
    " artifact err: unsupported media": "image-absent",
    "rpc error: code = Unknown desc = Error response from daemon: manifest for a:1 not found": "image-absent",
    "HEAD http://r.test/v2/a: 401 UNAUTHORIZED": "credential-refused",
    f"unexpected status from HEAD request to https://r.test/v2/a: 403 Forbidden\n{EXPIRED}": "token-expired",
    'failed to do request: Head "https://sso.r.test/in": lookup sso.r.test: no such host': "unexpected-answer",
    'failed to do request: Head "https://r.test/v2/a/manifests/1": lookup r.test: no such host': "dns-failure",
    'failed to do request: Get "https://b.s3.test/sha256:00": dial tcp: lookup b.s3.test: no such host': "dns-failure",
}


@pytest.mark.parametrize(("text", "code"), TEXTS.items())
def test_texts_of_other_runtimes_and_of_several_credentials_are_read(text: str, code: str) -> None:
    reading = classify(text)
    assert reading is not None
    assert reading.code == code


@pytest.mark.parametrize("text", ["", "something new", "[", "[]", "x" * 100_000])
def test_a_text_that_nothing_fits_is_read_as_nothing(text: str) -> None:
    assert classify(text) is None


def test_the_address_is_that_which_fails_not_that_of_the_image() -> None:
    told = 'failed to do request: Get "https://b.s3.test/x": dial tcp: lookup b.s3.test on 10.0.0.2:53: no such host'
    assert find_facts(told)["address"] == "b.s3.test"
    assert find_facts("dial tcp 10.0.0.7:443: connect: connection refused")["address"] == "10.0.0.7:443"
    assert find_facts("unexpected status from HEAD request to https://r.test/v2/a: 503 Service Unavailable") == {
        "address": "r.test",
        "status": "503 Service Unavailable",
    }


def test_every_cause_can_be_looked_up() -> None:
    assert get_cause("token-expired").waiting_helps is False
    with pytest.raises(KeyError):
        get_cause("no-such-cause")
