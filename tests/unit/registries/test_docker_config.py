"""dockerconfigjson: the bytes that kubectl writes, read as the kubelet reads them, merged without touching others."""

import base64
import json
import shutil
import subprocess
from typing import Any

import pytest

from imagepull.errors import InvalidDockerConfig
from imagepull.registries import docker_config
from imagepull.registries.docker_config import HUB_KEY, MAX_BYTES, Credential, encode, merge, parse

R = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
ECR = Credential(username="AWS", password="hunter2-token")
OTHER = Credential(username="other", password="other-password")


def _auth(username: str, password: str) -> str:
    return base64.b64encode(f"{username}:{password}".encode()).decode()


def _document(auths: dict[str, Any], **others: Any) -> bytes:
    return json.dumps({**others, "auths": auths}, indent=2).encode()


# What kubectl v1.32 printed for the same host, user name and password.
KUBECTL = [
    ("a.io", "u", "p", b'{"auths":{"a.io":{"username":"u","password":"p","auth":"dTpw"}}}'),
    (
        "a.io",
        "u",
        "p<>&\u00e9",
        b'{"auths":{"a.io":{"username":"u","password":"p\\u003c\\u003e\\u0026\xc3\xa9","auth":"dTpwPD4mw6k="}}}',
    ),
    (
        "docker.io",
        "test-user",
        "test-password",
        b'{"auths":{"https://index.docker.io/v1/":{"username":"test-user","password":"test-password",'
        b'"auth":"dGVzdC11c2VyOnRlc3QtcGFzc3dvcmQ="}}}',
    ),
]


@pytest.mark.parametrize(("host", "username", "password", "expected"), KUBECTL)
def test_bytes_are_those_of_kubectl(host: str, username: str, password: str, expected: bytes) -> None:
    assert encode({host: Credential(username=username, password=password)}) == expected


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="no kubectl on PATH")
@pytest.mark.parametrize(
    ("host", "username", "password"),
    [
        *((host, username, password) for host, username, password, _ in KUBECTL),
        (R, "AWS", "eyJwYXlsb2FkIjoi" * 100 + "=="),
        ("harbor.example.com:8443", "robot$ci", "a:b:c \"quoted\" \\ 'and' /slashes/"),
        ("a.io", "\u00fcser", "tab\there, line\nthere, \u2028 \u2029 \x7f \x08 \x0c \x01 \U0001f511"),
    ],
)
def test_bytes_are_those_of_the_kubectl_at_hand(host: str, username: str, password: str) -> None:
    server = [] if host == "docker.io" else [f"--docker-server={host}"]
    command = ["kubectl", "create", "secret", "docker-registry", "x", "--dry-run=client", "-o", "json", *server]
    command += [f"--docker-username={username}", f"--docker-password={password}"]
    printed = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)

    assert encode({host: Credential(username=username, password=password)}) == base64.b64decode(
        printed["data"][".dockerconfigjson"]
    )


def test_several_hosts_are_sorted_as_go_sorts_them() -> None:
    assert encode({R: ECR, "docker.io": OTHER, "a.io": OTHER}) == encode({"a.io": OTHER, "docker.io": OTHER, R: ECR})
    assert list(parse(encode({R: ECR, "docker.io": OTHER, "a.io": OTHER})).auths) == [R, "a.io", HUB_KEY]


def test_password_is_in_no_repr() -> None:
    config = parse(encode({R: ECR}))

    assert "hunter2" not in repr(ECR) + str(ECR) + repr(config) + str(config)
    assert _auth(ECR.username, ECR.password) not in repr(config)


