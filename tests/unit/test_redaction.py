"""What looks like a credential is taken out, in every encoding, and in time that grows with the text only."""

import base64
import json

import pytest

from imagepull.redaction import REDACTED, clean, redact

DOCUMENT = {"auths": {"ghcr.io": {"username": "robot", "password": "hunter2", "auth": "cm9ib3Q6aHVudGVyMg=="}}}
TEXT = json.dumps(DOCUMENT)


@pytest.mark.parametrize(
    "secret",
    [
        TEXT,
        TEXT[:60],
        json.dumps(TEXT),
        json.dumps(json.dumps(TEXT)),
        TEXT.replace(" ", "\n  "),
        base64.b64encode(TEXT.encode()).decode(),
        base64.urlsafe_b64encode(b"robot:hunter2>>>???").decode(),
        base64.b64encode(b"robot:hunter2").decode().rstrip("="),
        "https://robot:hunter2@ghcr.io/v2/",
        "http://robot:hunter2/with/slash@ghcr.io",
        "password: 'hunter2'",
        'token="hunter2"',
        "password=hunter2",
        "Authorization: Bearer hunter2HUNTER",
        "AKIAHUNTER2HUNTER2XX hunter",
        "-----BEGIN RSA PRIVATE KEY-----\nhunter2\n-----END RSA PRIVATE KEY-----",
    ],
)
def test_a_credential_is_taken_out_and_the_words_around_it_stay(secret: str) -> None:
    shown = redact(f"denied: {secret}")
    assert shown.startswith("denied: ")
    assert REDACTED in shown
    for gone in ("hunter2", "cm9ib3Q", "HUNTER2", base64.b64encode(TEXT.encode()).decode()[:20], "aHVudGVyMj4"):
        assert gone not in shown


def test_text_after_a_whole_document_stays() -> None:
    assert redact(f"denied: {TEXT} by policy p") == f"denied: {REDACTED} by policy p"


@pytest.mark.parametrize(
    "harmless",
    [
        "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/shop@sha256:" + "0123456789abcdef" * 4,
        "pull https://ghcr.io:443/team/shop@sha256:" + "0" * 64,
        "namespaces team-a, team-b: RBAC forbids it",
        "uid 8b2f0c1e-5d7a-4f57-9e58-1f2d3c4b5a69",
        "token: [secret]",
    ],
)
def test_what_is_no_credential_stays(harmless: str) -> None:
    assert redact(harmless) == harmless


@pytest.mark.timeout(10)
@pytest.mark.parametrize("piece", ["://a:b", "://a", "token:'", '{"auths"', "} ", "Basic ", "a", "auth\\\\'"])
def test_the_time_grows_with_the_text_only(piece: str) -> None:
    # At 600 kB anything quadratic takes half a minute: the time limit is what fails then.
    shown = redact(piece * (600_000 // len(piece)) + "\npassword: 'hunter2'\n")
    assert "hunter2" not in shown


def test_what_others_say_is_one_line_without_control_characters() -> None:
    assert clean("  a\r\nb\x1b[31m\u202e c\t\x00d\u2028e ") == "a b [31m c d e"
    assert clean("password:\n'hunter2'") == f"password: {REDACTED}"
    assert len(clean("ab " * 1000)) == 1000
    assert clean("ab " * 1000).endswith("...")
    assert clean("") == ""
