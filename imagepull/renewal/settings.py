"""Settings of the ways of renewal that have some, parsed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final
from zoneinfo import available_timezones

from imagepull.errors import InvalidReference
from imagepull.images import reference
from imagepull.inputs import ANY_TEXT, LABEL_VALUE, NAMESPACE, OBJECT_NAME, Reader, TextPattern
from imagepull.registries.inputs import ROLE_ARN
from imagepull.registries.lifetimes import DURATION
from imagepull.renewal import schedule
from imagepull.renewal.schedule import SCHEDULE

__all__ = [
    "CRON_JOB_INPUTS",
    "EXTERNAL_SECRETS_INPUTS",
    "NODE_INPUTS",
    "CronJobSettings",
    "ExternalSecretsSettings",
    "NodeSettings",
    "Scope",
    "parse_cron_job",
    "parse_external_secrets",
    "parse_node",
]

CRON_JOB_INPUTS: Final = (
    "image",
    "namespace",
    "schedule",
    "timeZone",
    "scope",
    "roleArn",
    "credentialsSecret",
    "imagePullSecrets",
    "env",
)
EXTERNAL_SECRETS_INPUTS: Final = (
    "namespace",
    "namespaceLabels",
    "serviceAccount",
    "sourceInterval",
    "copyInterval",
    "server",
)
NODE_INPUTS: Final = ("roleArn",)
_SERVER: Final = TextPattern(
    pattern=re.compile(r"https://[^\s/]+/?"),
    longest=300,
    expected="the API server's address such as 'https://10.0.0.1:6443'",
)
_TIME_ZONE: Final = TextPattern(
    pattern=re.compile(r"[A-Za-z_]+(?:/[A-Za-z0-9_+-]+)*"), longest=64, expected="a time zone such as 'Europe/Berlin'"
)


class Scope(StrEnum):
    """Where the renewer's right to patch the Secret comes from."""

    NAMESPACES = "namespaces"
    CLUSTER = "cluster"


@dataclass(frozen=True, kw_only=True)
class CronJobSettings:
    """How the renewer runs in the cluster; None stands for imagepull's own choice.

    Attributes:
        namespace: Where it runs; None for a namespace of its own, which is made.
        role_arn: IAM role that the ServiceAccount's token is exchanged for (IRSA).
        credentials_secret: Secret in its namespace with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.
    """

    image: str | None = None
    namespace: str | None = None
    schedule: str | None = None
    time_zone: str = "Etc/UTC"
    scope: Scope = Scope.NAMESPACES
    role_arn: str | None = None
    credentials_secret: str | None = None
    image_pull_secrets: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ExternalSecretsSettings:
    """How External Secrets Operator renews; None stands for imagepull's own choice.

    Attributes:
        namespace: Where the source is; None for a namespace of its own, which is made.
        namespace_labels: Namespaces with all of these labels get a copy, besides the program's own.
        service_account: ServiceAccount there whose token the operator exchanges for an IAM role (IRSA).
        source_interval, copy_interval: How often the operator fetches, and compares the copies.
        server: Address of the API server, for an operator outside the cluster.
    """

    namespace: str | None = None
    namespace_labels: Mapping[str, str] = field(default_factory=dict)
    service_account: str | None = None
    source_interval: str = "4h"
    copy_interval: str = "15m"
    server: str | None = None


@dataclass(frozen=True, kw_only=True)
class NodeSettings:
    """How the node opens images.

    Attributes:
        role_arn: IAM role that annotated ServiceAccounts pull with; None: the node's own role, for all Pods.
    """

    role_arn: str | None = None


def parse_external_secrets(values: Mapping[str, object], path: str = "") -> ExternalSecretsSettings:
    """The settings, from names in camel case.

    Args:
        path: Where they stand, for the problems: `externalSecrets`.

    Raises:
        InvalidInput: with every problem and its path.
    """
    reader = Reader(values=values, path=path)
    reader.refuse_others(EXTERNAL_SECRETS_INPUTS)
    settings = ExternalSecretsSettings(
        namespace=reader.read_text("namespace", NAMESPACE),
        namespace_labels=reader.read_mapping("namespaceLabels", LABEL_VALUE),
        service_account=reader.read_text("serviceAccount", OBJECT_NAME),
        source_interval=reader.read_text("sourceInterval", DURATION) or ExternalSecretsSettings.source_interval,
        copy_interval=reader.read_text("copyInterval", DURATION) or ExternalSecretsSettings.copy_interval,
        server=reader.read_text("server", _SERVER),
    )
    reader.raise_problems()
    return settings


def parse_node(values: Mapping[str, object], path: str = "") -> NodeSettings:
    """The settings, from names in camel case.

    Args:
        path: Where they stand, for the problems: `node`.

    Raises:
        InvalidInput: with every problem and its path.
    """
    reader = Reader(values=values, path=path)
    reader.refuse_others(NODE_INPUTS)
    settings = NodeSettings(role_arn=reader.read_text("roleArn", ROLE_ARN))
    reader.raise_problems()
    return settings


def parse_cron_job(values: Mapping[str, object], path: str = "") -> CronJobSettings:
    """The settings, from names in camel case.

    Args:
        path: Where they stand, for the problems: `cronJob`.

    Raises:
        InvalidInput: with every problem and its path.
    """
    reader = Reader(values=values, path=path)
    reader.refuse_others(CRON_JOB_INPUTS)
    for key in ("roleArn", "credentialsSecret"):
        if reader.has("roleArn") and reader.has("credentialsSecret"):
            reader.add_problem(key, "is a second way to reach AWS; give roleArn or credentialsSecret, not both")
    settings = CronJobSettings(
        image=_read_image(reader),
        namespace=reader.read_text("namespace", NAMESPACE),
        schedule=_read_schedule(reader),
        time_zone=_read_time_zone(reader),
        scope=Scope(reader.read_choice("scope", [each.value for each in Scope], Scope.NAMESPACES.value)),
        role_arn=reader.read_text("roleArn", ROLE_ARN),
        credentials_secret=reader.read_text("credentialsSecret", OBJECT_NAME),
        image_pull_secrets=reader.read_texts("imagePullSecrets", OBJECT_NAME),
        env=reader.read_mapping("env", ANY_TEXT),
    )
    reader.raise_problems()
    return settings


def _read_image(reader: Reader) -> str | None:
    image = reader.read_text("image")
    if image is not None:
        try:
            reference.parse(image)
        except InvalidReference as error:
            reader.add_problem("image", f"is no image reference: {error}")
    return image


def _read_schedule(reader: Reader) -> str | None:
    text = reader.read_text("schedule", SCHEDULE)
    if text is None:
        return None
    found = schedule.parse(text)
    if isinstance(found, str):
        reader.add_problem("schedule", f"{found}; write {SCHEDULE.expected}")
    elif found.find_next_start(datetime.now(UTC)) is None:
        reader.add_problem("schedule", f"never starts; write {SCHEDULE.expected}")
    return text


def _read_time_zone(reader: Reader) -> str:
    name = reader.read_text("timeZone", _TIME_ZONE)
    if name is None:
        return CronJobSettings.time_zone
    known = available_timezones()  # none on a machine without a time zone database
    if known and name not in known:
        reader.add_problem("timeZone", f"is {name}, which is in no time zone database; write {_TIME_ZONE.expected}")
    return name
