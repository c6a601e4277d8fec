"""Where the API server has objects, whatever their names are said to be."""

import pytest

from imagepull.kubernetes.kinds import SECRET, is_possible_name


def test_a_name_leads_to_no_other_path() -> None:
    assert SECRET.make_path("shop", "pull") == "/api/v1/namespaces/shop/secrets/pull"
    assert SECRET.make_path("shop", "a b?x=1#\n") == "/api/v1/namespaces/shop/secrets/a%20b%3Fx%3D1%23%0A"


@pytest.mark.parametrize("name", ["", ".", "..", "../../pods", "a%2Fb"])
def test_some_texts_are_no_names(name: str) -> None:
    assert not is_possible_name(name)
