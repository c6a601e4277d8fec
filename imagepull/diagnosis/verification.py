"""`--verify`: what the registries themselves say of the images that fail. Read-only and bounded.

A private ECR registry is asked through its API as the AWS principal of this machine; any other registry with the
credential of the Pod's own Secret, or without any. What cannot be asked changes no answer.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Final

import httpx2

from imagepull import USER_AGENT
from imagepull.causes.table import Confidence
from imagepull.diagnosis.answers import Answer, Diagnosis
from imagepull.diagnosis.near import find_nearest_names
from imagepull.errors import CredentialError, InvalidReference
from imagepull.images.reference import DEFAULT_TAG, ImageReference, parse
from imagepull.registries.aws_session import open_client, open_session
from imagepull.registries.docker_config import Credential
from imagepull.registries.ecr_hosts import EcrHost, parse_host
from imagepull.registries.ecr_tokens import Principal
from imagepull.registries.keyring import match
from imagepull.verify import ImageFacts, Unverified, oci

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

__all__ = ["RegistryFinding", "verify_answers"]

_ASKED: Final = frozenset(
    {
        "image-absent",
        "repository-absent",
        "private-or-absent",
        "missing-registry-host",
        "no-pull-secret",
        "not-authorized",
    }
    | {"wrong-platform", "invalid-image-name", "cached-other-credential", "forbidden", "credential-refused"}
)
"""Codes about which a registry can say more."""
_ABSENT: Final = frozenset({"image-absent", "repository-absent", "private-or-absent", "not-authorized"})
_NOT_THERE: Final = frozenset({"image-absent", "repository-absent"})
_TIMEOUT: Final = 10.0
_AT_ONCE: Final = 8
_MOST_IMAGES: Final = 100
_MOST_NAMES: Final = 1000
"""Tags or repositories that are read to find the nearest."""
_NOT_FOUND: Final = {"ImageNotFoundException": "tag-absent", "RepositoryNotFoundException": "repository-absent"}

Credentials = Mapping[str, Mapping[str, Credential]]
"""By namespace and key, of the Secrets that Pods list."""


@dataclass(frozen=True, kw_only=True)
class RegistryFinding:
    """What a registry said: `code` is `there`, `tag-absent`, `repository-absent`, or empty for no answer.

    Attributes:
        names: tags or repositories that are there, the nearest first.
        text: for the evidence.
        anonymous: the registry was asked without a credential.
    """

    code: str
    text: str
    names: tuple[str, ...] = ()
    anonymous: bool = False


def verify_answers(answers: Sequence[Diagnosis], credentials: Credentials) -> list[Diagnosis]:
    """The answers, surer where a registry could say more. Blocks."""
    return asyncio.run(_verify(answers, credentials))


async def _verify(answers: Sequence[Diagnosis], credentials: Credentials) -> list[Diagnosis]:
    wanted = list(dict.fromkeys((each.namespace, each.image) for each in answers if each.code in _ASKED))
    places = asyncio.Semaphore(_AT_ONCE)

    async def ask(namespace: str, image: str) -> RegistryFinding:
        async with places:
            return await _ask(client, image, credentials.get(namespace, {}))

    async with httpx2.AsyncClient(timeout=_TIMEOUT) as client:
        found = await asyncio.gather(*(ask(*each) for each in wanted[:_MOST_IMAGES]))
    by_image = dict(zip(wanted, found, strict=False))
    return [_add_finding(each, by_image.get((each.namespace, each.image))) for each in answers]


async def _ask(client: httpx2.AsyncClient, image: str, credentials: Mapping[str, Credential]) -> RegistryFinding:
    try:
        reference = parse(image)
    except InvalidReference:
        return RegistryFinding(code="", text="")
    host = parse_host(reference.domain)
    if host is not None and not host.public:
        return await asyncio.to_thread(_ask_ecr, reference, host)
    keys = match(credentials, image)
    credential = credentials[keys[0]] if keys else None
    try:
        async with asyncio.timeout(3 * _TIMEOUT):
            answer = await oci.look_up(client, reference, credential)
            absent = isinstance(answer, Unverified) and answer.code == "image-absent" and bool(keys)
            tags = await oci.list_tags(client, reference, credential) if absent else ()
    except TimeoutError:
        return RegistryFinding(code="", text=f"{reference.domain} did not answer in time")
    if isinstance(answer, ImageFacts):
        return RegistryFinding(code="there", text=_describe_found(reference, answer), anonymous=credential is None)
    if not absent:
        return RegistryFinding(code="", text=answer.text)
    if tags is None:
        text = f"asked now, {reference.domain} has no repository {reference.path}"
        return RegistryFinding(code="repository-absent", text=text)
    code = "digest-absent" if reference.digest else "tag-absent"
    return RegistryFinding(code=code, text=answer.text, names=find_nearest_names(reference.tag or DEFAULT_TAG, tags))


def _describe_found(reference: ImageReference, facts: ImageFacts) -> str:
    platforms = f" for {', '.join(facts.platforms)}" if facts.platforms else ""
    return f"asked now, {reference.domain} has {reference.canonical}{platforms} ({facts.digest})"


def _ask_ecr(reference: ImageReference, host: EcrHost) -> RegistryFinding:
    try:
        client = _open_ecr_client(reference, host)
    except CredentialError as error:
        return RegistryFinding(code="", text=str(error))
    where: Any = {"registryId": host.account}
    image: Any = {"imageDigest": reference.digest} if reference.digest else {"imageTag": reference.tag or DEFAULT_TAG}
    try:
        details = client.describe_images(**where, repositoryName=reference.path, imageIds=[image])["imageDetails"]
    except Exception as error:  # botocore's classes are made at run time
        return _find_what_is_there(client, reference, where, _read_error_code(error))
    digest = details[0].get("imageDigest", "") if details else ""
    return RegistryFinding(code="there", text=f"asked now, ECR has {reference.canonical} ({digest})")


def _find_what_is_there(client: "ECRClient", reference: ImageReference, where: Any, code: str) -> RegistryFinding:
    """What is there instead, as far as it may be listed."""
    absent = _NOT_FOUND.get(code, "")
    if not absent:
        return RegistryFinding(code="", text=f"ECR does not say ({code})")
    try:
        if absent == "repository-absent":
            listed = client.describe_repositories(**where, maxResults=_MOST_NAMES)["repositories"]
            names = find_nearest_names(reference.path, [each.get("repositoryName", "") for each in listed])
            return RegistryFinding(code=absent, text=f"asked now, ECR has no repository {reference.path}", names=names)
        images = client.describe_images(**where, repositoryName=reference.path, maxResults=_MOST_NAMES)["imageDetails"]
        tags = [tag for each in images for tag in each.get("imageTags", [])]
        names = find_nearest_names(reference.tag or DEFAULT_TAG, tags)
    except Exception as error:
        silence = f"what is there it does not say ({_read_error_code(error)})"
        return RegistryFinding(code=absent, text=f"asked now, ECR has no {reference.canonical}; {silence}")
    return RegistryFinding(
        code="digest-absent" if reference.digest else absent,
        text=f"asked now, ECR has no {reference.canonical}",
        names=names,
    )


def _open_ecr_client(reference: ImageReference, host: EcrHost) -> "ECRClient":
    from botocore.config import Config

    retries: Any = {"mode": "standard", "total_max_attempts": 2}
    config = Config(connect_timeout=_TIMEOUT, read_timeout=_TIMEOUT, retries=retries, user_agent_extra=USER_AGENT)
    session = open_session(Principal(), host.region, config, what=reference.domain)
    client: ECRClient = open_client(session, "ecr", host.region, config, what=reference.domain)
    return client


def _read_error_code(error: Exception) -> str:
    response: Mapping[str, Any] = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code") or type(error).__name__)


def _add_finding(answer: Diagnosis, found: RegistryFinding | None) -> Diagnosis:
    if found is None or not found.text:
        return answer
    told = replace(answer, evidence=(*answer.evidence, found.text))
    if found.code == "there" and answer.code in _NOT_THERE:
        return _change_code(told, "image-there-now", Confidence.LIKELY)
    if found.code == "there" and answer.code == "private-or-absent" and not found.anonymous:
        return _change_code(told, "no-pull-secret", Confidence.CERTAIN)
    if found.code in ("", "there") or answer.code not in _ABSENT:
        return told
    return _change_code(told, found.code, Confidence.CERTAIN, found.names)


def _change_code(answer: Diagnosis, code: str, confidence: Confidence, names: Iterable[str] = ()) -> Diagnosis:
    """The same finding under the code that the registry's answer proves, or makes likely."""
    reference = parse(answer.image)
    there = ", ".join(names)
    common = {
        "repository": reference.repository,
        "host": reference.domain,
        "path": reference.path,
        "tag": f"digest {reference.digest}" if reference.digest else f"tag {reference.tag or DEFAULT_TAG}",
        "tags": f" (there are: {there})" if there else "",
        "account": "of the Pod",
        "namespace": answer.namespace,
        "usable": "",
        "node_credentials": "",
        "restart": f"kubectl -n {answer.namespace} delete pod {answer.pod}",
    }
    proven = Answer(code=code, confidence=confidence, evidence=answer.evidence)
    return Diagnosis.of(
        proven,
        case=answer.case,
        namespace=answer.namespace,
        pod=answer.pod,
        container=answer.container,
        image=answer.image,
        common=common,
    )
