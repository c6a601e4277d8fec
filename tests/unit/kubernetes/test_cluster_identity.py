"""Two entries are one cluster when they say the same, in whatever words."""

from dataclasses import replace

import pytest

from imagepull.kubernetes.cluster_identity import compute_fingerprint
from imagepull.kubernetes.connection import ClusterEntry

ENTRY = ClusterEntry(server="https://api.example.com", authority="-----BEGIN CERTIFICATE-----\nx\n")


@pytest.mark.parametrize(
    "same",
    [
        replace(ENTRY, server="https://API.example.com:443"),
        replace(ENTRY, authority="-----BEGIN CERTIFICATE-----\r\nx\r\n\n"),
    ],
)
def test_other_words_are_the_same_cluster(same: ClusterEntry) -> None:
    assert compute_fingerprint(same) == compute_fingerprint(ENTRY)


@pytest.mark.parametrize(
    "other",
    [
        replace(ENTRY, server="https://api.example.com:6443"),
        replace(ENTRY, server="https://api.example.com/k8s/clusters/c-1"),
        replace(ENTRY, server="http://api.example.com"),
        replace(ENTRY, authority="another"),
        replace(ENTRY, authority=None),
        replace(ENTRY, tls_server_name="api"),
        replace(ENTRY, insecure=True),
        replace(ENTRY, proxy="http://proxy:3128"),
    ],
)
def test_another_entry_is_another_cluster(other: ClusterEntry) -> None:
    assert compute_fingerprint(other) != compute_fingerprint(ENTRY)
