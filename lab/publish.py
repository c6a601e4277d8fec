"""Bringing images into the lab's ECR, the way a person does: STS, the ECR API, and a push with a token."""

import contextlib
import json
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lab.ecr.config import EcrConfig, RegistryConfig
from lab.errors import LabError
from lab.images import REPOSITORIES, Base, Image, Repository, write_layout
from lab.pki import write_private

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient

__all__ = ["ROLE", "publish", "publish_images", "push"]

# In the principal of the lab's own calls: tells them apart from those of others in `EcrControl.calls`.
ROLE = "lab-publisher"


def publish(config: EcrConfig, repositories: Sequence[Repository] = REPOSITORIES) -> dict[str, str]:
    """Bring the images of repositories into the ECR that runs by `config`: into its registries and into its API.

    What is there already stays, so that it may be repeated, and must be after the process was started again: the API
    forgets its repositories then.

    Returns:
        Each reference (`HOST/NAME:TAG`) with its digest.

    Raises:
        LabError: a registry of `lab.images` is not in `config`, or a push failed.
    """
    base = Base.of_this_machine()
    registries = {registry.host: registry for registry in config.registries}
    missing = sorted({repository.registry.host for repository in repositories} - registries.keys())
    if missing:
        raise LabError(f"the configuration lacks registries: {', '.join(missing)}", hint="see lab.images.REGISTRIES")
    digests: dict[str, str] = {}
    for repository in repositories:
        images = {tag: base.image(repository.reference(tag), repository.script) for tag in repository.tags}
        digests |= publish_images(registries[repository.registry.host], repository.name, images, config=config)
    return digests


def publish_images(
    registry: RegistryConfig, repository: str, images: Mapping[str, Image], *, config: EcrConfig
) -> dict[str, str]:
    """Bring images into one repository, as `publish` does.

    Args:
        registry: one of `config`.
        repository: such as `shop/web`.
        images: tag to image.
        config: by which ECR runs.

    Returns:
        Each reference (`HOST/NAME:TAG`) with its digest.

    Raises:
        LabError: a push failed.
    """
    ecr = _open_client(config, registry)
    token = ecr.get_authorization_token()["authorizationData"][0]["authorizationToken"]
    push(images, repository, port=registry.port, authorization=token)
    _register(ecr, repository, images)
    return {f"{registry.host}/{repository}:{tag}": image.manifest.digest for tag, image in images.items()}


def push(images: Mapping[str, Image], repository: str, *, port: int, authorization: str) -> None:
    """Push images, by tag, into a repository of the registry on a loopback port.

    Args:
        images: tag to image.
        repository: such as `shop/web`.
        port: where the registry is.
        authorization: an `authorizationToken` of ECR.

    Raises:
        LabError: skopeo is not installed, or failed.
    """
    registry = f"127.0.0.1:{port}"
    with tempfile.TemporaryDirectory(prefix="imagepull-push-") as name:
        folder = Path(name)
        # In a file and not in the arguments, which everybody on the machine can read.
        credentials = folder / "auth.json"
        write_private(credentials, json.dumps({"auths": {registry: {"auth": authorization}}}))
        write_layout(folder / "layout", images)
        for tag in images:
            _run(
                "skopeo",
                "copy",
                "--quiet",
                "--preserve-digests",
                "--dest-tls-verify=false",
                f"--dest-authfile={credentials}",
                f"oci:{folder / 'layout'}:{tag}",
                f"docker://{registry}/{repository}:{tag}",
            )


def _run(*command: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise LabError(f"{command[0]} is not installed", hint=f"apt-get install {command[0]}") from None
    if done.returncode != 0:
        raise LabError(f"`{' '.join(command)}` failed: {done.stderr.strip()}")


def _open_client(config: EcrConfig, registry: RegistryConfig) -> "ECRClient":
    """The ECR API as a role of the registry's own account: an account makes repositories for itself only."""
    import boto3
    from botocore.config import Config

    endpoint = f"http://127.0.0.1:{config.api_port}"
    no_proxy = Config(proxies={})
    session = boto3.session.Session("AKIALABPUBLISHER0000", "any", region_name=registry.region)
    assumed = session.client("sts", endpoint_url=endpoint, config=no_proxy).assume_role(
        RoleArn=f"arn:aws:iam::{registry.account}:role/{ROLE}", RoleSessionName="lab"
    )["Credentials"]
    return session.client(
        "ecr",
        endpoint_url=endpoint,
        config=no_proxy,
        aws_access_key_id=assumed["AccessKeyId"],
        aws_secret_access_key=assumed["SecretAccessKey"],
        aws_session_token=assumed["SessionToken"],
    )


def _register(ecr: "ECRClient", repository: str, images: Mapping[str, Image]) -> None:
    with contextlib.suppress(ecr.exceptions.RepositoryAlreadyExistsException):
        ecr.create_repository(repositoryName=repository)
    for tag, image in images.items():
        with contextlib.suppress(ecr.exceptions.ImageAlreadyExistsException):
            ecr.put_image(
                repositoryName=repository,
                imageManifest=image.manifest.data.decode(),
                imageManifestMediaType=image.manifest.media_type,
                imageTag=tag,
                imageDigest=image.manifest.digest,
            )
