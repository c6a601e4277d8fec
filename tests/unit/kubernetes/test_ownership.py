"""Whose an object in the cluster is."""

from dataclasses import replace

import pytest

from imagepull.kubernetes.ownership import Owner, Standing, find_standing

OURS = Owner(title="shop/dev/pull", identity="a" * 16, former_title="shop/old/pull")
FORMER = Owner(title="shop/old/pull")
THEIRS = Owner(title="other/dev/pull")


def test_an_owner_follows_from_the_urn_of_its_resource() -> None:
    urn = "urn:pulumi:dev::shop::my:index:Access$imagepull:index:RegistrySecret::web::pull"
    assert Owner.of_urn(urn).title == "shop/dev/web::pull"


def test_a_key_is_a_label_and_differs_by_stack() -> None:
    keys = {Owner(title=f"shop/{stack}/pull").key for stack in ("dev", "prod", "x" * 300)}
    assert len(keys) == 3
    assert all(len(key) == 16 and key.isalnum() for key in keys)


def test_an_identity_is_made_once() -> None:
    first, second = (Owner(title="shop/dev/pull").with_identity() for _ in range(2))
    assert first.identity != second.identity
    assert first.digest_key != second.digest_key
    assert first.with_identity() == first


@pytest.mark.parametrize(
    ("labels", "uid", "standing"),
    [
        ({"imagepull/identity": "a" * 16, "imagepull/owner": OURS.key}, "new", Standing.OURS),
        ({"imagepull/identity": "a" * 16, "imagepull/owner": FORMER.key}, "new", Standing.OURS),
        ({"imagepull/identity": "b" * 16, "imagepull/owner": OURS.key}, "known", Standing.EARLIER),
        ({"imagepull/identity": "b" * 16, "imagepull/owner": FORMER.key}, "known", Standing.FOREIGN),
        ({"imagepull/identity": "b" * 16, "imagepull/owner": THEIRS.key}, "known", Standing.FOREIGN),
        ({"imagepull/identity": "b" * 16}, "known", Standing.FOREIGN),
        ({"imagepull/owner": OURS.key}, "known", Standing.OURS),
        ({"imagepull/owner": FORMER.key}, "known", Standing.OURS),
        ({"imagepull/owner": OURS.key}, "new", Standing.UNMARKED),
        ({"imagepull/owner": THEIRS.key}, "known", Standing.FOREIGN),
        ({}, "known", Standing.OURS),
        ({}, "new", Standing.NOBODYS),
    ],
)
def test_what_an_object_is_to_an_owner(labels: dict[str, str], uid: str, standing: Standing) -> None:
    assert find_standing(labels, uid, OURS, {"known"}) is standing


def test_without_an_identity_no_identity_is_ours() -> None:
    state = replace(OURS, identity=None)
    assert find_standing({"imagepull/identity": "a" * 16}, "known", state, {"known"}) is Standing.FOREIGN
