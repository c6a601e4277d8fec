"""URNs as Pulumi writes them."""

import pytest

from imagepull.resource_types import Urn, parse_urn


@pytest.mark.parametrize(
    ("text", "urn"),
    [
        (
            "urn:pulumi:dev::shop::imagepull:index:RegistrySecret::pull",
            Urn(stack="dev", project="shop", type="imagepull:index:RegistrySecret", name="pull"),
        ),
        (
            "urn:pulumi:dev::shop::a:b:Parent$c:d:Child$kubernetes:core/v1:Secret::pull",
            Urn(stack="dev", project="shop", type="kubernetes:core/v1:Secret", name="pull"),
        ),
        (
            "urn:pulumi:dev::shop::pulumi:pulumi:Stack::shop-dev::with::colons",
            Urn(stack="dev", project="shop", type="pulumi:pulumi:Stack", name="shop-dev::with::colons"),
        ),
        ("urn:pulumi:dev::shop::a:b:C", None),
        ("dev::shop::a:b:C::pull", None),
        ("", None),
    ],
)
def test_urn_is_taken_apart(text: str, urn: Urn | None) -> None:
    assert parse_urn(text) == urn
