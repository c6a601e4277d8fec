"""ECR tokens: asked for once, and faults of AWS in words that help."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from imagepull.errors import CredentialError
from imagepull.registries import ecr_tokens as tokens
from imagepull.registries.docker_config import Credential
from imagepull.registries.ecr_tokens import EcrToken, Principal, TokenRequest, TokenSource
from imagepull.registries.lifetimes import Lifetime

HERE = TokenRequest(principal=Principal(), region="eu-west-1", public=False)
THERE = TokenRequest(principal=Principal(), region="us-east-1", public=False)
AS_ROLE = TokenRequest(principal=Principal(role_arn="arn:aws:iam::1:role/x"), region="eu-west-1", public=False)


ISSUED = datetime(2026, 1, 31, tzinfo=UTC)


class Aws:
    """Stands for AWS: counts, and may fail."""

    def __init__(self, *, hours: float = 12, hours_ago: float = 0, error: CredentialError | None = None) -> None:
        self.asked: list[TokenRequest] = []
        self._hours = hours
        self._hours_ago = hours_ago
        self.error = error

    def __call__(self, request: TokenRequest) -> EcrToken:
        self.asked.append(request)
        if self.error is not None:
            raise self.error
        issued = datetime.now(UTC) - timedelta(hours=self._hours_ago)
        lifetime = Lifetime(issued=issued, expires=issued + timedelta(hours=self._hours))
        return EcrToken(credential=Credential(username="AWS", password=f"t{len(self.asked)}"), lifetime=lifetime)


def test_all_who_ask_at_once_share_one_call() -> None:
    aws = Aws()

    async def ask() -> list[EcrToken]:
        source = TokenSource(aws)
        return await asyncio.gather(*(source.get(HERE) for _ in range(50)))

    assert len(set(asyncio.run(ask()))) == 1
    assert aws.asked == [HERE]


def test_one_call_per_principal_and_region() -> None:
    aws = Aws()

    async def ask() -> None:
        source = TokenSource(aws)
        for request in (HERE, THERE, AS_ROLE, HERE, THERE):
            await source.get(request)

    asyncio.run(ask())
    assert aws.asked == [HERE, THERE, AS_ROLE]


@pytest.mark.parametrize(("hours_ago", "calls"), [(0, 1), (5.9, 1), (6.1, 2), (13, 2)])
def test_a_token_in_the_second_half_of_its_life_is_asked_for_again(hours_ago: float, calls: int) -> None:
    aws = Aws(hours_ago=hours_ago)

    async def ask() -> None:
        source = TokenSource(aws)
        await source.get(HERE)
        await source.get(HERE)

    asyncio.run(ask())
    assert len(aws.asked) == calls


def test_an_old_token_is_shared_among_all_who_ask_while_it_is_renewed() -> None:
    aws = Aws(hours_ago=7)

    async def ask() -> list[EcrToken]:
        source = TokenSource(aws)
        await source.get(HERE)
        return await asyncio.gather(*(source.get(HERE) for _ in range(5)))

    assert {token.credential.password for token in asyncio.run(ask())} == {"t2"}


def test_one_who_stops_waiting_takes_the_token_from_nobody_else() -> None:
    aws = Aws()

    async def ask() -> EcrToken:
        source = TokenSource(aws)
        first, second = asyncio.create_task(source.get(HERE)), asyncio.create_task(source.get(HERE))
        await asyncio.sleep(0)
        first.cancel()
        token = await second
        assert first.cancelled()
        return token

    assert asyncio.run(ask()).credential.password == "t1"
    assert len(aws.asked) == 1


def test_a_call_that_was_cancelled_is_made_again() -> None:
    aws = Aws()

    async def ask() -> EcrToken:
        source = TokenSource(aws)
        waiting = asyncio.create_task(source.get(HERE))
        await asyncio.sleep(0)
        for task in asyncio.all_tasks() - {asyncio.current_task(), waiting}:
            task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        return await source.get(HERE)

    assert asyncio.run(ask()).lifetime.seconds == 12 * 3600


def test_a_failure_is_not_kept() -> None:
    aws = Aws(error=CredentialError("ECR", "down", "wait"))

    async def ask() -> EcrToken:
        source = TokenSource(aws)
        with pytest.raises(CredentialError, match="down"):
            await source.get(HERE)
        aws.error = None
        return await source.get(HERE)

    assert asyncio.run(ask()).credential.password == "t2"


@pytest.mark.parametrize("token", ["QVdTOg==", "QVdT", "OnBhc3M=", "QVdTOng*", "/w==", "***", "", None])
def test_an_answer_without_a_token_is_refused(token: str | None) -> None:
    answer = {"authorizationData": [{"authorizationToken": token, "expiresAt": datetime.now(UTC)}]}
    with pytest.raises(CredentialError, match="holds no token"):
        tokens._read_token(answer, HERE, datetime.now(UTC))


@pytest.mark.parametrize("answer", [{}, {"authorizationData": []}, {"authorizationData": [{}]}])
def test_an_answer_without_data_is_refused(answer: object) -> None:
    with pytest.raises(CredentialError, match="holds no token"):
        tokens._read_token(answer, HERE, datetime.now(UTC))


@pytest.mark.parametrize("public", [False, True])
def test_a_token_is_read_with_its_expiry_in_utc(public: bool) -> None:
    expires = datetime(2026, 1, 31, 14, tzinfo=timezone(timedelta(hours=2)))
    data = {"authorizationToken": "QVdTOmE6Yg==", "expiresAt": expires}
    request = replace(HERE, public=public)
    token = tokens._read_token({"authorizationData": data if public else [data]}, request, ISSUED)
    assert token == EcrToken(
        credential=Credential(username="AWS", password="a:b"),
        lifetime=Lifetime(issued=ISSUED, expires=datetime(2026, 1, 31, 12, tzinfo=UTC)),
    )
    assert token.lifetime.expires.utcoffset() == timedelta(0)


def test_a_token_shows_no_password() -> None:
    assert "t1" not in repr(Aws()(HERE))
