"""Hostile inputs: whatever comes is a problem with a path, never an exception."""

import random
import string
from collections.abc import Callable, Mapping, Sequence

import pytest

from imagepull.errors import InvalidInput, Problem
from imagepull.inputs import LABEL_VALUE, METADATA_KEY, NAMESPACE, OBJECT_NAME, UNKNOWN, TextPattern, holds_unknown
from imagepull.registry_secret import spec as registry_secret
from imagepull.service_accounts import spec as service_accounts

_TEXTS = (
    "", "a", "\x00", "a\n", "💥", "../..", "a/b/c", "{{x}}", "${x}", "*", "default", "ghcr.io", "[::1]:5000",
    "https://x", "123456789012.dkr.ecr.eu-west-1.amazonaws.com", "9" * 5000, "a" * 300, "1h", "pulumi", "-" * 70,
)  # fmt: skip
_KEYS = (
    *registry_secret.INPUTS,
    *service_accounts.INPUTS,
    "host",
    "username",
    "password",
    "roleArn",
    "region",
    "account",
)


def noise(random_: random.Random, depth: int = 0) -> object:
    """Any value that can come over the wire."""
    kind = random_.randrange(9 if depth < 4 else 6)
    if kind < 3:
        return random_.choice(_TEXTS)
    if kind == 3:
        return "".join(random_.choice(string.printable) for _ in range(random_.randrange(20)))
    if kind == 4:
        return random_.choice([None, True, False, 0.0, -1.5, float("inf"), float("nan")])
    if kind == 5:
        return UNKNOWN
    if kind == 6:
        return [noise(random_, depth + 1) for _ in range(random_.randrange(4))]
    keys = [random_.choice((*_KEYS, *_TEXTS)) for _ in range(random_.randrange(5))]
    return {key: noise(random_, depth + 1) for key in keys}


def problems(parse: Callable[[Mapping[str, object]], object], inputs: Mapping[str, object]) -> Sequence[Problem]:
    try:
        parse(inputs)
    except InvalidInput as error:
        return error.problems
    return ()


@pytest.mark.parametrize("seed", range(20))
def test_noise_is_a_problem_or_right_but_never_a_crash(seed: int) -> None:
    random_ = random.Random(seed)
    for _ in range(150):
        inputs = {key: noise(random_) for key in _KEYS if random_.random() < 0.6}
        inputs["registries"] = [noise(random_, 1), {"host": noise(random_), "password": noise(random_)}]
        for parse in (registry_secret.parse, service_accounts.parse):
            assert all(problem.path and problem.reason for problem in problems(parse, inputs))


@pytest.mark.parametrize(
    ("rule", "text", "admitted"),
    [
        (NAMESPACE, "a" * 63, True),
        (NAMESPACE, "a" * 64, False),
        (NAMESPACE, "a.b", False),
        (NAMESPACE, "a\n", False),
        (OBJECT_NAME, "a.b-c", True),
        (OBJECT_NAME, "a..b", False),
        (OBJECT_NAME, ".".join(["a" * 62] * 4) + ".ab", False),
        (LABEL_VALUE, "", True),
        (LABEL_VALUE, "A_b.c-1", True),
        (LABEL_VALUE, "-a", False),
        (METADATA_KEY, "team", True),
        (METADATA_KEY, "example.com/Team_1", True),
        (METADATA_KEY, "Example.com/team", False),
        (METADATA_KEY, "a/b/c", False),
        (METADATA_KEY, "/a", False),
        (METADATA_KEY, "x/" + "a" * 64, False),
        (METADATA_KEY, "", False),
    ],
)
def test_names_are_those_of_kubernetes(rule: TextPattern, text: str, admitted: bool) -> None:
    assert rule.admits(text) is admitted


@pytest.mark.parametrize("value", [UNKNOWN, [UNKNOWN], {"a": [{"b": UNKNOWN}]}])
def test_unknown_is_found_wherever_it_is(value: object) -> None:
    assert holds_unknown(value)
    assert not holds_unknown(["a", {"b": None}])


def test_text_that_is_no_unicode_is_a_problem() -> None:
    (found,) = problems(service_accounts.parse, {"secretNames": ["\ud800"], "namespaces": ["a"]})
    assert (found.path, found.reason.isascii()) == ("secretNames[0]", True)
