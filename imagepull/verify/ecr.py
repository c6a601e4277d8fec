"""An image looked up through ECR's own API: DescribeImages and BatchGetImage, which need no token.

API: botocore data/ecr/2015-09-21. The principal needs ecr:DescribeImages and ecr:BatchGetImage.
"""

from typing import TYPE_CHECKING, Any, Final

from imagepull import USER_AGENT
from imagepull.errors import CredentialError
from imagepull.images.reference import DEFAULT_TAG, ImageReference
from imagepull.registries.aws_errors import explain
from imagepull.registries.aws_session import open_client, open_session
from imagepull.registries.ecr_hosts import parse_host
from imagepull.registries.ecr_tokens import TokenRequest
from imagepull.verify.facts import ACCEPT, ImageFacts, Unverified, make_absent, read_manifest

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

__all__ = ["look_up", "make_unverified"]

_NOT_FOUND: Final = ("ImageNotFoundException", "RepositoryNotFoundException")


def look_up(reference: ImageReference, request: TokenRequest, timeout: float) -> ImageFacts | Unverified:
    """What ECR holds under the reference; `timeout` in seconds for each answer. Blocks."""
    try:
        client = _open_client(request, reference.domain, timeout)
    except CredentialError as error:
        return make_unverified(error)
    try:
        return _read_facts(client, reference)
    except Exception as error:  # not botocore's own alone: see imagepull.registries.aws_errors
        return _explain(error, reference)


def make_unverified(error: CredentialError) -> Unverified:
    """What the lack of a credential means for a look-up."""
    return Unverified(code="access-denied" if error.reached else "registry-unreachable", text=str(error))


def _open_client(request: TokenRequest, what: str, timeout: float) -> "ECRClient":
    from botocore.config import Config

    config = Config(
        connect_timeout=timeout,
        read_timeout=timeout,
        retries={"mode": "standard", "total_max_attempts": 3},
        user_agent_extra=USER_AGENT,
    )
    session = open_session(request.principal, request.region, config, what=what)
    client: ECRClient = open_client(session, "ecr", request.region, config, what=what)
    return client


def _read_facts(client: "ECRClient", reference: ImageReference) -> ImageFacts | Unverified:
    host = parse_host(reference.domain)
    image: Any = {"imageDigest": reference.digest} if reference.digest else {"imageTag": reference.tag or DEFAULT_TAG}
    where: Any = {"repositoryName": reference.path} | ({"registryId": host.account} if host and host.account else {})
    details = client.describe_images(**where, imageIds=[image])["imageDetails"]
    if not details:
        return _explain_not_found(reference)
    held = client.batch_get_image(**where, imageIds=[image], acceptedMediaTypes=list(ACCEPT))["images"]
    manifest = read_manifest(held[0].get("imageManifest", "").encode()) if held else None
    return ImageFacts(
        digest=details[0].get("imageDigest", ""),
        size=details[0].get("imageSizeInBytes") or (manifest.size if manifest else None),
        platforms=manifest.platforms if manifest else (),
    )


def _explain_not_found(reference: ImageReference) -> Unverified:
    return make_absent(reference)


def _explain(error: Exception, reference: ImageReference) -> Unverified:
    response: dict[str, Any] = getattr(error, "response", None) or {}
    if response.get("Error", {}).get("Code") in _NOT_FOUND:
        return _explain_not_found(reference)
    fault = explain(error)
    advice = "allow ecr:DescribeImages and ecr:BatchGetImage on the repository" if fault.is_denial else fault.advice
    what = reference.repository if fault.is_denial else reference.domain
    return make_unverified(
        CredentialError(
            what, fault.cause + (f" ({fault.details})" if fault.details else ""), advice, reached=fault.reached
        )
    )
