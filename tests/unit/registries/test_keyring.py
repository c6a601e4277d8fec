"""Which keys open an image: the published rows of the kubelet's keyring, and the rows measured beside them.

Rows: kubernetes/kubernetes v1.36.3 `pkg/credentialprovider/keyring_test.go` (Apache-2.0).
"""

import pytest

from imagepull.errors import InvalidReference
from imagepull.registries.keyring import match, match_repository, parse_key

H = "0123456789abcdef" * 4
R = "123456789012.dkr.ecr.us-east-1.amazonaws.com"


@pytest.mark.parametrize(
    ("glob", "target", "matches"),
    [
        ("*.kubernetes.io", "prefix.kubernetes.io", True),
        ("prefix.*.io", "prefix.kubernetes.io", True),
        ("prefix.kubernetes.*", "prefix.kubernetes.io", True),
        ("*-good.kubernetes.io", "prefix-good.kubernetes.io", True),
        ("*.kubernetes.io/blah", "prefix.kubernetes.io/blah", True),
        ("prefix.*.io/foo", "prefix.kubernetes.io/foo/bar", True),
        ("*.kubernetes.io:1111/blah", "prefix.kubernetes.io:1111/blah", True),
        ("prefix.*.io:1111/foo", "prefix.kubernetes.io:1111/foo/bar", True),
        ("*.kubernetes.io", "kubernetes.io", False),
        ("*.*.kubernetes.io", "prefix.kubernetes.io", False),
        ("*.*.kubernetes.io", "kubernetes.io", False),
        ("*kubernetes.io", "a.kubernetes.io", False),
        ("*kubernetes.io", "kubernetes.io", True),
        ("*.*.*.kubernetes.io", "a.b.c.kubernetes.io", True),
        ("kubernetes.io", "kubernetes.com", False),
        ("k*.io", "quay.io", False),
        ("*.kubernetes.io:1234/blah", "prefix.kubernetes.io:1111/blah", False),
        ("prefix.*.io/foo", "prefix.kubernetes.io:1111/foo/bar", False),
    ],
)
def test_published_urls_match(glob: str, target: str, matches: bool) -> None:
    assert match_repository([glob], target) == ([glob] if matches else [])


@pytest.mark.parametrize(
    ("glob", "target"),
    [
        ("https://hello.kubernetes.io", "hello.kubernetes.io"),
        ("https://*.docker.io", "prefix.docker.io"),
        ("https://prefix.*.io", "prefix.docker.io"),
        ("https://prefix.docker.*", "prefix.docker.io"),
        ("https://*.docker.io/path", "prefix.docker.io/path"),
        ("https://prefix.*.io/path", "prefix.docker.io/path/subpath"),
        ("https://prefix.docker.*/path", "prefix.docker.io/path"),
        ("https://*.docker.io:8888", "prefix.docker.io:8888"),
        ("https://prefix.*.io:8888", "prefix.docker.io:8888"),
        ("https://prefix.docker.*:8888", "prefix.docker.io:8888"),
        ("https://*.docker.io/path:1111", "prefix.docker.io/path:1111"),
        ("https://*.docker.io/v1/", "prefix.docker.io/path:1111"),
        ("https://*.docker.io/v2/", "prefix.docker.io/path:1111"),
        ("https://prefix.docker.*/path:1111", "prefix.docker.io/path:1111"),
        ("prefix.docker.io:1111", "prefix.docker.io:1111/path"),
        ("*.docker.io:1111", "prefix.docker.io:1111/path"),
    ],
)
def test_published_glob_opens_a_repository(glob: str, target: str) -> None:
    assert match_repository([glob], f"{target}/foo/bar") == [glob]


@pytest.mark.parametrize(
    ("glob", "repository"),
    [
        ("https://hello.kubernetes.io", "world.mesos.org/foo/bar"),
        ("https://*.docker.com", "prefix.docker.io"),
        ("https://suffix.*.io", "prefix.docker.io"),
        ("https://prefix.docker.c*", "prefix.docker.io"),
        ("https://prefix.*.io/path:1111", "prefix.docker.io/path/subpath:1111"),
        ("suffix.*.io", "prefix.docker.io"),
        ("https://index.docker.io/v1/", "world.mesos.org"),
    ],
)
def test_published_miss(glob: str, repository: str) -> None:
    assert match_repository([glob], f"{repository}/foo/bar") == []


@pytest.mark.parametrize(
    ("repository", "is_hub"),
    [
        ("foo/bar", True),
        ("docker.io/foo/bar", True),
        ("index.docker.io/foo/bar", True),
        ("foo", True),
        ("", False),
        ("registry.tld/foo/bar", False),
        ("registry:5000/foo/bar", False),
        ("myhostdocker.io/foo/bar", False),
    ],
)
def test_published_default_registry(repository: str, is_hub: bool) -> None:
    assert bool(match_repository(["https://index.docker.io/v1/"], repository)) is is_hub


@pytest.mark.parametrize(
    ("repository", "keys"),
    [
        ("bar.example.com", ["bar.example.com"]),
        ("bar.example.com/pong", ["bar.example.com/pong", "bar.example.com"]),
        ("bar.example.com/ping", ["bar.example.com"]),
        ("bar.example.com/pongz", ["bar.example.com/pong", "bar.example.com"]),
        ("bar.example.com/pong/pang", ["bar.example.com/pong", "bar.example.com"]),
        ("example.com", []),
        ("foo.example.com", []),
    ],
)
def test_published_lookup_tries_the_longer_path_first(repository: str, keys: list[str]) -> None:
    assert match_repository(["bar.example.com", "bar.example.com/pong"], repository) == keys


