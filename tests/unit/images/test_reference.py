"""References are read as distribution/reference v0.6.0 reads them: its published rows, edge cases, and fuzz.

`vectors/image-references.jsonl` holds the inputs of that project's test tables (Apache-2.0) with the answers of
the Go library.
"""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from docker_image.digest import InvalidDigest  # type: ignore[import-untyped]
from docker_image.reference import InvalidReference as OtherInvalidReference  # type: ignore[import-untyped]
from docker_image.reference import Reference as OtherReference

from imagepull.errors import InvalidReference
from imagepull.images.reference import find_unexpanded_variable, is_bare_host, parse

VECTORS: list[dict[str, Any]] = [
    json.loads(line) for line in (Path(__file__).parents[1] / "vectors/image-references.jsonl").read_text().splitlines()
]
H = "0123456789abcdef" * 4
R = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
FORMAT = ""

# The Go library's error text -> a word of our reason. Format errors have reasons of many kinds.
REASONS = {
    "must be lowercase": "lower case",
    "must not be more than 255": "longer than 255",
    "cannot specify 64-byte": "image ID",
    "invalid checksum digest length": "wrong length",
    "unsupported digest algorithm": "unsupported digest algorithm",
}


@pytest.mark.parametrize("row", [row for row in VECTORS if "error" not in row], ids=lambda row: row["in"][:60])
def test_published_reference_parses_as_in_go(row: dict[str, Any]) -> None:
    reference = parse(row["in"])

    assert (reference.domain, reference.path) == (row["domain"], row["path"])
    assert (reference.tag or "", reference.digest or "") == (row["tag"], row["digest"])
    assert reference.canonical == row["docker_ref"]
    assert reference.repository == f"{row['domain']}/{row['path']}"
    assert reference.tag_defaulted == (not row["tag"] and not row["digest"])


@pytest.mark.parametrize("row", [row for row in VECTORS if "error" in row], ids=lambda row: row["in"][:60])
def test_published_error_is_an_error_here(row: dict[str, Any]) -> None:
    expected = next((ours for theirs, ours in REASONS.items() if theirs in row["error"]), FORMAT)

    with pytest.raises(InvalidReference) as caught:
        parse(row["in"])

    assert expected in caught.value.reason


@pytest.mark.parametrize(
    ("text", "domain", "path", "tag", "digest"),
    [
        ("nginx", "docker.io", "library/nginx", None, None),
        ("library/nginx", "docker.io", "library/nginx", None, None),
        ("index.docker.io/nginx", "docker.io", "library/nginx", None, None),
        ("registry-1.docker.io/nginx", "registry-1.docker.io", "nginx", None, None),
        ("docker.io:443/nginx", "docker.io:443", "nginx", None, None),
        ("localhost", "docker.io", "library/localhost", None, None),
        ("localhost:5000", "docker.io", "library/localhost", "5000", None),
        ("localhost:5000/x", "localhost:5000", "x", None, None),
        ("GHCR.IO/owner/app", "GHCR.IO", "owner/app", None, None),
        ("ghcr.io/owner/app:V1", "ghcr.io", "owner/app", "V1", None),
        ("A/a", "A", "a", None, None),
        ("aB/c", "aB", "c", None, None),
        ("my_registry/app", "docker.io", "my_registry/app", None, None),
        ("my-registry:5000/app", "my-registry:5000", "app", None, None),
        ("a:1/b:2", "a:1", "b", "2", None),
        ("[::1]:5000/a:t", "[::1]:5000", "a", "t", None),
        ("[2001:DB8::1]/a", "[2001:DB8::1]", "a", None, None),
        (f"nginx:latest@sha256:{H}", "docker.io", "library/nginx", "latest", f"sha256:{H}"),
        (f"nginx@sha384:{H}{H[:32]}", "docker.io", "library/nginx", None, f"sha384:{H}{H[:32]}"),
        (f"nginx@sha512:{H}{H}", "docker.io", "library/nginx", None, f"sha512:{H}{H}"),
        (f"sha256:{H}", "docker.io", "library/sha256", H, None),
        (f"{H}:tag", "docker.io", f"library/{H}", "tag", None),
        (f"library/{H}", "docker.io", f"library/{H}", None, None),
        ("a:" + "t" * 128, "docker.io", "library/a", "t" * 128, None),
        ("a:_x", "docker.io", "library/a", "_x", None),
        ("a" * 247, "docker.io", "library/" + "a" * 247, None, None),
        ("example.com/" + "a" * 255, "example.com", "a" * 255, None, None),
        ("a" * 300 + ".com/app", "a" * 300 + ".com", "app", None, None),
        (R, "docker.io", f"library/{R}", None, None),
        (f"{R}:443/app", f"{R}:443", "app", None, None),
        ("a__b", "docker.io", "library/a__b", None, None),
        ("a--b", "docker.io", "library/a--b", None, None),
        ("a.b", "docker.io", "library/a.b", None, None),
        ("a_b", "docker.io", "library/a_b", None, None),
    ],
)
def test_edge_case_parses(text: str, domain: str, path: str, tag: str | None, digest: str | None) -> None:
    reference = parse(text)

    assert (reference.domain, reference.path, reference.tag, reference.digest) == (domain, path, tag, digest)


