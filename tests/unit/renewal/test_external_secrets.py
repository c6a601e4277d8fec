"""`imagepull.renewal.external_secrets`: the manifests as a golden file, and what the operator cannot do."""

import base64
import json
import re

import pytest

from imagepull.errors import InvalidInput
from imagepull.kubernetes.ownership import IDENTITY_LABEL, Owner
from imagepull.registries import docker_config
from imagepull.registries.docker_config import Credential
from imagepull.registry_secret import spec as registry_secret
from imagepull.registry_secret.spec import RegistrySource
from imagepull.renewal import external_secrets
from imagepull.renewal.settings import ExternalSecretsSettings, parse_external_secrets
from tests.golden import as_json, assert_golden

EU = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
OTHER_EU = "210987654321.dkr.ecr.eu-west-1.amazonaws.com"
THIRD_EU = "333333333333.dkr.ecr.eu-west-1.amazonaws.com"
US = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
ROLE = "arn:aws:iam::123456789012:role/pull"


def registries(*given: dict[str, str]) -> tuple[RegistrySource, ...]:
    return registry_secret.parse({"name": "any", "registries": list(given)}, required=False).registries


def test_manifests_are_the_golden_ones() -> None:
    settings = ExternalSecretsSettings(namespace_labels={"team": "x"}, service_account="operator")
    given = registries({"host": EU}, {"host": OTHER_EU}, {"host": US, "roleArn": ROLE}, {"host": "public.ecr.aws"})
    marks = external_secrets.copy_marks(Owner(title="shop/prod/access", identity="ab12"), [EU], {"a": "b"}, {})
    made = external_secrets.make_objects(settings, "registry-access", given, ["shop", "tools"], marks)
    assert_golden("renewal-external-secrets.json", as_json(vars(made)))


def test_one_generator_for_each_principal_and_region() -> None:
    given = registries(
        {"host": EU}, {"host": OTHER_EU}, {"host": US}, {"host": EU.replace("1234", "9234"), "roleArn": ROLE}
    )
    made = external_secrets.make_objects(ExternalSecretsSettings(), "pull", given, ["a"], {})
    assert [(each["spec"]["region"], each["spec"].get("role")) for each in made.generators] == [
        ("eu-west-1", None),
        ("us-east-1", None),
        ("eu-west-1", ROLE),
    ]


def render(template: str, values: dict[str, str]) -> str:
    """What the operator's template engine makes of the few expressions that we use."""

    def evaluate(found: re.Match[str]) -> str:
        names = re.findall(r"\.(\w+)", found[1])
        if "b64enc" in found[1]:
            return json.dumps(base64.b64encode(":".join(values[name] for name in names).encode()).decode())
        return json.dumps(values[names[0]])

    return re.sub(r"\{\{(.+?)\}\}", evaluate, template)


def test_the_content_is_byte_for_byte_that_of_our_own_secrets() -> None:
    hosts = [US, OTHER_EU, "public.ecr.aws", EU]
    made = external_secrets.make_objects(
        ExternalSecretsSettings(), "pull", registries(*({"host": host} for host in hosts)), ["a"], {}
    )
    numbers = {US: 0, OTHER_EU: 1, "public.ecr.aws": 2, EU: 1}
    values = {f"token{n}_{field}": f"{field}-{n}" for n in range(3) for field in ("username", "password")}
    expected = docker_config.encode(
        {host: Credential(username=f"username-{n}", password=f"password-{n}") for host, n in numbers.items()}
    )

    template = made.source["spec"]["target"]["template"]["data"][".dockerconfigjson"]

    assert render(template, values).encode() == expected


def test_copies_carry_the_identity_and_outlive_their_external_secret() -> None:
    marks = external_secrets.copy_marks(Owner(title="t", identity="ab12"), [EU], {}, {})
    copies = external_secrets.make_objects(
        ExternalSecretsSettings(), "pull", registries({"host": EU}), ["a"], marks
    ).copies
    target = copies["spec"]["externalSecretSpec"]["target"]
    assert target["creationPolicy"] == "Orphan"
    assert target["template"]["metadata"]["labels"][IDENTITY_LABEL] == "ab12"


@pytest.mark.parametrize(
    ("registry", "path"),
    [
        ({"host": "ghcr.io", "username": "a", "password": "b"}, "registries[0]"),
        ({"host": EU, "profile": "dev"}, "registries[0].profile"),
        ({"host": EU, "roleArn": ROLE, "externalId": "x1"}, "registries[0].externalId"),
    ],
)
def test_what_the_operator_cannot_open_is_named(registry: dict[str, str], path: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        external_secrets.check_registries(registries(registry))
    assert [problem.path for problem in caught.value.problems] == [path]


@pytest.mark.parametrize(("text", "written"), [("4h", "4h0m0s"), ("15m", "15m0s"), ("90s", "1m30s"), ("45s", "45s")])
def test_durations_are_spelled_as_the_operator_spells_them(text: str, written: str) -> None:
    settings = ExternalSecretsSettings(source_interval=text)
    made = external_secrets.make_objects(settings, "pull", registries({"host": EU}), ["a"], {})
    assert made.source["spec"]["refreshInterval"] == written


def test_wrong_settings_are_named() -> None:
    wrong = {"sourceInterval": "often", "server": "http://x", "namespace": "A", "selector": "x"}
    with pytest.raises(InvalidInput) as caught:
        parse_external_secrets(wrong, "external_secrets")
    assert len(caught.value.problems) == 4
