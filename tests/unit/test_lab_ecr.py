"""The decisions of the lab's ECR: which token opens what, what fails, what the log says."""

import base64
import json
from datetime import UTC, datetime

import pytest

from lab.ecr.access_log import Access, find_manifest_requests, parse
from lab.ecr.admission import Admission, admit
from lab.ecr.calls import parse_credential_scope
from lab.ecr.faults import Fault, FaultMode, FaultSwitch, make_api_error
from lab.ecr.tokens import Standing, Token, TokenStore, compute_fingerprint

HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
LIFETIME = 100.0


class Clock:
    """Unix time that stands still until it is set."""

    now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(clock: Clock) -> TokenStore:
    return TokenStore(lifetime=LIFETIME, clock=clock)


def issue(store: TokenStore, realm: str = "us-east-1") -> Token:
    return store.issue(realm=realm, access_key_id="AKIAEXAMPLE")


def ask(store: TokenStore, authorization: str | None) -> Admission:
    return admit(authorization, host=HOST, realm="us-east-1", tokens=store)


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def test_every_live_token_is_good_at_the_same_time(store: TokenStore) -> None:
    first, second = issue(store), issue(store)

    assert first.password != second.password
    assert store.standing(first.password, realm="us-east-1") is Standing.LIVE
    assert store.standing(second.password, realm="us-east-1") is Standing.LIVE


def test_a_token_is_dead_from_its_expiry_on(store: TokenStore, clock: Clock) -> None:
    token = issue(store)
    assert token.expires_at == clock.now + LIFETIME

    clock.now = token.expires_at - 0.001
    assert store.standing(token.password, realm="us-east-1") is Standing.LIVE
    clock.now = token.expires_at
    assert store.standing(token.password, realm="us-east-1") is Standing.EXPIRED


def test_a_new_lifetime_is_for_new_tokens(store: TokenStore, clock: Clock) -> None:
    old = issue(store)
    store.lifetime = 1.0
    new = issue(store)

    clock.now += 1.0
    assert store.standing(old.password, realm="us-east-1") is Standing.LIVE
    assert store.standing(new.password, realm="us-east-1") is Standing.EXPIRED


def test_a_token_opens_no_other_region(store: TokenStore) -> None:
    assert store.standing(issue(store, "eu-west-1").password, realm="us-east-1") is Standing.OTHER_REALM


def test_what_was_never_issued_is_unknown(store: TokenStore) -> None:
    assert store.standing("guess", realm="us-east-1") is Standing.UNKNOWN


def test_a_later_run_honours_what_was_recorded(clock: Clock) -> None:
    recorded: list[Token] = []
    token = issue(TokenStore(lifetime=LIFETIME, record=recorded.append, clock=clock))

    later = TokenStore(recorded, lifetime=LIFETIME, clock=clock)

    assert later.issued() == [token]
    assert later.standing(token.password, realm="us-east-1") is Standing.LIVE


def test_a_token_is_as_large_as_ecr_makes_them(store: TokenStore) -> None:
    token = issue(store)

    assert base64.b64decode(token.authorization).decode() == f"AWS:{token.password}"
    assert 1_800 < len(token.password) < 2_200


def test_a_token_does_not_show_its_password(store: TokenStore) -> None:
    token = issue(store)

    assert token.password not in repr(token)
    assert token.fingerprint == compute_fingerprint(token.authorization)
    assert len(token.fingerprint) == 12


def test_a_live_token_is_let_in(store: TokenStore) -> None:
    token = issue(store)

    assert ask(store, f"Basic {token.authorization}") == Admission(credential=token.fingerprint, refusal=None)


@pytest.mark.parametrize("authorization", [None, "", "Bearer abc"])
def test_no_basic_credential_is_challenged(store: TokenStore, authorization: str | None) -> None:
    refused = ask(store, authorization)

    assert refused.credential is None
    assert refused.refusal is not None
    assert refused.refusal.status == 401
    assert refused.refusal.headers == {"Www-Authenticate": f'Basic realm="https://{HOST}/",service="ecr.amazonaws.com"'}


def test_an_expired_token_is_told_so(store: TokenStore, clock: Clock) -> None:
    token = issue(store)
    clock.now += LIFETIME

    refused = ask(store, f"Basic {token.authorization}")

    assert refused.credential == token.fingerprint
    assert refused.refusal is not None
    assert refused.refusal.status == 403
    assert json.loads(refused.refusal.body) == {
        "errors": [{"code": "DENIED", "message": "Your authorization token has expired. Reauthenticate and try again."}]
    }


def test_the_token_of_another_region_is_invalid(store: TokenStore) -> None:
    token = issue(store, "eu-west-1")

    refused = ask(store, f"Basic {token.authorization}")

    assert refused.credential == token.fingerprint
    assert refused.refusal is not None
    assert refused.refusal.status == 400


