"""The credentials in the Secrets that failing Pods list, for `--verify`; they stay in memory and are never printed."""

import argparse
import asyncio
import base64
import binascii
from collections.abc import Iterable, Mapping

from imagepull.cli import cluster_arguments
from imagepull.diagnosis.fields import read_mapping, read_text
from imagepull.diagnosis.objects import Case
from imagepull.errors import Forbidden, InvalidDockerConfig
from imagepull.kubernetes.client import for_each
from imagepull.kubernetes.kinds import KINDS
from imagepull.registries.docker_config import Credential, parse
from imagepull.registry_secret.existing import DATA_KEY

__all__ = ["read_credentials"]


def read_credentials(given: argparse.Namespace, cases: Iterable[Case]) -> Mapping[str, Mapping[str, Credential]]:
    """By namespace and key; what may not be read or does not parse is left out. Raises ClusterError."""
    wanted = sorted({(case.pod.namespace, name) for case in cases for name in case.pod.pull_secrets})
    return asyncio.run(_read(given, wanted))


async def _read(given: argparse.Namespace, wanted: list[tuple[str, str]]) -> dict[str, dict[str, Credential]]:
    cluster, _ = cluster_arguments.connect(given)
    found: dict[str, dict[str, Credential]] = {}

    async def ask(place: tuple[str, str]) -> None:
        namespace, name = place
        try:
            secret = await cluster.get(KINDS["Secret"], name, namespace)
            held = read_text(read_mapping(secret.document, "data"), DATA_KEY) if secret is not None else ""
            auths = parse(base64.b64decode(held)).auths if held else {}
        except (Forbidden, InvalidDockerConfig, binascii.Error):
            return
        found.setdefault(namespace, {}).update(auths)

    try:
        await for_each(wanted, ask)
    finally:
        await cluster.close()
    return found
