"""What looks like a credential is taken out of a text, in each spelling; what others wrote becomes one short line.

The spellings in a comment of a pull request are in tests/unit/preview/test_comment.py.
"""

import base64

import pytest

from imagepull.redaction import REDACTED, clean, redact

# Bytes that standard base64 writes with `+` and `/`, and URL-safe base64 with `-` and `_`.
PAIR = b"bot:>>>???>>>"
CONFIG = b'{"auths":{"a":{"auth":"?>?>"}}}'


def url_safe(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode()


@pytest.mark.parametrize("strip", ["", "="])
@pytest.mark.parametrize("data", [PAIR, CONFIG, b"user:pass~~~", b"bot:hunter2", b"u:~~~~~~~", b"u:???????"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode], ids=["standard", "url-safe"])
def test_base64_of_a_credential_goes(data: bytes, encode: object, strip: str) -> None:
    assert callable(encode)
    text = encode(data).decode().rstrip(strip) if strip else encode(data).decode()

    assert redact(f"a {text} b") == f"a {REDACTED} b"


def test_the_vectors_have_the_characters_that_the_alphabets_differ_in() -> None:
    assert "-" in url_safe(b"u:~~~~~~~") + url_safe(PAIR)
    assert "_" in url_safe(b"u:???????") + url_safe(PAIR)
    assert ("-" in url_safe(b"u:~~~~~~~")) != ("_" in url_safe(b"u:~~~~~~~"))
    assert ("-" in url_safe(b"u:???????")) != ("_" in url_safe(b"u:???????"))


@pytest.mark.parametrize(
    "word",
    [
        "kubernetes-deployment",
        "a_long_snake_case_name",
        "ServiceAccounts",
        base64.b64encode(b"no pair of both").decode(),
    ],
)
def test_word_that_decodes_to_no_credential_stays(word: str) -> None:
    assert redact(word) == word


def test_base64_that_mixes_both_alphabets_is_none() -> None:
    """Lenient decoding would skip what is not in the alphabet, and read a credential into any name."""
    mixed = base64.b64encode(b"u:p~~~ooo").decode()[:8] + "-/" + base64.b64encode(b"u:p").decode()

    assert redact(mixed) == mixed


def test_document_goes_as_a_whole() -> None:
    document = '{"auths": {"ghcr.io": {"username": "bot", "password": "hunter2"}}}'

    assert redact(f"object.data is {document} today") == f"object.data is {REDACTED} today"
    assert redact(f"object.data is {document[:40]}") == f"object.data is {REDACTED}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("two\nlines\r\n and\ttabs  ", "two lines and tabs"),
        ("\x1b[2J\x07cleared\u202e", "[2J cleared"),
        ("password=hunter2 and more", f"password={REDACTED} and more"),
        ("é ☃ stay", "é ☃ stay"),
        ("x " * 500, ("x " * 500).strip()),
        ("é" * 1000, "é" * 1000),
        ("é" * 1001, "é" * 997 + "..."),
    ],
    ids=["line ends", "terminal", "credential", "unicode", "499 spaces", "longest", "too long"],
)
def test_foreign_text_becomes_one_short_line(text: str, expected: str) -> None:
    assert clean(text) == expected


def test_credential_that_control_characters_take_apart_is_seen() -> None:
    assert "hunter2" not in clean("password:\x00 'hunter2'")