@pytest.mark.parametrize(
    ("text", "reason", "part", "hint"),
    [
        ("", "empty", "", "repository:tag"),
        (H, "image ID", "", f"repository@sha256:{H}"),
        ("ghcr.io/Owner/app:1", "lower case", "Owner/app", "'owner/app'"),
        ("A", "lower case", "A", "'a'"),
        ("a/A", "lower case", "a/A", "'a/a'"),
        (f"nginx@SHA256:{H}", "lower case", "nginx@SHA256", "sha256"),
        ("my_registry:5000/app", "host is not valid", "my_registry:5000", "no '_'"),
        ("a.b_c/d", "host is not valid", "a.b_c", "no '_'"),
        ("2001:db8::1/a", "host is not valid", "2001:db8::1", "[brackets]"),
        ("[fe80::1%eth0]/a", "host is not valid", "[fe80::1%eth0]", "[brackets]"),
        ("[::1]", "not valid", "[", "a-z"),
        ("[]:5000/a", "host is not valid", "[]:5000", "[brackets]"),
        (f"nginx@sha256:{H.upper()}", "lower case", H.upper(), f"sha256:{H}"),
        (f"nginx@sha256:{H[:-1]}", "wrong length", H[:-1], "64 hex digits, this has 63"),
        (f"nginx@md5:{H[:32]}", "unsupported digest algorithm", "md5", "sha256"),
        (f"nginx@sha256+b64:{H}", "unsupported digest algorithm", "sha256+b64", "sha256"),
        (f"a@sha256:{H}:tag", "algorithm:hex", f"sha256:{H}:tag", "very end"),
        ("nginx@", "algorithm:hex", "", "very end"),
        ("nginx:", "tag is empty", ":", "drop the colon"),
        (f"nginx:@sha256:{H}", "tag is empty", ":", "drop the colon"),
        ("/nginx", "empty part", "/nginx", "none in front"),
        ("ghcr.io/a//b", "empty part", "a//b", "single slashes"),
        ("docker.io/", "missing", "", "docker.io/repository:tag"),
        (f"{R}/", "missing", "", f"{R}/repository:tag"),
        (":tag", "missing", "", "repository:tag"),
        ("foo.com:/bar", "port is not a number", "foo.com:", "foo.com:PORT"),
        (f"https://{R}/app", "no scheme", "https://", f"'{R}/app'"),
        ("oci://a/b", "no scheme", "oci://", "'a/b'"),
        (f"docker://nginx@sha256:{H}", "no scheme", "docker://", f"'nginx@sha256:{H}'"),
        ("user:secret@ghcr.io/app", "'@' stands in the registry", "***@ghcr.io", "pull Secret"),
        (f"app@sha256:{H}/x", "'@' stands in the registry", f"app@sha256:{H}", "digest at the end"),
        ("./nginx", "starts with a path", "./", "registry/repository"),
        ("a:" + "t" * 129, "longer than 128", "t" * 129, "shorten"),
        ("a:.x", "tag is not valid", ".x", "'x'"),
        ("a:-x", "tag is not valid", "-x", "'x'"),
        ("a:1.0+b", "tag is not valid", "1.0+b", "'1.0_b'"),
        ("a:1.0~1", "tag is not valid", "1.0~1", "'1.0_1'"),
        ("a:1,0", "tag is not valid", "1,0", "'1_0'"),
        ("registry:5000:tag/app", "host is not valid", "registry:5000:tag", "host"),
        ("app:1/2:3/x:v/w", "slash follows the tag", "3/x:v/w", "port only behind"),
        ("a/b:c/d", "slash follows the tag", "c/d", "port only behind"),
        ("a" * 248, "longer than 255", "a" * 160 + "...", "shorten"),
        ("example.com/" + "a" * 256, "longer than 255", "a" * 160 + "...", "shorten"),
        ("a___b", "not valid", "a___b", "one or two '_'"),
        ("a-_b", "not valid", "a-_b", "joined by"),
        ("a..b", "not valid", "a..b", "joined by"),
        ("a-", "not valid", "a-", "joined by"),
        ("-a", "not valid", "-a", "joined by"),
        (" nginx", "white space", "", "'nginx'"),
        ("nginx ", "white space", "", "'nginx'"),
        ("nginx\n", "white space", "", "'nginx'"),
        ("nginx:\u0661", "tag is not valid", "\u0661", "letters"),
        ("${REGISTRY}/app:1", "unexpanded variable", "${REGISTRY}", "expands no variables"),
        ("app:$(TAG)", "unexpanded variable", "$(TAG)", "expands no variables"),
        ("app:$TAG", "unexpanded variable", "$TAG", "expands no variables"),
        ("{{ .Values.image }}:1", "unexpanded variable", "{{ .Values.image }}", "expands no variables"),
    ],
)
def test_invalid_reference_says_what_where_and_what_to_write(text: str, reason: str, part: str, hint: str) -> None:
    with pytest.raises(InvalidReference) as caught:
        parse(text)

    assert reason in caught.value.reason
    assert caught.value.part == part
    assert hint in caught.value.hint
    assert caught.value.reason in str(caught.value)
    assert caught.value.hint in str(caught.value)


