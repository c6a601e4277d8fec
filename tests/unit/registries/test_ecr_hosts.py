"""ECR hosts: the published rows of cloud-provider-aws and amazon-ecr-credential-helper, and what goes beyond them."""

import pytest

from imagepull.registries.ecr_hosts import EcrHost, find_partition_of_region, parse_host

A = "123456789012"


# cloud-provider-aws `cmd/ecr-credential-provider/main_test.go`, TestRegistryPatternMatch (Apache-2.0).
@pytest.mark.parametrize(
    ("host", "matches"),
    [
        (f"{A}.dkr.ecr.lala-land-1.amazonaws.com", True),
        (f"{A}.dkr.ecr-fips.lala-land-1.amazonaws.com", True),
        (f"{A}.dkr.ecr.lala-land-1.amazonaws.com.cn", True),
        ("1234567890123.dkr.ecr.lala-land-1.amazonaws.com", False),
        ("12345678901.dkr.ecr.lala-land-1.amazonaws.com", False),
        ("12345678901A.dkr.ecr.lala-land-1.amazonaws.com", False),
        (f"{A}.dkr.ecr.lala-land-1!.amazonaws.com", False),
        (f"{A}.dkr.ecr.#lala-land-1.amazonaws.com", False),
        (f"{A}.dkr.ecr.lala-land-1.amazonaws.hacker.com", False),
        (f"{A}.dkr.ecr.lala-land-1.hacker.com", False),
        (f"{A}.dkr.ecr.lala-land-1.amazonaws.lol", False),
        (f"{A}.dog.ecr.lala-land-1.amazonaws.com", False),
        (f"{A}.dkr.cat.lala-land-1.amazonaws.com", False),
        (f"{A}.dkr.cat.lala-land-1.awsamazon.com", False),
        (f"{A}.lala-land-1.amazonaws.com", False),
        (f"{A}.dkr.ecr.us-iso-east-1.c2s.ic.gov", True),
        (f"{A}.dkr.ecr.us-isob-east-1.sc2s.sgov.gov", True),
        (f"{A}.dkr.ecr.eu-isoe-west-1.cloud.adc-e.uk", True),
        (f"{A}.dkr.ecr.us-isof-east-1.csp.hci.ic.gov", True),
        (f"{A}.dkr.ecr.us-iso-east-1.amazonaws.gov", False),
        (f"{A}.dkr-ecr.lala-land-1.on.aws", True),
        (f"{A}.dkr-ecr-fips.lala-land-1.on.aws", True),
        (f"{A}.dkr-ecr.lala-land-1.on.amazonwebservices.com.cn", True),
    ],
)
def test_published_host_pattern(host: str, matches: bool) -> None:
    assert (parse_host(host) is not None) is matches


# The same file's Test_parseRegionFromECRPrivateHost, with the other fields that the name says.
@pytest.mark.parametrize(
    ("host", "region", "partition", "fips", "dual_stack"),
    [
        (f"{A}.dkr.ecr.us-west-2.amazonaws.com", "us-west-2", "aws", False, False),
        (f"{A}.dkr.ecr.cn-north-1.amazonaws.com.cn", "cn-north-1", "aws-cn", False, False),
        (f"{A}.dkr.ecr.us-gov-east-1.amazonaws.com", "us-gov-east-1", "aws-us-gov", False, False),
        (f"{A}.dkr.ecr.us-iso-east-1.c2s.ic.gov", "us-iso-east-1", "aws-iso", False, False),
        (f"{A}.dkr-ecr.us-west-2.on.aws", "us-west-2", "aws", False, True),
        (f"{A}.dkr-ecr-fips.us-west-2.on.aws", "us-west-2", "aws", True, True),
        (f"{A}.dkr-ecr.cn-north-1.on.amazonwebservices.com.cn", "cn-north-1", "aws-cn", False, True),
        (f"{A}.dkr-ecr.us-gov-east-1.on.aws", "us-gov-east-1", "aws-us-gov", False, True),
        (f"{A}.dkr-ecr-fips.us-gov-east-1.on.aws", "us-gov-east-1", "aws-us-gov", True, True),
        (f"{A}.dkr.ecr-fips.us-gov-west-1.amazonaws.com", "us-gov-west-1", "aws-us-gov", True, False),
        (f"{A}.dkr.ecr.us-isob-east-1.sc2s.sgov.gov", "us-isob-east-1", "aws-iso-b", False, False),
        (f"{A}.dkr.ecr.eu-isoe-west-1.cloud.adc-e.uk", "eu-isoe-west-1", "aws-iso-e", False, False),
        (f"{A}.dkr.ecr.us-isof-south-1.csp.hci.ic.gov", "us-isof-south-1", "aws-iso-f", False, False),
        (f"{A}.dkr.ecr.eusc-de-east-1.amazonaws.eu", "eusc-de-east-1", "aws-eusc", False, False),
        (f"{A}.dkr.ecr.mx-central-1.amazonaws.com", "mx-central-1", "aws", False, False),
    ],
)
def test_private_host_says_account_region_and_partition(
    host: str, region: str, partition: str, fips: bool, dual_stack: bool
) -> None:
    assert parse_host(host) == EcrHost(
        account=A, region=region, partition=partition, fips=fips, dual_stack=dual_stack, public=False
    )
    assert find_partition_of_region(region) == partition


