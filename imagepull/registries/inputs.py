"""The inputs of one registry: their names, meaning and limits, for every form in which they are written.

The provider's parser (`imagepull.registry_secret.spec`), the components' argument (`components.resources.Registry`),
the plugin's schema and a stack's configuration are all made of the class below. A new input is a new field here.
"""

import re
from dataclasses import dataclass
from typing import Annotated, Final, Generic, NotRequired, TypedDict, TypeVar, get_args, get_type_hints

from imagepull.inputs import ANY_TEXT, TextPattern, to_camel_case

__all__ = ["REGISTRY_INPUTS", "ROLE_ARN", "Limits", "Registry", "RegistryInput"]

Text = TypeVar("Text")


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What an input may be.

    Attributes:
        rule: what its text must look like.
        aws: it is for ECR, and makes no sense beside a username and password.
        secret: no message, log or plain state may show it.
        examples: what to write.
    """

    rule: TextPattern = ANY_TEXT
    aws: bool = False
    secret: bool = False
    examples: tuple[str, ...] = ()


# botocore data/sts/2011-06-15: AssumeRoleRequest.
_ACCOUNT = TextPattern(pattern=re.compile("[0-9]{12}"), longest=12, expected="an AWS account of 12 digits")
_REGION = TextPattern(
    pattern=re.compile("[a-z]{2,4}(?:-[a-z]+)+-[0-9]{1,2}"), longest=32, expected="an AWS region such as 'eu-west-1'"
)
ROLE_ARN = TextPattern(
    pattern=re.compile(r"arn:aws[-a-z]*:iam::[0-9]{12}:role/[\x21-\x7e]+"),
    longest=2048,
    expected="a role's ARN such as 'arn:aws:iam::123456789012:role/pull'",
)
_EXTERNAL_ID = TextPattern(pattern=re.compile(r"[\w+=,.@:/-]{2,}", re.ASCII), longest=1224, expected="an external ID")
_SESSION_NAME = TextPattern(
    pattern=re.compile(r"[\w+=,.@-]{2,}", re.ASCII), longest=64, expected="2 to 64 letters, digits or any of _+=,.@-"
)
_USERNAME = TextPattern(pattern=re.compile("[^:\x00-\x1f]+"), longest=4096, expected="a user name without ':'")
_EXAMPLE_HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"
_EXAMPLE_ROLE = "arn:aws:iam::123456789012:role/pull"


class Registry(TypedDict, Generic[Text]):
    """One registry whose images are to be pulled: private ECR, ECR Public, or any host with a username and password."""

    host: Annotated[Text, Limits(examples=(_EXAMPLE_HOST, "ghcr.io"))]
    """The registry as the image names it, without scheme and path: `123456789012.dkr.ecr.eu-west-1.amazonaws.com`,
    `public.ecr.aws`, `ghcr.io`, `docker.io`, `harbor.example.com:8443`. It becomes the key in the Secret."""
    account: NotRequired[Annotated[Text, Limits(rule=_ACCOUNT, aws=True)]]
    """AWS account (12 digits) of a private ECR registry whose host does not name it, such as a VPC endpoint's name.
    Give it together with `region`. Default: derived from the host."""
    region: NotRequired[Annotated[Text, Limits(rule=_REGION, aws=True)]]
    """AWS region of a private ECR registry whose host does not name it. Give it together with `account`.
    Default: derived from the host."""
    role_arn: NotRequired[Annotated[Text, Limits(rule=ROLE_ARN, aws=True, examples=(_EXAMPLE_ROLE,))]]
    """IAM role to assume before asking for the token. Default: the principal that the AWS SDK finds."""
    external_id: NotRequired[Annotated[Text, Limits(rule=_EXTERNAL_ID, aws=True)]]
    """External ID to assume `role_arn` with. Default: none."""
    session_name: NotRequired[Annotated[Text, Limits(rule=_SESSION_NAME, aws=True)]]
    """Session name to assume `role_arn` with, as it shows in CloudTrail. Default: `imagepull`."""
    profile: NotRequired[Annotated[Text, Limits(aws=True)]]
    """Profile in the AWS configuration files to take credentials from. Default: as the AWS SDK finds them
    (environment, profile, IRSA, Pod Identity, SSO, instance role)."""
    username: NotRequired[Annotated[Text, Limits(rule=_USERNAME)]]
    """User name, for a registry that is not ECR. Give it together with `password`."""
    password: NotRequired[Annotated[Text, Limits(secret=True)]]
    """Password or access token, for a registry that is not ECR. Always treated as a Pulumi secret."""


@dataclass(frozen=True, kw_only=True)
class RegistryInput:
    """One input: its name in Python, whether it must be there, and its limits."""

    name: str
    required: bool
    limits: Limits

    @property
    def wire_name(self) -> str:
        """Its name in the schema, the state and a stack's configuration."""
        return to_camel_case(self.name)


def _find_limits(hint: object) -> Limits:
    first, *others = get_args(hint)
    return next((each for each in others if isinstance(each, Limits)), None) or _find_limits(first)


REGISTRY_INPUTS: Final = tuple(
    RegistryInput(name=name, required=name in Registry.__required_keys__, limits=_find_limits(hint))
    for name, hint in get_type_hints(Registry, include_extras=True).items()
)
"""All of them, in the order of the class."""