@pytest.mark.parametrize("authorization", [basic("AWS", "guess"), "Basic !!!", "Basic", "Basic /w=="])
def test_a_wrong_password_is_invalid_and_leaves_no_trace(store: TokenStore, authorization: str) -> None:
    refused = ask(store, authorization)

    assert refused.credential is None
    assert refused.refusal is not None
    assert refused.refusal.status == 400


def test_a_live_password_of_another_user_is_invalid(store: TokenStore) -> None:
    refused = ask(store, basic("aws", issue(store).password))

    assert refused.refusal is not None
    assert refused.refusal.status == 400


def test_a_fault_holds_until_it_is_mended() -> None:
    switch = FaultSwitch()
    assert switch.take("us-east-1") is FaultMode.NONE

    switch.set(Fault(mode=FaultMode.DOWN))
    assert [switch.take("us-east-1") for _ in range(3)] == [FaultMode.DOWN] * 3

    switch.set(Fault())
    assert switch.take("us-east-1") is FaultMode.NONE


def test_a_counted_fault_ends_by_itself() -> None:
    switch = FaultSwitch()
    switch.set(Fault(mode=FaultMode.THROTTLED, count=2))

    assert [switch.take("us-east-1") for _ in range(3)] == [FaultMode.THROTTLED, FaultMode.THROTTLED, FaultMode.NONE]


def test_a_fault_of_one_region_spares_the_others_and_their_calls_do_not_count() -> None:
    switch = FaultSwitch()
    switch.set(Fault(mode=FaultMode.DOWN, region="eu-west-1", count=1))

    assert switch.take("us-east-1") is FaultMode.NONE
    assert switch.take("eu-west-1") is FaultMode.DOWN


def test_every_fault_that_answers_has_an_answer() -> None:
    silent = {FaultMode.NONE, FaultMode.DOWN}

    codes = {
        make_api_error(mode, principal="arn:aws:sts::1:user/u", action="ecr:X", region="r").code
        for mode in FaultMode
        if mode not in silent
    }

    assert len(codes) == len(FaultMode) - len(silent)


def test_access_denied_names_principal_and_action() -> None:
    principal, action = "arn:aws:sts::123456789012:assumed-role/ci/run", "ecr:GetAuthorizationToken"

    error = make_api_error(FaultMode.ACCESS_DENIED, principal=principal, action=action, region="us-east-1")

    assert error.message.startswith(f"User: {principal} is not authorized to perform: {action} on resource: *")


def test_caller_and_region_come_from_the_signature() -> None:
    header = (
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261123/eu-west-1/ecr/aws4_request, "
        "SignedHeaders=host;x-amz-date, Signature=abc"
    )

    assert parse_credential_scope(header) == ("AKIDEXAMPLE", "eu-west-1")


@pytest.mark.parametrize("header", ["", "Basic QVdTOng=", "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/eu-west-1"])
def test_an_unsigned_call_has_no_caller(header: str) -> None:
    assert parse_credential_scope(header) is None


def access(method: str, path: str, *, host: str = HOST, client: str = "containerd/1.6.20") -> Access:
    return Access(
        time=datetime(2026, 11, 23, 20, 0, 0, 5000, tzinfo=UTC),
        host=host,
        method=method,
        path=path,
        status=200,
        user_agent=client,
        credential="0123456789ab",
    )


def test_an_access_survives_the_log() -> None:
    entry = access("GET", "/v2/")

    record = json.loads(json.dumps(entry.record()))

    assert record["time"] == "2026-11-23T20:00:00.005+00:00"
    assert parse(record) == entry


def test_manifest_requests_are_those_of_the_repository_and_its_references() -> None:
    digest = "sha256:" + "a" * 64
    head = access("HEAD", "/v2/shop/web/manifests/1.0")
    get = access("GET", f"/v2/shop/web/manifests/{digest}")
    log = [
        head,
        get,
        access("PUT", "/v2/shop/web/manifests/1.0"),
        access("GET", f"/v2/shop/web/blobs/{digest}"),
        access("GET", "/v2/shop/web/extra/manifests/1.0"),
        access("GET", "/v2/"),
    ]

    assert find_manifest_requests(log, "shop/web") == [head, get]
    assert find_manifest_requests(log, "shop/web", "1.0") == [head]
    assert find_manifest_requests(log, "shop/web", "1.0", digest) == [head, get]
    assert find_manifest_requests(log, "shop/web", "1.1") == []


def test_manifest_requests_can_be_limited_to_a_host_and_a_client() -> None:
    path = "/v2/shop/web/manifests/1.0"
    node, elsewhere = access("HEAD", path), access("HEAD", path, host="210987654321.dkr.ecr.eu-west-1.amazonaws.com")
    person = access("HEAD", path, client="skopeo/1.9.3")

    assert find_manifest_requests([node, elsewhere, person], "shop/web", host=HOST) == [node, person]
    assert find_manifest_requests([node, elsewhere, person], "shop/web", client="containerd") == [node, elsewhere]
