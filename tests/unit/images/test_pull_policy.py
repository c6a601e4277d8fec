"""The default pull policy is the API server's, with a reason; and what surprises people about it."""

import json
from pathlib import Path
from typing import Any

import pytest

from imagepull.errors import InvalidPullPolicy
from imagepull.images.pull_policy import PullPolicy, ResolvedPolicy, find_surprises, resolve

VECTORS: list[dict[str, Any]] = [
    json.loads(line) for line in (Path(__file__).parents[1] / "vectors/image-references.jsonl").read_text().splitlines()
]
H = "0123456789abcdef" * 4
R = "123456789012.dkr.ecr.us-east-1.amazonaws.com"


@pytest.mark.parametrize("row", VECTORS, ids=lambda row: row["in"][:60])
def test_published_reference_gets_the_default_of_kubernetes(row: dict[str, Any]) -> None:
    assert resolve(row["in"]).policy.value == row["pull_policy_default"]


@pytest.mark.parametrize(
    ("image", "policy", "reason"),
    [
        ("nginx", "Always", "no tag means latest"),
        ("nginx:latest", "Always", "tag is latest"),
        (f"nginx:latest@sha256:{H}", "Always", "tag is latest, the digest beside it does not count"),
        (f"nginx@sha256:{H}", "IfNotPresent", "digest pins the image"),
        (f"nginx:1.27@sha256:{H}", "IfNotPresent", "digest pins the image"),
        ("nginx:1.27", "IfNotPresent", "tag is 1.27, not latest"),
        ("nginx:LATEST", "IfNotPresent", "tag is LATEST, not latest"),
        ("x:latest-1", "IfNotPresent", "tag is latest-1, not latest"),
        (f"{R}/team/app", "Always", "no tag means latest"),
        ("localhost:5000", "IfNotPresent", "tag is 5000, not latest"),
        ("Nginx", "IfNotPresent", "not a valid image: the repository name must be lower case"),
        ("https://x/y", "IfNotPresent", "not a valid image: an image reference has no scheme"),
        (" ", "IfNotPresent", "not a valid image: it holds white space"),
        ("", "IfNotPresent", "not a valid image: it is empty"),
        (H, "IfNotPresent", "not a valid image: it is an image ID, not a name"),
        ("nginx:latest ", "IfNotPresent", "not a valid image: it holds white space"),
        ("a.b_c/app:latest", "Always", "not a valid image: the registry host is not valid"),
        ("a.b_c/app", "Always", "not a valid image: the registry host is not valid"),
        ("a.b_c/app:1", "IfNotPresent", "not a valid image: the registry host is not valid"),
        ("my_registry:5000/app", "IfNotPresent", "not a valid image: the registry host is not valid"),
    ],
)
def test_default_comes_with_its_reason(image: str, policy: str, reason: str) -> None:
    assert resolve(image) == ResolvedPolicy(policy=PullPolicy(policy), reason=reason)


@pytest.mark.parametrize("explicit", ["Always", "IfNotPresent", "Never"])
@pytest.mark.parametrize("image", ["nginx", "nginx:1.27", "not valid"])
def test_explicit_policy_wins_over_any_image(image: str, explicit: str) -> None:
    assert resolve(image, explicit) == ResolvedPolicy(policy=PullPolicy(explicit), reason="set explicitly")


def test_empty_policy_is_no_policy_as_in_the_api_server() -> None:
    assert resolve("nginx", "") == resolve("nginx")


@pytest.mark.parametrize("explicit", ["Sometimes", "always", "IfNotPresent ", "if-not-present"])
def test_unknown_policy_is_refused_with_the_known_ones(explicit: str) -> None:
    with pytest.raises(InvalidPullPolicy, match="Always, IfNotPresent, Never") as caught:
        resolve("nginx", explicit)

    assert repr(explicit) in str(caught.value)


@pytest.mark.parametrize(
    ("image", "policy", "codes"),
    [
        ("nginx:1.27", "Always", []),
        (f"nginx@sha256:{H}", "IfNotPresent", []),
        (f"nginx:1.27@sha256:{H}", "Always", []),
        (f"nginx:latest@sha256:{H}", "Always", ["latest-with-digest"]),
        (f"nginx:latest@sha256:{H}", "IfNotPresent", []),
        ("nginx:1.27", "IfNotPresent", ["mutable-tag"]),
        ("nginx", "IfNotPresent", ["mutable-tag"]),
        ("nginx:1.27", "Never", ["never"]),
        (R, "Always", ["bare-registry-host"]),
        (f"{R}:443", "IfNotPresent", ["bare-registry-host", "mutable-tag"]),
        ("Nginx", "Always", ["invalid-image-name"]),
    ],
)
def test_surprises_of_an_image_and_its_policy(image: str, policy: str, codes: list[str]) -> None:
    found = find_surprises(image, PullPolicy(policy), private=False)

    assert [surprise.code for surprise in found] == codes


def test_never_on_a_private_image_mentions_what_changed_in_kubernetes_1_35() -> None:
    (private,) = find_surprises(f"{R}/app:1", PullPolicy.NEVER, private=True)
    (public,) = find_surprises("nginx:1", PullPolicy.NEVER, private=False)

    assert "1.35" in private.text
    assert "1.35" not in public.text


def test_bare_host_says_what_is_really_pulled() -> None:
    (surprise,) = find_surprises(R, PullPolicy.ALWAYS, private=True)

    assert f"docker.io/library/{R}:latest" in surprise.text


def test_invalid_image_carries_the_hint_of_its_error() -> None:
    (surprise,) = find_surprises("https://ghcr.io/app", PullPolicy.ALWAYS, private=False)

    assert "write 'ghcr.io/app'" in surprise.text
