"""ECR registry hosts: what account, region and partition a host name stands for.

Forms: kubernetes/cloud-provider-aws `cmd/ecr-credential-provider/main.go` and awslabs/amazon-ecr-credential-helper
`ecr-login/api/client.go`; partitions: botocore `data/partitions.json`. Stricter than both where their expression takes
names that do not exist: a suffix of one partition with a region of another, dual-stack names with an IPv4 suffix.
"""

import re
from dataclasses import dataclass

__all__ = ["EcrHost", "find_partition_of_region", "parse_host"]


@dataclass(frozen=True, kw_only=True)
class EcrHost:
    """What an ECR host name says.

    Attributes:
        account: 12 digits; None for ECR Public.
        region: region whose ECR API issues the token; for ECR Public us-east-1, where its API lives.
        partition: `aws`, `aws-cn`, `aws-us-gov`, `aws-eusc`, `aws-iso`, `aws-iso-b`, `aws-iso-e` or `aws-iso-f`.
        fips: FIPS endpoint.
        dual_stack: endpoint with IPv4 and IPv6.
        public: ECR Public.
    """

    account: str | None
    region: str
    partition: str
    fips: bool
    dual_stack: bool
    public: bool


@dataclass(frozen=True, kw_only=True)
class _Partition:
    """`region_prefix`: what its regions begin with, empty for the one whose regions have nothing in common."""

    name: str
    region_prefix: str
    suffix: str
    dual_stack_suffix: str | None = None


# `aws` first: it is what a region that nobody claims belongs to, so that a region opened tomorrow works.
_PARTITIONS = (
    _Partition(name="aws", region_prefix="", suffix="amazonaws.com", dual_stack_suffix="on.aws"),
    _Partition(name="aws-us-gov", region_prefix="us-gov-", suffix="amazonaws.com", dual_stack_suffix="on.aws"),
    _Partition(
        name="aws-cn",
        region_prefix="cn-",
        suffix="amazonaws.com.cn",
        dual_stack_suffix="on.amazonwebservices.com.cn",
    ),
    _Partition(name="aws-eusc", region_prefix="eusc-", suffix="amazonaws.eu"),
    _Partition(name="aws-iso", region_prefix="us-iso-", suffix="c2s.ic.gov"),
    _Partition(name="aws-iso-b", region_prefix="us-isob-", suffix="sc2s.sgov.gov"),
    _Partition(name="aws-iso-e", region_prefix="eu-isoe-", suffix="cloud.adc-e.uk"),
    _Partition(name="aws-iso-f", region_prefix="us-isof-", suffix="csp.hci.ic.gov"),
)

_PUBLIC = {
    host: EcrHost(account=None, region="us-east-1", partition="aws", fips=False, dual_stack=dual_stack, public=True)
    for host, dual_stack in (("public.ecr.aws", False), ("ecr-public.aws.com", True))
}

_private = re.compile(r"([0-9]{12})\.dkr([.-])ecr(-fips)?\.([a-z0-9]++(?:-++[a-z0-9]++)*+)\.([a-z0-9.-]++)")


def parse_host(host: str) -> EcrHost | None:
    """What `host` (lower case, without scheme, port and path) stands for, or None when it is no ECR registry."""
    if host in _PUBLIC:
        return _PUBLIC[host]
    found = _private.fullmatch(host)
    if found is None:
        return None
    account, separator, fips, region, suffix = found.groups()
    dual_stack = separator == "-"
    partition = _find_partition(region, suffix, dual_stack)
    if partition is None:
        return None
    return EcrHost(
        account=account,
        region=region,
        partition=partition.name,
        fips=fips is not None,
        dual_stack=dual_stack,
        public=False,
    )


def find_partition_of_region(region: str) -> str:
    """The partition that a region belongs to: `cn-north-1` → `aws-cn`; `aws` for a region that no other claims."""
    owner = _find_owner(region)
    return owner.name if owner else _PARTITIONS[0].name


def _find_partition(region: str, suffix: str, dual_stack: bool) -> _Partition | None:
    """The partition with this suffix that the region belongs to; None when the region is known to be of another."""
    owner = _find_owner(region)
    for partition in _PARTITIONS:
        if suffix == (partition.dual_stack_suffix if dual_stack else partition.suffix) and owner in (None, partition):
            return partition
    return None


def _find_owner(region: str) -> _Partition | None:
    return next((p for p in _PARTITIONS if p.region_prefix and region.startswith(p.region_prefix)), None)