@pytest.mark.parametrize(("host", "dual_stack"), [("public.ecr.aws", False), ("ecr-public.aws.com", True)])
def test_public_host_has_no_account_and_its_api_in_us_east_1(host: str, dual_stack: bool) -> None:
    assert parse_host(host) == EcrHost(
        account=None, region="us-east-1", partition="aws", fips=False, dual_stack=dual_stack, public=True
    )


@pytest.mark.parametrize(
    "host",
    [
        "",
        "foobar",
        "not.ecr.io",
        ".dkr.ecr.not-real.amazonaws.com",
        f"{A}.dkr.ecr.us-east-1.amazonaws.com.fake.example.com",
        f"{A}.dkr.ecr.us-east-1.amazonaws.comx",
        f"evil.{A}.dkr.ecr.us-east-1.amazonaws.com",
        f"{A}.dkr.ecr.us-east-1.amazonaws.com\n",
        f"{A}.dkr.ecr.us-east-1.amazonaws.com.",
        f"{A}.dkr.ecr.us-east-1.amazonaws.com:443",
        f"{A}.dkr.ecr.us-east-1.amazonaws.com/app",
        f"https://{A}.dkr.ecr.us-east-1.amazonaws.com",
        f"{A}.DKR.ecr.us-east-1.amazonaws.com",
        f"{A}.dkr.ecr.us_east_1.amazonaws.com",
        f"{A}.dkr.ecr.-us-east-1.amazonaws.com",
        f"{A}.dkr.ecr.a.us-east-1.amazonaws.com",
        "١٢٣٤٥٦٧٨٩٠١٢.dkr.ecr.us-east-1.amazonaws.com",
        "public.ecr.aws.example.com",
        "ecr-public.aws",
        f"{A}.dkr.ecr.us-east-1.vpce.amazonaws.com",
        f"{A}.dkr.ecr.us-east-1.localhost.localstack.cloud:4566",
    ],
)
def test_look_alike_is_no_ecr_host(host: str) -> None:
    assert parse_host(host) is None


@pytest.mark.parametrize(
    "host",
    [
        f"{A}.dkr.ecr-fips.us-east-1.on.aws",
        f"{A}.dkr-ecr.us-east-1.amazonaws.com",
        f"{A}.dkr.ecr.cn-north-1.amazonaws.com",
        f"{A}.dkr.ecr.us-gov-west-1.amazonaws.com.cn",
        f"{A}.dkr.ecr.us-iso-east-1.amazonaws.com",
        f"{A}.dkr-ecr.eusc-de-east-1.on.aws",
        f"{A}.dkr-ecr.us-iso-east-1.c2s.ic.gov",
    ],
)
def test_name_that_aws_does_not_have_is_no_ecr_host(host: str) -> None:
    assert parse_host(host) is None


def test_region_opened_tomorrow_belongs_to_aws() -> None:
    assert find_partition_of_region("nz-north-1") == "aws"


def test_hostile_host_is_refused() -> None:
    assert parse_host(f"{A}.dkr.ecr.{'a-' * 100_000}.amazonaws.com") is None
