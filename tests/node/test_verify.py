"""Looking images up in the lab: its registries, with a token that ECR issued, and its ECR API."""

import asyncio

import httpx2
import pytest

from imagepull.images.reference import parse
from imagepull.registries.docker_config import Credential
from imagepull.registries.ecr_tokens import Principal, TokenRequest, ask_aws
from imagepull.registry_secret.spec import RegistrySource
from imagepull.verify import ImageFacts, Settings, Verifier, ecr, oci, verify
from lab.lifecycle import Lab
from tests.resolved_images import row

HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
REQUEST = TokenRequest(principal=Principal(), region="us-east-1", public=False)


@pytest.fixture(autouse=True)
def aws(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in lab.env.items():
        if name.startswith("AWS_"):
            monkeypatch.setenv(name, value)


def settings(lab: Lab, *platforms: str) -> Settings:
    base_url = f"http://127.0.0.1:{lab.layout.ports.registries[HOST]}"
    return Settings(base_urls={HOST: base_url}, platforms=platforms)


def codes(registries: list[RegistrySource], wanted: Settings, *images: str) -> list[str]:
    return [finding.code for finding in verify([row(f"{HOST}/{image}") for image in images], registries, wanted)]


def test_registry_tells_what_is_there_with_the_right_token_only(lab: Lab) -> None:
    token = RegistrySource(host=HOST, fixed=ask_aws(REQUEST).credential)
    wrong = RegistrySource(host=HOST, fixed=Credential(username="AWS", password="expired"))
    assert codes([token], settings(lab), "shop/web:1.0", "shop/web:9.9", "shop/none:1") == ["image-absent"] * 2
    assert codes([wrong], settings(lab), "shop/web:1.0") == ["access-denied"]
    assert codes([token], settings(lab, "windows/amd64"), "shop/web:1.0") == ["wrong-platform"]


def test_ecr_api_and_registry_agree_about_an_image(lab: Lab) -> None:
    reference = parse(f"{HOST}/shop/web:1.0")
    by_api = ecr.look_up(reference, REQUEST, 5)

    async def by_registry() -> object:
        async with httpx2.AsyncClient() as client:
            base_url = settings(lab).base_urls[HOST]
            return await oci.look_up(client, reference, ask_aws(REQUEST).credential, base_url)

    pulled = asyncio.run(by_registry())
    assert isinstance(by_api, ImageFacts)
    assert isinstance(pulled, ImageFacts)
    assert by_api.digest == pulled.digest
    assert pulled.size
    assert len(pulled.platforms) == 1


def test_private_ecr_is_asked_by_its_api_without_any_configured_registry(lab: Lab) -> None:
    found = asyncio.run(
        Verifier([], Settings()).list_findings([row(f"{HOST}/shop/web:1.0"), row(f"{HOST}/shop/web:9.9")])
    )
    assert [(finding.code, finding.image.image) for finding in found] == [("image-absent", f"{HOST}/shop/web:9.9")]


def test_platform_of_an_image_in_ecr_is_asked_of_its_registry(lab: Lab) -> None:
    assert codes([], settings(lab, "windows/amd64"), "shop/web:1.0") == ["wrong-platform"]
    assert codes([], settings(lab, "linux/amd64", "linux/arm64"), "shop/web:1.0") == ["wrong-platform"]


def test_ecr_that_cannot_be_reached_is_told_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_ECR", "http://127.0.0.1:9")
    (finding,) = verify([row(f"{HOST}/shop/web:1.0")], [], Settings(timeout=1))
    assert finding.code == "registry-unreachable"
    assert "\n" not in finding.text
