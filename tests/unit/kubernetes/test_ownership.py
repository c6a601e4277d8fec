"""Whose an object in the cluster is."""

from imagepull.kubernetes.ownership import Owner


def test_an_owner_follows_from_the_urn_of_its_resource() -> None:
    urn = "urn:pulumi:dev::shop::my:index:Access$imagepull:index:RegistrySecret::web::pull"
    assert Owner.of_urn(urn).title == "shop/dev/web::pull"


def test_a_key_is_a_label_and_differs_by_stack() -> None:
    keys = {Owner(title=f"shop/{stack}/pull").key for stack in ("dev", "prod", "x" * 300)}
    assert len(keys) == 3
    assert all(len(key) == 16 and key.isalnum() for key in keys)