@pytest.mark.parametrize("repository", ["quay.io", "quay.io/foo", "quay.io/foo/bar"])
def test_published_key_with_scheme_and_version_is_the_host(repository: str) -> None:
    assert match_repository(["https://quay.io/v1/"], repository) == ["https://quay.io/v1/"]


@pytest.mark.parametrize(
    "key",
    [
        R,
        f"https://{R}",
        f"https://{R}/",
        f"{R}/",
        f"http://{R}",
        f"https://{R}/v1/",
        f"https://{R}/v2/",
        f"user:name@{R}",
        f"{R}?x=1",
        f"{R}#x",
        f"{R}:",
        "*.dkr.ecr.us-east-1.amazonaws.com",
        "*.dkr.ecr.*.amazonaws.com",
        "1234*.dkr.ecr.us-east-1.amazonaws.com",
        "1*9*2.dkr.ecr.us-east-1.amazonaws.com",
        f"{R}/team",
        f"{R}/te",
        f"{R}/%74eam",
    ],
)
def test_key_opens_the_ecr_image(key: str) -> None:
    assert match([key], f"{R}/team/app:v1") == [key]


@pytest.mark.parametrize(
    "key",
    [
        f"{R}/v2",
        f"HTTPS://{R}",
        f"oci://{R}",
        R.upper(),
        f" {R}",
        f"{R}\n",
        f"{R}:443",
        f"{R}:port",
        f"{R}:443:443",
        f"{R}/team/app/",
        f"{R}/Team",
        f"{R}/*",
        f"{R}/%zz",
        f"us er@{R}",
        "*.amazonaws.com",
        "*",
        "",
        "https://",
        "1*9*1*2*2.dkr.ecr.us-east-1.amazonaws.com",
        "123456789012*789012.dkr.ecr.us-east-1.amazonaws.com",
    ],
)
def test_key_does_not_open_the_ecr_image(key: str) -> None:
    assert match([key], f"{R}/team/app:v1") == []


@pytest.mark.parametrize(
    "key", ["docker.io", "https://docker.io/v1/", "https://index.docker.io/v1/", "index.docker.io"]
)
@pytest.mark.parametrize("image", ["nginx", "owner/app:1", "docker.io/library/nginx", f"index.docker.io/a@sha256:{H}"])
def test_key_opens_docker_hub(key: str, image: str) -> None:
    assert match([key], image) == [key]


@pytest.mark.parametrize("key", ["https://index.docker.io/v1", "registry-1.docker.io", "*.docker.io", "hub.docker.com"])
def test_key_does_not_open_docker_hub(key: str) -> None:
    assert match([key], "nginx") == []


def test_docker_hub_falls_back_only_when_nothing_matched() -> None:
    assert match(["https://index.docker.io/v1/", "docker.io"], "nginx") == ["docker.io"]


@pytest.mark.parametrize(
    ("key", "image", "opens"),
    [
        ("[2001:db8::1]:5000", "[2001:db8::1]:5000/app", True),
        ("[2001:db8::1]", "[2001:db8::1]/app", False),
        ("*", "[2001:db8::1]/app", True),
        ("[2001:db8::1", "[2001:db8::1]/app", False),
        ("*]:", "[2001:db8::1]/app", False),
        ("[abc]:5000", "[abc]:5000/app", False),
        ("a[b]", "ab/app", False),
        (f"{R}:443", f"{R}:443/app", True),
        (R, f"{R}:443/app", False),
        ("localhost", "localhost/app", True),
        ("localhost:*", "localhost:5000/app", False),
        ("GHCR.IO", "GHCR.IO/owner/app", True),
        ("ghcr.io", "GHCR.IO/owner/app", False),
    ],
)
def test_port_brackets_and_case_are_compared_as_text(key: str, image: str, opens: bool) -> None:
    assert match([key], image) == ([key] if opens else [])


def test_order_is_path_first_then_host_and_patterns_last() -> None:
    keys = ["*.dkr.ecr.us-east-1.amazonaws.com", R, f"{R}/team/app", f"{R}/team", "ghcr.io"]

    assert match(keys, f"{R}/team/app") == [
        f"{R}/team/app",
        f"{R}/team",
        R,
        "*.dkr.ecr.us-east-1.amazonaws.com",
    ]


def test_same_host_in_several_secrets_keeps_the_order_of_the_secrets() -> None:
    first, second = {f"https://{R}/v1/": 1, "ghcr.io": 2}, {R: 3, f"{R}/": 4}

    assert match([*first, *second], f"{R}/app") == [f"https://{R}/v1/", R, f"{R}/"]
    assert match([*second, *first], f"{R}/app") == [R, f"{R}/", f"https://{R}/v1/"]
    assert match([R, R], f"{R}/app") == [R, R]


def test_unreadable_key_leaves_the_others_alone() -> None:
    assert match([f"{R}:port", "%zz", R], f"{R}/app") == [R]


def test_index_of_an_unreadable_key_is_none() -> None:
    assert parse_key(f"{R}:port") is None
    assert parse_key(f"https://{R}/v1/team/") == f"{R}/team/"


def test_image_that_is_no_reference_is_an_error() -> None:
    with pytest.raises(InvalidReference):
        match([R], f"https://{R}/app")


def test_hostile_pattern_is_refused() -> None:
    key = "*a" * 50_000 + "b.io"

    assert match_repository([key], "a" * 100_000 + ".io/app") == []
