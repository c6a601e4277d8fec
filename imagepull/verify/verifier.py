"""Which images to look up, where and with what credential; and what the answers mean."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import httpx2

from imagepull.errors import CredentialError, InvalidReference
from imagepull.images.reference import ImageReference, parse
from imagepull.pull_plan.explicit import ResolvedImage
from imagepull.pull_plan.findings import Finding, Severity, sort_worst_first
from imagepull.registries.docker_config import make_auths_key
from imagepull.registries.ecr_hosts import parse_host
from imagepull.registries.ecr_tokens import Principal, TokenRequest, TokenSource
from imagepull.registries.keyring import match
from imagepull.registry_secret.spec import RegistrySource
from imagepull.verify import ecr, oci
from imagepull.verify.facts import NO_IMAGE, ImageFacts, Unverified

__all__ = ["Settings", "Verifier", "verify"]

_MEBIBYTE: Final = 1024 * 1024


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What to demand of an image.

    Attributes:
        severity: of an image that is not there, lacks a platform or is too large. What could not be looked up is a
            warning, whatever this says.
        platforms: such as `linux/amd64`: of the nodes. Default: any.
        largest: bytes to pull, compressed. Default: any.
        timeout: seconds that a registry may take to connect, and for each piece of an answer.
        time_limit: seconds for the look-up of one image as a whole, however the registry spends them.
        at_once: the most look-ups under way.
        base_urls: registry host to where it is, for those that are not at HTTPS at their host.
    """

    severity: Severity = Severity.WARNING
    platforms: tuple[str, ...] = ()
    largest: int | None = None
    timeout: float = 10
    time_limit: float = 60
    at_once: int = 8
    base_urls: Mapping[str, str] = field(default_factory=dict)


def verify(images: Sequence[ResolvedImage], registries: Sequence[RegistrySource], settings: Settings) -> list[Finding]:
    """Look all images up and return what is wrong, the worst first. Blocks; see `Verifier.findings`."""
    return asyncio.run(Verifier(registries, settings).list_findings(images))


class Verifier:
    """Looks images up, each reference once in its life.

    Args:
        registries: With their credentials, as configured. A private ECR host that is not among them is asked as the
            principal that the AWS SDK finds, any other registry anonymously.
        settings: What to demand.
    """

    def __init__(self, registries: Sequence[RegistrySource], settings: Settings) -> None:
        self._registries = {make_auths_key(registry.host): registry for registry in registries}
        self._settings = settings
        self._tokens = TokenSource()
        self._places = asyncio.Semaphore(settings.at_once)
        self._asked: dict[str, asyncio.Task[ImageFacts | Unverified]] = {}

    async def list_findings(self, images: Iterable[ResolvedImage]) -> list[Finding]:
        """What is wrong with the images, the worst first; invalid references are the plan's to report."""
        parsed = [(image, reference) for image in images if (reference := _parse_or_none(image.image)) is not None]
        timeout = httpx2.Timeout(self._settings.timeout)
        async with httpx2.AsyncClient(timeout=timeout) as client:
            answers = await asyncio.gather(*(self._look_up_once(client, reference) for _, reference in parsed))
        return sort_worst_first(
            Finding(severity=severity, code=code, image=image, text=text)
            for (image, _), answer in zip(parsed, answers, strict=True)
            for severity, code, text in self._judge(answer)
        )

    async def _look_up_once(self, client: httpx2.AsyncClient, reference: ImageReference) -> ImageFacts | Unverified:
        asked = self._asked.get(reference.canonical)
        if asked is None:
            asked = self._asked[reference.canonical] = asyncio.create_task(self._look_up(client, reference))
        return await asked

    async def _look_up(self, client: httpx2.AsyncClient, reference: ImageReference) -> ImageFacts | Unverified:
        async with self._places:
            try:
                async with asyncio.timeout(self._settings.time_limit):
                    return await self._ask(client, reference)
            except TimeoutError:
                text = f"{reference.domain} does not answer within {self._settings.time_limit:.0f} s"
                return Unverified(code="registry-unreachable", text=text)

    async def _ask(self, client: httpx2.AsyncClient, reference: ImageReference) -> ImageFacts | Unverified:
        keys = match(self._registries, reference.canonical)
        registry = self._registries[keys[0]] if keys else None
        host = parse_host(reference.domain)
        request = registry.token if registry else None
        if request is None and host and not host.public and not (registry and registry.fixed):
            request = TokenRequest(principal=Principal(), region=host.region, public=False)
        if request and not request.public:
            held = await asyncio.to_thread(ecr.look_up, reference, request, self._settings.timeout)
            if isinstance(held, Unverified) or held.platforms or not self._settings.platforms:
                return held
            # ECR's API has no platform of an image that is no index; its registry does.
        credential = registry.fixed if registry else None
        if request:
            try:
                credential = (await self._tokens.get(request)).credential
            except CredentialError as error:
                return ecr.make_unverified(error)
        return await oci.look_up(client, reference, credential, self._settings.base_urls.get(reference.domain))

    def _judge(self, answer: ImageFacts | Unverified) -> Iterator[tuple[Severity, str, str]]:
        severity, settings = self._settings.severity, self._settings
        if isinstance(answer, Unverified):
            yield severity if answer.code in NO_IMAGE else Severity.WARNING, answer.code, answer.text
            return
        missing = [each for each in settings.platforms if not _runs_on(answer.platforms, each)]
        if missing and answer.platforms:
            text = f"the image is for {_join_platforms(answer.platforms)}, not for {', '.join(missing)}"
            yield severity, "wrong-platform", text
        if settings.largest is not None and answer.size is not None and answer.size > settings.largest:
            most = settings.largest // _MEBIBYTE
            yield severity, "image-too-large", f"the image has {answer.size // _MEBIBYTE} MiB, over the {most} allowed"


def _join_platforms(platforms: Sequence[str], most: int = 8) -> str:
    more = f" and {len(platforms) - most} more" if len(platforms) > most else ""
    return ", ".join(platforms[:most]) + more


def _runs_on(platforms: Sequence[str], wanted: str) -> bool:
    """`linux/arm64` is met by `linux/arm64/v8`, too."""
    return any(each == wanted or each.startswith(f"{wanted}/") for each in platforms)


def _parse_or_none(image: str) -> ImageReference | None:
    try:
        return parse(image)
    except InvalidReference:
        return None