# kubernetes/kubernetes v1.36.3 `pkg/credentialprovider/config_test.go`, TestDockerConfigEntryJSONDecode and
# TestDecodeDockerConfigFieldAuth (Apache-2.0).
@pytest.mark.parametrize(
    ("entry", "username", "password"),
    [
        ({"username": "foo", "password": "bar", "email": "foo@example.com"}, "foo", "bar"),
        ({"auth": "Zm9vOmJhcg==", "email": "foo@example.com"}, "foo", "bar"),
        ({"username": "foo", "password": "bar", "auth": "cGluZzpwb25n", "email": "foo@example.com"}, "ping", "pong"),
        ({"auth": "Zm9vOmJhcg"}, "foo", "bar"),
        ({"auth": "Zm9vOm\nJhcg==\n"}, "foo", "bar"),
        ({"auth": _auth("foo", "a:b")}, "foo", "a:b"),
        ({"auth": "", "username": "foo", "password": "bar"}, "foo", "bar"),
        ({"auth": None, "username": "foo", "password": None}, "foo", ""),
        ({"Auth": "Zm9vOmJhcg==", "USERNAME": "x"}, "foo", "bar"),
        ({"identitytoken": 5, "registrytoken": {}}, "", ""),
        ({}, "", ""),
        (None, "", ""),
    ],
)
def test_entry_is_read_as_the_kubelet_reads_it(entry: object, username: str, password: str) -> None:
    assert parse(_document({"a.io": entry})).auths == {"a.io": Credential(username=username, password=password)}


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"auth": "pants"}, "auth is not base64"),
        ({"auth": "cGFudHM="}, "auth holds no colon"),
        ({"auth": "Zm9vOmJhcg== "}, "auth is not base64"),
        ({"auth": "Zm9vOmJhcg="}, "auth is not base64"),
        ({"auth": "Zm9v=OmJhcg"}, "auth is not base64"),
        ({"auth": "Zm9vOmJhcg==="}, "auth is not base64"),
        ({"auth": "===="}, "auth is not base64"),
        ({"auth": "Zm9vOm_-"}, "auth is not base64"),
        ({"email": False}, "email is not a string"),
        ({"password": 12345}, "password is not a string"),
        ("Zm9vOmJhcg==", "is not an object"),
        ([], "is not an object"),
    ],
)
def test_entry_that_the_kubelet_refuses_is_named_by_its_host(entry: object, reason: str) -> None:
    with pytest.raises(InvalidDockerConfig) as caught:
        parse(_document({"good.io": {}, "https://user:hunter2@a.io/v1/": entry}))

    assert f"auths[a.io]: {reason}" in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_bad_entry_under_an_unreadable_key_is_named_by_its_number() -> None:
    with pytest.raises(InvalidDockerConfig, match=r"auths\[entry 2\]"):
        parse(_document({"good.io": {}, "hunter 2": {"auth": "x"}}))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not JSON"),
        (b"hunter2", "not JSON (line 1, column 1)"),
        (b'{"auths":{"a.io":{"password":"hunter2}}', "not JSON"),
        (b'\xef\xbb\xbf{"auths":{}}', "not JSON"),
        (b'{"auths":{}} {}', "not JSON"),
        (b'{"a":NaN,"b":"hunter2"}', "number out of range"),
        (b'{"a":1e999,"b":"hunter2"}', "number out of range"),
        (b'{"hunter2":' + b"[" * 100_000, "nested too deeply"),
        *[(b'{"hunter2":' + b"[" * depth + b"]" * depth + b"}", "nested too deeply") for depth in (200, 900, 980)],
        (b"\xff\xfehunter2", "not UTF-8"),
        (b'["hunter2"]', "not a JSON object"),
        (b'"hunter2"', "not a JSON object"),
        (b'{"auths":"hunter2"}', "auths is not an object"),
        (b'{"auths":["hunter2"]}', "auths is not an object"),
        (b'{"HttpHeaders":"hunter2"}', "HttpHeaders is not an object of strings"),
        (b'{"httpheaders":{"X-Meta":["hunter2"]}}', "HttpHeaders is not an object of strings"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_malformed_document_is_an_error_without_its_content(data: bytes, reason: str) -> None:
    with pytest.raises(InvalidDockerConfig) as caught:
        parse(data)

    assert reason in str(caught.value)
    assert "hunter2" not in str(caught.value)
    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None, "the JSON error holds the whole document"


@pytest.mark.parametrize("data", [b"{}", b'{"auths":null}', b'{"credsStore":"x"}', b'{"HttpHeaders":{"X-Meta":"y"}}'])
def test_document_without_entries_is_fine(data: bytes) -> None:
    assert parse(data).auths == {}


def test_document_is_kept_with_what_we_do_not_know() -> None:
    document = {"auths": {"a.io": {"auth": _auth("u", "p"), "x": [1, 2.5, None]}}, "HttpHeaders": {"X": "y"}}

    assert parse(json.dumps(document).encode()).document == document


def test_merge_sets_our_hosts_and_leaves_the_others_as_they_are() -> None:
    foreign = {"auth": _auth("f", "g"), "email": "f@example.com", "future": {"deep": [1, 2.5, None, True]}}
    existing = _document({"ghcr.io": foreign, R: {"auth": _auth("AWS", "old")}}, credHelpers={"b.io": "x"}, z=1)

    merged = json.loads(merge(existing, {R: ECR}))

    assert merged["auths"]["ghcr.io"] == foreign
    assert merged["credHelpers"] == {"b.io": "x"}
    assert merged["z"] == 1
    assert parse(merge(existing, {R: ECR})).auths[R] == ECR


def test_merge_takes_out_hosts_that_are_no_longer_ours() -> None:
    existing = encode({R: ECR, "docker.io": OTHER, "ghcr.io": OTHER})

    assert merge(existing, {"ghcr.io": OTHER}, {R, "docker.io"}) == encode({"ghcr.io": OTHER})
    assert merge(existing, {}, {R, "docker.io", "ghcr.io"}) == b'{"auths":{}}'


def test_host_that_is_removed_and_ours_is_set() -> None:
    assert merge(encode({R: OTHER}), {R: ECR}, {R}) == encode({R: ECR})


def test_merge_that_changes_nothing_returns_the_very_bytes() -> None:
    existing = _document(
        {
            "z.io": {"auth": _auth("f", "g")},
            R: {"password": "hunter2-token", "username": "AWS", "auth": _auth("AWS", "hunter2-token")},
        }
    )

    assert merge(existing, {R: ECR}, {"gone.io"}) == existing


def test_merge_twice_is_merge_once() -> None:
    existing = _document({"z.io": {"x": "<&>\u2028\u00e9"}, "a.io": {}}, other="\ud800 lone")

    once = merge(existing, {R: ECR})

    assert merge(once, {R: ECR}) == once
    assert json.loads(once)["other"] == "\ud800 lone"


def test_new_document_is_the_encoded_one() -> None:
    assert merge(None, {R: ECR}) == merge(b"{}", {R: ECR}) == merge(b'{"auths":null}', {R: ECR}) == encode({R: ECR})


@pytest.mark.parametrize("spelling", [f"https://{R}", f"https://{R}/v1/", f"http://{R}/", f"{R}/"])
def test_other_spelling_of_our_host_gives_way(spelling: str) -> None:
    existing = _document({spelling: {"auth": _auth("AWS", "stale")}})

    assert merge(existing, {R: ECR}) == encode({R: ECR})


@pytest.mark.parametrize(
    "spelling", ["docker.io", "https://docker.io/v1/", "index.docker.io", "https://index.docker.io"]
)
def test_other_spelling_of_docker_hub_gives_way(spelling: str) -> None:
    existing = _document({spelling: {"auth": _auth("u", "stale")}})

    assert merge(existing, {"docker.io": OTHER}) == encode({"docker.io": OTHER})


@pytest.mark.parametrize("neighbour", [f"{R}/team", f"{R}:443", f"*.{R.partition('.')[2]}", R.upper(), "not a host%"])
def test_entry_for_something_else_stays(neighbour: str) -> None:
    existing = _document({neighbour: {"auth": _auth("u", "p")}})

    assert set(json.loads(merge(existing, {R: ECR}, {R, "docker.io"}))["auths"]) == {neighbour, R}


def test_removing_a_host_leaves_the_spelling_that_somebody_else_wrote() -> None:
    existing = _document({f"https://{R}": {"auth": _auth("u", "p")}})

    assert merge(existing, {}, {R}) == existing


def test_field_auths_in_another_case_is_the_same_field_as_for_the_kubelet() -> None:
    merged = json.loads(merge(b'{"Auths":{"a.io":{}}}', {R: ECR}))

    assert list(merged) == ["Auths"]
    assert set(merged["Auths"]) == {R, "a.io"}


def test_broken_entry_of_ours_is_repaired() -> None:
    assert merge(_document({R: {"auth": "pants"}}), {R: ECR}) == encode({R: ECR})
    assert merge(_document({R: "pants"}), {}, {R}) == b'{"auths":{}}'


def test_broken_entry_of_somebody_else_is_an_error_because_it_blocks_every_pull() -> None:
    with pytest.raises(InvalidDockerConfig, match=r"auths\[a\.io\]: auth is not base64"):
        merge(_document({"a.io": {"auth": "hunter2!"}}), {R: ECR})


def test_malformed_existing_document_is_an_error() -> None:
    with pytest.raises(InvalidDockerConfig, match="not JSON"):
        merge(b"hunter2", {R: ECR})


def test_size_limit_of_a_secret() -> None:
    entry = {"a.io": {"x": ""}}
    room = MAX_BYTES - len(merge(_document(entry), {R: ECR}))
    entry["a.io"]["x"] = "x" * room

    assert len(merge(_document(entry), {R: ECR})) == MAX_BYTES
    entry["a.io"]["x"] += "x"
    with pytest.raises(InvalidDockerConfig, match="1048577 bytes"):
        merge(_document(entry), {R: ECR})


@pytest.mark.parametrize(
    ("credential", "reason"),
    [
        (Credential(username="", password="p"), "username is empty"),
        (Credential(username="u", password=""), "password is empty"),
        (Credential(username="u:v", password="hunter2"), "username holds a colon"),
        (Credential(username="u", password="hunter2\ud800"), "password is not valid Unicode"),
        (Credential(username="u\udcff", password="hunter2"), "username is not valid Unicode"),
    ],
)
def test_credential_that_cannot_work_is_refused(credential: Credential, reason: str) -> None:
    assert reason in (docker_config.check_credential(credential) or "")
    with pytest.raises(InvalidDockerConfig) as caught:
        encode({R: credential})

    assert reason in str(caught.value)
    assert R in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("host", "key"),
    [(R, R), ("ghcr.io", "ghcr.io"), (f"{R}:443", f"{R}:443"), ("docker.io", HUB_KEY), ("index.docker.io", HUB_KEY)],
)
def test_key_is_the_bare_host_and_docker_hub_has_its_own(host: str, key: str) -> None:
    assert docker_config.make_auths_key(host) == key
    assert docker_config.check_host(host) is None


