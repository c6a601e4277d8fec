"""`imagepull.renewal.document`: what a renewer is to do, without any credential."""

import json

import pytest

from imagepull.errors import InvalidInput
from imagepull.renewal import document

US = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
ROLE = "arn:aws:iam::123456789012:role/pull"
INPUTS = {
    "name": "pull",
    "namespaces": ["a", "b"],
    "registries": [{"host": US, "roleArn": ROLE}, {"host": "ghcr.io", "username": "robot", "password": "hunter2"}],
    "refreshBefore": "6h",
    "labels": {"team": "x"},
}


def test_a_document_tells_what_to_renew() -> None:
    (secret,) = document.parse(document.encode([document.describe_secret(INPUTS, "shop/prod/access", "a1b2")]))
    assert (secret.name, secret.namespaces, secret.refresh_before) == ("pull", ("a", "b"), 6 * 3600)
    assert (secret.owner.title, secret.owner.identity) == ("shop/prod/access", "a1b2")
    assert secret.owner.digest_key is None
    (registry,) = secret.registries
    assert registry.host == US
    assert registry.token is not None
    assert registry.token.principal.role_arn == ROLE
    assert secret.fixed_hosts == ("ghcr.io",)


def test_no_credential_is_in_a_document() -> None:
    text = document.encode([document.describe_secret(INPUTS, "shop/prod/access", "a1b2")])
    assert "hunter2" not in text
    assert "robot" not in text


def test_the_same_inputs_are_the_same_text() -> None:
    shuffled = dict(reversed(INPUTS.items()))
    assert document.encode([document.describe_secret(INPUTS, "o", "a1b2")]) == document.encode(
        [document.describe_secret(shuffled, "o", "a1b2")]
    )


@pytest.mark.parametrize("text", ["", "[]", "null", "{", '"x"'])
def test_what_is_no_document_is_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(InvalidInput, match="no renewal document"):
        document.parse(text)


def test_all_problems_are_told_with_their_paths() -> None:
    wrong = {
        "version": 2,
        "secrets": [
            {
                "name": "Pull",
                "owner": "o",
                "identity": "a1",
                "namespaces": [],
                "registries": [{"host": "ghcr.io"}],
                "nonsense": 1,
            },
            {
                "name": "p",
                "owner": "o",
                "identity": "a1",
                "namespaces": ["a"],
                "registries": [{"host": US}, {"host": US, "fixed": True}],
            },
        ],
    }
    with pytest.raises(InvalidInput) as caught:
        document.parse(json.dumps(wrong))
    paths = {problem.path for problem in caught.value.problems}
    assert paths == {
        "version",
        "secrets[0].name",
        "secrets[0].namespaces",
        "secrets[0].registries[0].host",
        "secrets[0].nonsense",
        "secrets[1].registries",
    }


def test_a_secret_of_fixed_passwords_only_has_nothing_to_renew() -> None:
    inputs = {**INPUTS, "registries": [{"host": "ghcr.io", "username": "robot", "password": "hunter2"}]}
    (secret,) = document.parse(document.encode([document.describe_secret(inputs, "o", "a1b2")]))
    assert secret.registries == ()


def test_without_a_key_or_an_identity_it_says_what_to_do() -> None:
    secrets = document.parse(document.encode([document.describe_secret(INPUTS, "o", "a1b2")]))
    with pytest.raises(InvalidInput, match="digestKey: is not known; set IMAGEPULL_DIGEST_KEY"):
        document.add_digest_key(secrets, None)
    with pytest.raises(InvalidInput, match="identity: "):
        document.parse(document.encode([document.describe_secret(INPUTS, "o", "")]))


@pytest.mark.parametrize(("own", "used"), [(None, "given"), ("its own", "its own")])
def test_a_key_in_the_document_goes_before_the_one_given(own: str | None, used: str) -> None:
    secrets = document.parse(document.encode([document.describe_secret(INPUTS, "o", "a1b2", own)]))
    (secret,) = document.add_digest_key(secrets, "given")
    assert secret.owner.digest_key == used