@pytest.mark.parametrize(
    "prefix", ["", "https://", "registry/app:://", "registry/app:a@://", "${X}://", "\u00c4://", "://"]
)
@pytest.mark.parametrize("password", ["hunter2", "$hunter2", "${hunter2", "HUNTER2hunter2", "hunter2 "])
def test_credentials_in_front_of_a_host_are_never_shown(prefix: str, password: str) -> None:
    with pytest.raises(InvalidReference) as caught:
        parse(f"{prefix}user:{password}@ghcr.io/owner/app")

    error = caught.value
    assert "hunter2" not in " ".join([str(error), repr(error), error.reference, error.part, error.hint])


@pytest.mark.parametrize(
    ("text", "familiar"),
    [
        ("docker.io/library/nginx", "nginx"),
        ("index.docker.io/library/nginx:1.27", "nginx:1.27"),
        (f"nginx:latest@sha256:{H}", f"nginx:latest@sha256:{H}"),
        ("docker.io/owner/app", "owner/app"),
        ("library/a/b", "library/a/b"),
        (f"{R}/team/app:v1", f"{R}/team/app:v1"),
    ],
)
def test_familiar_form_is_what_people_write_and_means_the_same(text: str, familiar: str) -> None:
    assert parse(text).familiar == familiar
    assert parse(parse(text).familiar) == parse(text)