@pytest.mark.parametrize(
    "host", [R, "docker.io", "localhost", "ghcr.io", "localhost:5000", "registry:5000", "[::1]:5000"]
)
def test_key_that_is_written_opens_the_images_of_its_host(host: str) -> None:
    image = "nginx" if host == "docker.io" else f"{host}/team/app:v1"

    assert docker_config.check_host(host) is None
    assert docker_config.match(parse(encode({host: ECR})).auths, image) == [docker_config.make_auths_key(host)]


@pytest.mark.parametrize(
    ("host", "what", "instead"),
    [
        ("", "is empty", "'ghcr.io'"),
        ("https://ghcr.io", "has a scheme", "'ghcr.io'"),
        ("https://index.docker.io/v1/", "has a scheme", "'index.docker.io'"),
        ("OCI://GHCR.io/a", "has a scheme", "'ghcr.io'"),
        ("https://user:hunter2@ghcr.io", "has a scheme", "'ghcr.io'"),
        ("https://", "has a scheme", "the host alone"),
        ("user:hunter2@ghcr.io", "user name", "'ghcr.io'"),
        ("https://user:$hunter2@ghcr.io", "has a scheme", "'ghcr.io'"),
        ("user:${hunter2}@ghcr.io", "user name", "'ghcr.io'"),
        (f"{R}/team", "has a path", f"'{R}'"),
        ("ghcr.io/", "has a path", "'ghcr.io'"),
        (" ghcr.io", "white space", "'ghcr.io'"),
        ("ghcr.io\n", "white space", "'ghcr.io'"),
        ("GHCR.IO", "upper case", "'ghcr.io'"),
        ("*.dkr.ecr.us-east-1.amazonaws.com", "is a pattern", "each host"),
        ("ghcr.i?", "is a pattern", "each host"),
        ("https://*.example.com", "has a scheme", "the host alone"),
        ("${REGISTRY}", "unexpanded variable '${REGISTRY}'", "the host itself"),
        ("my_registry.io", "no host name", "letters, digits"),
        ("-a.io", "no host name", "letters, digits"),
        ("a..io", "no host name", "letters, digits"),
        ("a.io.", "no host name", "letters, digits"),
        ("a.io:", "no host name", ":PORT"),
        ("a.io:http", "no host name", ":PORT"),
        ("a.io:0", "has port 0", "1 to 65535"),
        ("a.io:65536", "has port 65536", "1 to 65535"),
        ("a.io:" + "9" * 10_000, "has port 999999", "1 to 65535"),
        ("2001:db8::1", "no host name", "letters, digits"),
        ("[2001:db8::1]", "without a port", "[ADDRESS]:PORT"),
        ("a" * 64 + ".io", "too long", "63"),
        (".".join(["a" * 60] * 5), "too long", "253"),
        ("myregistry", "myregistry/app is on Docker Hub", "full name"),
        ("registry-1.docker.io", "no image of Docker Hub", "'docker.io'"),
        ("hub.docker.com", "no image of Docker Hub", "'docker.io'"),
        ("ghcr.\u0131o", "no host name", "letters, digits"),
    ],
    ids=lambda value: value[:40],
)
def test_text_that_is_no_registry_host_is_told_what_to_write(host: str, what: str, instead: str) -> None:
    reason = docker_config.check_host(host) or ""

    assert what in reason
    assert instead in reason
    assert "hunter2" not in reason
    with pytest.raises(InvalidDockerConfig):
        encode({host: ECR})
