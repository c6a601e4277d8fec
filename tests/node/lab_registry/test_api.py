"""The API: tokens as AWS SDKs ask for them, of each account, region and principal."""

import base64
import http.client
import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from lab.images import REGISTRIES, REPOSITORIES, SHOP, TOOLS, Registry

if TYPE_CHECKING:
    from mypy_boto3_ecr_public import ECRPublicClient

from tests.node.lab_registry.ecr import Ecr


def test_the_sdk_finds_it_by_the_environment(ecr: Ecr, monkeypatch: pytest.MonkeyPatch) -> None:
    for service in ("ECR", "STS"):
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", f"http://127.0.0.1:{ecr.config.api_port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "fake")
    session = boto3.session.Session(region_name="us-east-1")

    assert session.client("sts").get_caller_identity()["Account"] == SHOP.account
    assert session.client("ecr").get_authorization_token()["authorizationData"][0]["proxyEndpoint"]


def test_a_token_expires_in_twelve_hours(ecr: Ecr) -> None:
    before = datetime.now(UTC)

    data = ecr.ecr().get_authorization_token()["authorizationData"]

    assert len(data) == 1
    assert before < data[0]["expiresAt"] - timedelta(hours=11, minutes=59)
    assert data[0]["expiresAt"] <= datetime.now(UTC) + timedelta(hours=12)
    assert data[0]["proxyEndpoint"] == f"https://{SHOP.host}"
    assert base64.b64decode(data[0]["authorizationToken"]).startswith(b"AWS:")


def test_a_role_has_the_endpoint_of_its_own_account(ecr: Ecr) -> None:
    assumed = ecr.ecr_as_role(TOOLS.account, TOOLS.region)

    assert assumed.get_authorization_token()["authorizationData"][0]["proxyEndpoint"] == f"https://{TOOLS.host}"
    assert ecr.control.calls()[-1].principal == f"arn:aws:sts::{TOOLS.account}:assumed-role/puller/test"


def test_registry_ids_are_answered_each(ecr: Ecr) -> None:
    data = ecr.ecr().get_authorization_token(registryIds=[SHOP.account, TOOLS.account])["authorizationData"]

    assert [one["proxyEndpoint"].removeprefix("https://")[:12] for one in data] == [SHOP.account, TOOLS.account]


def test_ecr_public_answers_with_one_object(ecr: Ecr) -> None:
    public: ECRPublicClient = ecr.client("ecr-public")

    data = public.get_authorization_token()["authorizationData"]

    assert data["expiresAt"] > datetime.now(UTC)
    assert ecr.ask("GET", "/v2/", token=data["authorizationToken"])[0].status == 400


def test_ecr_public_is_in_two_regions_only(ecr: Ecr) -> None:
    public: ECRPublicClient = ecr.client("ecr-public", "eu-west-1")

    with pytest.raises(ClientError, match="UnsupportedCommandException"):
        public.get_authorization_token()


def test_a_call_without_a_signature_is_refused(ecr: Ecr) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", ecr.config.api_port)
    target = "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"
    connection.request("POST", "/", "{}", {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"})
    answer = connection.getresponse()

    assert answer.status == 400
    assert json.loads(answer.read())["__type"] == "MissingAuthenticationTokenException"
    connection.close()


def test_the_api_knows_tags_and_digests_of_each_account(ecr: Ecr, digests: dict[str, str]) -> None:
    for registry in REGISTRIES:
        reader = ecr.ecr_as_role(registry.account, registry.region)

        told = {
            f"{registry.host}/{repository['repositoryName']}:{tag}": image["imageDigest"]
            for repository in reader.describe_repositories()["repositories"]
            for image in reader.describe_images(repositoryName=repository["repositoryName"])["imageDetails"]
            for tag in image["imageTags"]
        }

        assert told == {name: digest for name, digest in digests.items() if name.startswith(registry.host)}


@pytest.mark.parametrize("registry", REGISTRIES, ids=lambda registry: registry.account)
def test_another_accounts_registry_is_read_by_its_id(ecr: Ecr, digests: dict[str, str], registry: Registry) -> None:
    caller = ecr.ecr(registry.region)

    for repository in (one for one in REPOSITORIES if one.registry == registry):
        for tag in repository.tags:
            asked: Any = {
                "registryId": registry.account,
                "repositoryName": repository.name,
                "imageIds": [{"imageTag": tag}],
            }
            (details,) = caller.describe_images(**asked)["imageDetails"]
            (image,) = caller.batch_get_image(**asked)["images"]

            assert details["imageDigest"] == image["imageId"]["imageDigest"] == digests[repository.reference(tag)]
