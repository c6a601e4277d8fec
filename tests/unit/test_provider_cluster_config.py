"""When a change of the provider's configuration means another cluster."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from imagepull.errors import InvalidInput
from imagepull.inputs import UNKNOWN
from provider.cluster_config import CLUSTER_ENTRY, check_config, diff_config, find_fingerprint


def kubeconfig(**servers: str) -> str:
    """Contexts by name, each with a cluster at this address."""
    return yaml.safe_dump(
        {
            "current-context": next(iter(servers)),
            "clusters": [{"name": name, "cluster": {"server": server}} for name, server in servers.items()],
            "users": [{"name": "u", "user": {"token": "t"}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": "u"}} for name in servers],
        }
    )


TWO = kubeconfig(dev="https://dev:6443", prod="https://prod:6443", again="https://dev:6443/")
ONE = kubeconfig(dev="https://dev:6443")


@pytest.fixture(autouse=True)
def ambient(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config").write_text(TWO)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))


DEV, PROD, AGAIN = {"context": "dev"}, {"context": "prod"}, {"context": "again"}
A = {"clusterIdentifier": "a"}


@pytest.mark.parametrize(
    ("old", "new", "changed", "replaces"),
    [
        ({}, {}, [], []),
        (DEV, DEV, [], []),
        (DEV, PROD, ["context"], ["context"]),
        (DEV, AGAIN, ["context"], []),
        ({}, DEV, ["context"], []),
        ({}, PROD, ["context"], ["context"]),
        (PROD, {}, ["context"], ["context"]),
        (DEV, {"kubeconfig": ONE}, ["kubeconfig", "context"], []),
        ({"kubeconfig": ONE}, {"kubeconfig": TWO}, ["kubeconfig"], []),
        ({"kubeconfig": TWO}, {"kubeconfig": TWO, **PROD}, ["context"], ["context"]),
        ({"kubeconfig": ONE}, {"kubeconfig": UNKNOWN}, ["kubeconfig"], ["kubeconfig"]),
        # An old context that the kubeconfig no longer has: the fingerprint in the state tells.
        ({"context": "gone"}, PROD, ["context"], []),
        ({"context": "gone", CLUSTER_ENTRY: find_fingerprint({"kubeconfig": ONE})}, PROD, ["context"], ["context"]),
        ({"context": "gone", CLUSTER_ENTRY: find_fingerprint({"kubeconfig": ONE})}, AGAIN, ["context"], []),
        # With an identifier only that counts.
        ({**DEV, **A}, {**PROD, **A}, ["context"], []),
        (
            {**DEV, "clusterIdentifier": "a"},
            {**DEV, "clusterIdentifier": "b"},
            ["clusterIdentifier"],
            ["clusterIdentifier"],
        ),
        (DEV, {**DEV, "clusterIdentifier": "a"}, ["clusterIdentifier"], []),
        ({**DEV, "clusterIdentifier": "a"}, DEV, ["clusterIdentifier"], []),
        (DEV, {**PROD, "clusterIdentifier": "a"}, ["context", "clusterIdentifier"], ["context"]),
    ],
)
def test_another_entry_of_the_cluster_replaces(
    old: dict[str, Any], new: dict[str, Any], changed: list[str], replaces: list[str]
) -> None:
    assert diff_config(old, new) == (changed, replaces)


def test_the_environment_alone_has_no_fingerprint() -> None:
    assert find_fingerprint({}) is None
    assert find_fingerprint(DEV) == find_fingerprint(AGAIN) != find_fingerprint(PROD)
    assert find_fingerprint({"context": UNKNOWN}) is None
    assert find_fingerprint({"context": "none"}) is None


def test_all_wrong_values_are_told_without_the_kubeconfig() -> None:
    with pytest.raises(InvalidInput) as caught:
        check_config({"kubeconfig": 5, "context": "", "clusterIdentifer": "a", "clusterIdentifier": ["x"]})
    told = json.dumps([str(problem) for problem in caught.value.problems])
    assert all(key in told for key in ("kubeconfig", "context", "clusterIdentifer", "clusterIdentifier meant?"))
    assert len(caught.value.problems) == 4
