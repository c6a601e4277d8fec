"""A RegistrySecret's inputs: every problem at once, each with its path; and what a change of them means."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from imagepull.differences import Difference
from imagepull.errors import InvalidInput
from imagepull.inputs import UNKNOWN
from imagepull.registries.docker_config import Credential
from imagepull.registries.ecr_tokens import Principal, TokenRequest
from imagepull.registries.lifetimes import Lifetime
from imagepull.registry_secret import spec as registry_secret
from imagepull.registry_secret.spec import RegistrySource, Renewal

ECR = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
GOOD: dict[str, Any] = {"name": "pull", "namespaces": ["a", "b"], "registries": [{"host": ECR}]}


def problems(inputs: Mapping[str, object]) -> dict[str, str]:
    try:
        registry_secret.parse(inputs)
    except InvalidInput as error:
        return {problem.path: problem.reason for problem in error.problems}
    return {}


def with_registry(**registry: object) -> dict[str, object]:
    return {**GOOD, "registries": [registry]}


def test_defaults_are_filled_in() -> None:
    spec = registry_secret.parse(GOOD)
    assert (spec.name, spec.namespaces) == ("pull", ("a", "b"))
    assert (spec.renewal, spec.adopt) == (Renewal.PULUMI, False)


@pytest.mark.parametrize(
    ("registry", "request_"),
    [
        ({"host": ECR}, TokenRequest(principal=Principal(), region="eu-west-1", public=False)),
        (
            {"host": "123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn"},
            TokenRequest(principal=Principal(), region="cn-north-1", public=False),
        ),
        ({"host": "public.ecr.aws"}, TokenRequest(principal=Principal(), region="us-east-1", public=True)),
        (
            {"host": "vpce-1.example.com", "account": "123456789012", "region": "us-gov-west-1"},
            TokenRequest(principal=Principal(), region="us-gov-west-1", public=False),
        ),
        (
            {
                "host": ECR,
                "roleArn": "arn:aws:iam::210987654321:role/pull",
                "externalId": "x1",
                "sessionName": "ci",
                "profile": "p",
            },
            TokenRequest(
                principal=Principal(
                    profile="p", role_arn="arn:aws:iam::210987654321:role/pull", external_id="x1", session_name="ci"
                ),
                region="eu-west-1",
                public=False,
            ),
        ),
    ],
)
def test_ecr_is_known_by_its_host_or_by_account_and_region(registry: dict[str, object], request_: TokenRequest) -> None:
    assert registry_secret.parse(with_registry(**registry)).registries == (
        RegistrySource(host=str(registry["host"]), token=request_),
    )


def test_other_registries_have_a_username_and_password() -> None:
    fixed = Credential(username="u", password="p")
    assert registry_secret.parse(with_registry(host="ghcr.io", username="u", password="p")).registries == (
        RegistrySource(host="ghcr.io", fixed=fixed),
    )


def test_several_registries_stay_in_their_order() -> None:
    registries = [{"host": "quay.io", "username": "u", "password": "p"}, {"host": ECR}]
    spec = registry_secret.parse({**GOOD, "registries": registries})
    assert [registry.host for registry in spec.registries] == ["quay.io", ECR]


def test_a_registry_whose_account_and_region_are_not_known_yet_is_left_out() -> None:
    for known in ({}, {"account": "123456789012"}, {"region": "eu-west-1"}):
        registry = {"host": "vpce-1.example.com", "account": UNKNOWN, "region": UNKNOWN, **known}
        assert registry_secret.parse(with_registry(**registry)).registries == ()


def test_a_registry_whose_password_is_not_known_yet_is_known_by_its_host() -> None:
    spec = registry_secret.parse(with_registry(host="ghcr.io", username="u", password=UNKNOWN))
    assert spec.registries == (RegistrySource(host="ghcr.io"),)


def test_a_list_of_registries_is_parsed_on_its_own() -> None:
    (found,) = registry_secret.parse_registries([{"host": ECR}])
    assert (found.host, found.token) == (ECR, TokenRequest(principal=Principal(), region="eu-west-1", public=False))
    for wrong, path in (([{"host": ECR}, {"host": "ghcr.io"}], "registries[1].host"), ([], "registries")):
        with pytest.raises(InvalidInput) as caught:
            registry_secret.parse_registries(wrong)
        assert [problem.path for problem in caught.value.problems] == [path]


@pytest.mark.parametrize(
    ("registries", "hosts", "tokens"),
    [
        ([{"host": ECR}], [ECR], True),
        ([{"host": "ghcr.io", "username": "u", "password": "p"}], ["ghcr.io"], False),
        ([{"host": "ghcr.io", "username": "u", "password": UNKNOWN}, {"host": ECR}], ["ghcr.io", ECR], True),
        ([{"host": "ghcr.io", "password": UNKNOWN}], ["ghcr.io"], False),
        ([{"host": UNKNOWN}, UNKNOWN], [UNKNOWN], True),
        (UNKNOWN, [], True),
    ],
)
def test_a_preview_knows_hosts_and_whether_anything_expires(
    registries: object, hosts: list[object], tokens: bool
) -> None:
    inputs = {**GOOD, "registries": registries}
    assert registry_secret.list_hosts(inputs) == hosts
    assert registry_secret.holds_tokens(inputs) is tokens


@pytest.mark.parametrize(
    ("inputs", "path", "says"),
    [
        ({}, "name", "is missing"),
        ({}, "namespaces", "at least one"),
        ({}, "registries", "at least one"),
        ({**GOOD, "name": "Pull"}, "name", "'Pull'; write an object's name"),
        ({**GOOD, "name": 5.0}, "name", "5.0"),
        ({**GOOD, "namespaces": []}, "namespaces", "at least one"),
        ({**GOOD, "namespaces": "a"}, "namespaces", "write a list"),
        ({**GOOD, "namespaces": ["a", "B_"]}, "namespaces[1]", "'B_'"),
        ({**GOOD, "namespaces": ["a", None]}, "namespaces[1]", "of another kind"),
        ({**GOOD, "registries": ["ghcr.io"]}, "registries[0]", "write a mapping"),
        ({**GOOD, "refreshBefore": "soon"}, "refreshBefore", "'6h'"),
        ({**GOOD, "refreshBefore": 6.0}, "refreshBefore", "'6h'"),
        ({**GOOD, "renewal": "cron"}, "renewal", "one of pulumi, cronJob, externalSecrets, external"),
        ({**GOOD, "adopt": "yes"}, "adopt", "true or false"),
        ({**GOOD, "labels": {"a b": "c"}}, 'labels["a b"]', "is no key"),
        ({**GOOD, "labels": {"a": "b c"}}, 'labels["a"]', "label's value"),
        ({**GOOD, "labels": {"imagepull/owner": "x"}}, 'labels["imagepull/owner"]', "imagepull itself"),
        ({**GOOD, "annotations": {"imagepull/hosts": "x"}}, 'annotations["imagepull/hosts"]', "imagepull itself"),
        ({**GOOD, "namespace": "a"}, "namespace", "is namespaces meant?"),
        (with_registry(), "registries[0].host", "is missing"),
        (with_registry(host=""), "registries[0].host", "empty"),
        (with_registry(host="https://ghcr.io/v2"), "registries[0].host", "'ghcr.io'"),
        (with_registry(host="ghcr.io"), "registries[0].host", "give username and password"),
        (with_registry(host="1.dkr.ecr.eu-west-1.amazonaws.com"), "registries[0].host", "only looks like ECR"),
        (with_registry(host=f"{ECR}.fake.example.com"), "registries[0].host", "only looks like ECR"),
        (with_registry(host="ghcr.io", username="u"), "registries[0].password", "beside username"),
        (with_registry(host="ghcr.io", password="p"), "registries[0].username", "beside password"),
        (with_registry(host="ghcr.io", username="a:b", password="p"), "registries[0].username", "without ':'"),
        (with_registry(host="ghcr.io", username="u", password=""), "registries[0].password", "secret text"),
        (
            with_registry(host="ghcr.io", username="u", password="a\ud800"),
            "registries[0].password",
            "cannot be used: the password is not valid Unicode",
        ),
        (with_registry(host="ecr.example.com"), "registries[0].host", "which is not ECR"),
        (with_registry(host="dkr.example.com"), "registries[0].host", "which is not ECR"),
        (
            with_registry(host="ghcr.io", username="u", password="p", region="eu-west-1"),
            "registries[0].region",
            "for ECR",
        ),
        (with_registry(host=ECR, username="AWS", password="p"), "registries[0].username", "private ECR"),
        (with_registry(host=ECR, account="1"), "registries[0].account", "12 digits"),
        (with_registry(host=ECR, account="999999999999"), "registries[0].account", "the host says 123456789012"),
        (with_registry(host=ECR, region="us-east-1"), "registries[0].region", "the host says eu-west-1"),
        (with_registry(host="e.example.com", region="us-east-1"), "registries[0].account", "needs both"),
        (with_registry(host=ECR, roleArn="pull"), "registries[0].roleArn", "arn:aws:iam"),
        (with_registry(host=ECR, externalId="xyz"), "registries[0].externalId", "give roleArn"),
        (with_registry(host=ECR, role_arn="x"), "registries[0].role_arn", "is roleArn meant?"),
    ],
)
def test_each_wrong_input_is_named_with_what_to_write(inputs: dict[str, object], path: str, says: str) -> None:
    found = problems(inputs)
    assert says in found.get(path, f"no problem at {path}, but at {list(found)}")


def test_all_problems_are_told_at_once() -> None:
    found = problems({"name": "", "namespaces": ["_"], "registries": [{"host": "ghcr.io"}, {"host": ""}], "adopt": 1.0})
    assert sorted(found) == ["adopt", "name", "namespaces[0]", "registries[0].host", "registries[1].host"]


def test_two_spellings_of_one_registry_are_one_too_many() -> None:
    fixed = {"username": "u", "password": "p"}
    inputs = {**GOOD, "registries": [{"host": "docker.io", **fixed}, {"host": "index.docker.io", **fixed}]}
    assert "registries[0].host" in problems(inputs)["registries[1].host"]


@pytest.mark.parametrize("password", [["hunter2"], {"a": "hunter2"}, 7777777.0])
def test_a_wrong_password_is_never_shown(password: object) -> None:
    found = problems(with_registry(host="ghcr.io", username="u", password=password))
    assert "hunter2" not in str(found)
    assert "7777777" not in str(found)
    assert "registries[0].password" in found


def test_a_spec_shows_no_password() -> None:
    spec = registry_secret.parse(with_registry(host="ghcr.io", username="u", password="hunter2"))
    assert "hunter2" not in repr(spec)


@pytest.mark.parametrize(
    "inputs",
    [
        {**GOOD, "namespaces": UNKNOWN},
        {**GOOD, "namespaces": ["a", UNKNOWN]},
        {**GOOD, "name": UNKNOWN, "adopt": UNKNOWN, "renewal": UNKNOWN, "labels": UNKNOWN},
        {**GOOD, "registries": UNKNOWN},
        {**GOOD, "registries": [UNKNOWN, {"host": ECR}]},
        with_registry(host=UNKNOWN),
        with_registry(host="ghcr.io", username="u", password=UNKNOWN),
        with_registry(host=ECR, roleArn=UNKNOWN, externalId="xyz"),
        with_registry(host="e.example.com", account=UNKNOWN, region="eu-west-1"),
    ],
)
def test_values_that_are_not_known_yet_are_no_problem(inputs: dict[str, object]) -> None:
    assert problems(inputs) == {}


NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def lifetimes(hours_left: float) -> dict[str, Lifetime]:
    expires = NOW + timedelta(hours=hours_left)
    return {ECR: Lifetime(issued=expires - timedelta(hours=12), expires=expires)}


def test_nothing_changes_while_the_tokens_live() -> None:
    diff = registry_secret.diff(GOOD, GOOD, lifetimes(6.1), NOW)
    assert (diff.differences, diff.renewal) == ({}, None)


def test_a_renewal_is_due_in_the_second_half_of_a_life() -> None:
    diff = registry_secret.diff(GOOD, GOOD, lifetimes(5), NOW)
    assert diff.differences == {}
    assert diff.renewal is not None
    assert (diff.renewal.host, diff.renewal.seconds_left) == (ECR, 5 * 3600)


def test_an_external_renewal_is_never_due() -> None:
    external = {**GOOD, "renewal": "external"}
    assert registry_secret.diff(external, external, lifetimes(-1), NOW).renewal is None
    more = registry_secret.diff(external, {**external, "namespaces": ["a", "b", "c"]}, {}, NOW)
    assert more.differences == {"namespaces[2]": Difference.ADD}


def test_refresh_before_says_when() -> None:
    late = {**GOOD, "refreshBefore": "1h"}
    assert registry_secret.diff(late, late, lifetimes(2), NOW).renewal is None
    assert registry_secret.diff(late, late, lifetimes(1), NOW).renewal is not None


def test_another_name_is_another_secret() -> None:
    diff = registry_secret.diff(GOOD, {**GOOD, "name": "other"}, lifetimes(9), NOW)
    assert diff.replaces
    assert diff.differences == {"name": Difference.UPDATE}


def test_one_more_namespace_is_one_difference() -> None:
    diff = registry_secret.diff(GOOD, {**GOOD, "namespaces": ["new", "a", "b"]}, lifetimes(9), NOW)
    assert not diff.replaces
    assert diff.differences == {"namespaces[0]": Difference.ADD}


def test_a_token_of_which_nobody_knows_how_long_it_lives_is_due() -> None:
    assert registry_secret.diff(GOOD, GOOD, {}, NOW).unknown == ECR
    assert registry_secret.diff(GOOD, GOOD, lifetimes(24), NOW).unknown is None
    for longer_than_a_day in (24.01, 70_000):
        assert registry_secret.diff(GOOD, GOOD, lifetimes(longer_than_a_day), NOW).unknown == ECR
    external = {**GOOD, "renewal": "external"}
    assert registry_secret.diff(external, external, {}, NOW).unknown is None


def test_a_registry_that_is_added_is_a_difference_and_not_a_renewal() -> None:
    more = {**GOOD, "registries": [{"host": ECR}, {"host": "123456789012.dkr.ecr.us-east-1.amazonaws.com"}]}
    diff = registry_secret.diff(GOOD, more, lifetimes(9), NOW)
    assert (list(diff.differences), diff.unknown) == (["registries[1]"], None)


def test_another_order_is_no_difference() -> None:
    fixed = {"host": "ghcr.io", "username": "u", "password": "p"}
    old = {**GOOD, "registries": [{"host": ECR}, fixed], "namespaces": ["a", "b"]}
    new = {**GOOD, "registries": [fixed, {"host": ECR}], "namespaces": ["b", "a"]}
    assert registry_secret.diff(old, new, lifetimes(9), NOW).differences == {}


def test_our_own_labels_cannot_be_asked_for() -> None:
    for key in ("app.kubernetes.io/managed-by", "imagepull/identity"):
        assert "imagepull itself" in problems({**GOOD, "labels": {key: "x"}})[f'labels["{key}"]']
    assert problems({**GOOD, "labels": {"app.kubernetes.io/managed-by-team": "x"}}) == {}