def test_digest_beside_a_tag_decides_what_is_pulled() -> None:
    assert parse(f"nginx:latest@sha256:{H}").canonical == f"docker.io/library/nginx@sha256:{H}"


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        (R, True),
        (f"{R}:443", True),
        ("registry.example.com:5000", True),
        ("localhost:5000", True),
        ("nginx", False),
        ("nginx:1.27", False),
        (f"{R}/app", False),
        ("owner/app.web", False),
        ("localhost/app", False),
    ],
)
def test_registry_host_without_a_repository_is_noticed(text: str, bare: bool) -> None:
    assert is_bare_host(parse(text)) is bare


@pytest.mark.parametrize("text", ["nginx", "nginx:1.27", "a$", "100%", "{x}"])
def test_no_variable_is_seen_where_there_is_none(text: str) -> None:
    assert find_unexpanded_variable(text) is None


def test_variable_that_never_closes_is_shown_to_the_end() -> None:
    assert find_unexpanded_variable("app:${TAG") == "${TAG"


def _fuzzed(count: int) -> list[str]:
    """Pieces of real references, glued and mutated; the seed is fixed."""
    chance = random.Random(20)
    seeds = [row["in"] for row in VECTORS]
    pieces = [
        "a",
        "B",
        "0",
        ".",
        "-",
        "_",
        "__",
        "/",
        ":",
        "@",
        "[",
        "]",
        "::1",
        "sha256:",
        H,
        "localhost",
        "docker.io",
    ]
    pieces += ["index.docker.io", "library/", "é", " ", "\t", "$", "+", R, "5000"]
    texts = []
    for _ in range(count):
        text = (
            chance.choice(seeds) if chance.random() < 0.5 else "".join(chance.choices(pieces, k=chance.randint(1, 7)))
        )
        for _ in range(chance.randint(0, 2)):
            at = chance.randint(0, len(text))
            text = text[:at] + chance.choice(pieces) + text[at + chance.randint(0, 2) :]
        texts.append(text)
    return texts


def _second_opinion(text: str) -> tuple[str, str, str | None, str | None] | None:
    try:
        reference = OtherReference.parse_normalized_named(text)
    except (OtherInvalidReference, InvalidDigest):
        return None
    return reference.domain(), reference.path(), reference["tag"], reference["digest"]


def _ours(text: str) -> tuple[str, str, str | None, str | None] | None:
    try:
        reference = parse(text)
    except InvalidReference:
        return None
    return reference.domain, reference.path, reference.tag, reference.digest


def test_fuzzed_texts_are_read_as_docker_image_py_reads_them() -> None:
    texts = _fuzzed(4000)

    differing = [text for text in texts if _ours(text) != _second_opinion(text)]
    valid = sum(_ours(text) is not None for text in texts)

    assert differing == []
    assert 400 < valid < 3600, "the fuzz must reach both sides"


def test_trailing_newline_is_refused_though_docker_image_py_takes_it() -> None:
    assert _second_opinion("nginx\n") is not None
    assert _ours("nginx\n") is None


def test_image_without_any_domain_is_refused_though_go_takes_it() -> None:
    assert _ours("a.b_c/d") is None


@pytest.mark.parametrize(
    "text",
    [
        "a" * 100_000,
        "a-" * 50_000,
        "a/" * 50_000,
        "A/" + "-" * 100_000,
        "a." * 50_000 + "_/x",
        "a" + "-" * 100_000 + "_/x",
        "a:" + "t" * 100_000,
        "a@" + "a+" * 50_000,
        "a@sha256:" + "0" * 100_000,
        "${" * 50_000,
        "://" * 30_000,
        "[" + ":" * 100_000,
        " " * 100_000,
        "é" * 100_000,
    ],
    ids=lambda text: text[:12],
)
def test_hostile_text_is_refused_with_a_short_message(text: str) -> None:
    with pytest.raises(InvalidReference) as caught:
        parse(text)

    assert len(str(caught.value)) < 1000
