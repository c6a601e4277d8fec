"""Which addresses a registry may send us on to."""

import asyncio

import pytest

from imagepull.verify.hosts import is_local


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "a.localhost",
        "127.0.0.1",
        "0.0.0.0",
        "::1",
        "169.254.169.254",
        "::ffff:169.254.169.254",
        "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::",
        "fe80::1",
        "fd00:ec2::254",
        "fd00:ec2::23",
        "fd20:ce::254",
        "168.63.129.16",
        "100.100.100.200",
    ],
)
def test_this_machine_its_link_and_metadata_services_are_local(host: str) -> None:
    assert asyncio.run(is_local(host))


@pytest.mark.parametrize("host", ["8.8.8.8", "10.0.0.1", "2001:4860:4860::8888", "64:ff9b::808:808", "fd12::1"])
def test_other_addresses_are_not(host: str) -> None:
    assert not asyncio.run(is_local(host))
