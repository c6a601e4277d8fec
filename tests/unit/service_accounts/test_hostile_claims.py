"""Whatever a tenant writes into the claims on his ServiceAccount: no run ends by it, and his own names stay."""

import json
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from imagepull.kubernetes.ownership import Owner
from imagepull.service_accounts.claims import CLAIM, Account, write
from tests.unit.hostile_values import claims, texts

OURS = Owner(title="shop/dev/pull", identity="a" * 16, urn="urn:pulumi:dev::shop::t::pull")
NAMES = ("pull", "theirs", "", "-no name-")
KEYS = st.sampled_from(
    (f"{CLAIM}{OURS.identity}", f"{CLAIM}{OURS.key}", f"{CLAIM}{'b' * 16}", CLAIM, "imagepull/claim", "note")
)
annotations = claims(KEYS, st.one_of(st.sampled_from((OURS.urn_key, *NAMES)), texts))
listed = st.lists(st.sampled_from(NAMES), max_size=4)


def account(noted: dict[str, str], names: Sequence[str]) -> Account:
    return Account(namespace="a", name="default", uid="u", resource_version="1", annotations=noted, listed=tuple(names))


def after(there: Account, asked: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """The list, and the claims that were written."""
    body = write(there, OURS, asked)
    if body is None:
        return [*there.listed], {}
    notes = body["metadata"].get("annotations", {})
    changed = {key: text for key, text in notes.items() if text is not None}
    return [each["name"] for each in body.get("imagePullSecrets", [{"name": name} for name in there.listed])], changed


@settings(max_examples=100, deadline=None)
@given(annotations, listed)
def test_our_name_is_appended_and_only_our_own_claim_written(noted: dict[str, str], names: list[str]) -> None:
    result, changed = after(account(noted, names), ["pull"])
    assert "pull" in result
    assert changed.keys() <= {f"{CLAIM}{OURS.identity}"}
    for text in changed.values():
        claim = json.loads(text)
        assert {*claim["added"], *claim["found"]} == {"pull"}


@settings(max_examples=100, deadline=None)
@given(annotations, listed)
def test_a_release_adds_nothing_and_leaves_no_claim_of_ours(noted: dict[str, str], names: list[str]) -> None:
    there = account(noted, names)
    result, changed = after(there, [])
    assert changed == {}
    # A claim says which names we added. Who edits it gives away names of his own account, and of no other.
    assert all(name in names for name in result)
    body = write(there, OURS, [])
    gone = {key for key, text in ((body or {}).get("metadata", {}).get("annotations", {})).items() if text is None}
    assert gone == set(there.list_claims(OURS))
