"""An image looked up through ECR's own API: DescribeImages and BatchGetImage, which need no token.

API: botocore data/ecr/2015-09-21. The principal needs ecr:DescribeImages and ecr:BatchGetImage.
"""

from typing import TYPE_CHECKING, Any

from imagepull import USER_AGENT
from imagepull.images.reference import DEFAULT_TAG, ImageReference
from imagepull.registries import ecr_tokens
from imagepull.registries.ecr_hosts import parse_host
from imagepull.registries.ecr_tokens import TokenRequest
from imagepull.verify.facts import ACCEPT, ImageFacts, Unverified, read_manifest

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

__all__ = ["look_up"]

_NOT_FOUND = ("ImageNotFoundException", "RepositoryNotFoundException")
_DENIED = ("AccessDeniedException", "UnrecognizedClientException", "ExpiredTokenException", "InvalidSignatureException")


def look_up(reference: ImageReference, request: TokenRequest, timeout: float) -> ImageFacts | Unverified:
    """What ECR holds under the reference; `timeout` in seconds for each answer. Blocks."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return _facts(_client(request, timeout), reference)
    except ClientError as error:
        return _explained(str(error.response.get("Error", {}).get("Code", "")), reference)
    except BotoCoreError as error:
        text = f"{reference.domain} cannot be asked: {type(error).__name__}"
        return Unverified(code="registry-unreachable", text=text)


def _client(request: TokenRequest, timeout: float) -> "ECRClient":
    import boto3
    from botocore.config import Config

    config = Config(
        connect_timeout=timeout,
        read_timeout=timeout,
        retries={"mode": "standard", "total_max_attempts": 3},
        user_agent_extra=USER_AGENT,
    )
    session = ecr_tokens.session_of(boto3.Session(profile_name=request.principal.profile), request, config)
    return session.client("ecr", region_name=request.region, config=config)


def _facts(client: "ECRClient", reference: ImageReference) -> ImageFacts | Unverified:
    host = parse_host(reference.domain)
    image: Any = {"imageDigest": reference.digest} if reference.digest else {"imageTag": reference.tag or DEFAULT_TAG}
    where: Any = {"repositoryName": reference.path} | ({"registryId": host.account} if host and host.account else {})
    details = client.describe_images(**where, imageIds=[image])["imageDetails"]
    if not details:
        return _explained(_NOT_FOUND[0], reference)
    held = client.batch_get_image(**where, imageIds=[image], acceptedMediaTypes=list(ACCEPT))["images"]
    manifest = read_manifest(held[0].get("imageManifest", "").encode()) if held else None
    return ImageFacts(
        digest=details[0].get("imageDigest", ""),
        size=details[0].get("imageSizeInBytes") or (manifest.size if manifest else None),
        platforms=manifest.platforms if manifest else (),
    )


def _explained(code: str, reference: ImageReference) -> Unverified:
    if code in _NOT_FOUND:
        return Unverified(code="image-not-found", text=f"{reference.canonical} is not in ECR")
    if code in _DENIED:
        return Unverified(code="access-denied", text=f"AWS does not let us look into {reference.repository} ({code})")
    return Unverified(code="registry-unreachable", text=f"{reference.domain} cannot be asked: {code}")
