"""Exec plugins, token files and certificates: what proves to the API server who we are."""

import asyncio
import json
import os
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from imagepull.errors import ClusterUnreachable
from imagepull.kubernetes.connection import ExecPlugin, UserEntry
from imagepull.kubernetes.credentials import Credentials, Proof

EXPIRED = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
LIVES = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")


def plugin(folder: Path, script: str, cluster_info: Mapping[str, object] | None = None) -> UserEntry:
    command = folder / "login"
    command.write_text(f"#!/bin/sh\n{script}\n")
    command.chmod(0o700)
    return UserEntry(
        exec=ExecPlugin(
            command=str(command),
            args=("one", "two"),
            env={"FROM_KUBECONFIG": "yes"},
            api_version="client.authentication.k8s.io/v1",
            install_hint="apt install login",
            cluster_info=cluster_info,
        )
    )


def answer(**status: str) -> str:
    return f"echo '{json.dumps({'status': status})}'"


def proof_of(user: UserEntry, seconds: float = 60.0) -> Proof:
    return asyncio.run(Credentials(user, seconds).get())


def test_the_plugin_gets_what_client_go_gives_it(tmp_path: Path) -> None:
    script = f'echo "$1 $2 $FROM_KUBECONFIG $KUBERNETES_EXEC_INFO" > {tmp_path}/seen; ' + answer(token="t0ken")
    assert proof_of(plugin(tmp_path, script, {"server": "https://c"})).authorization == "Bearer t0ken"
    words, info = (tmp_path / "seen").read_text().split(" {", 1)
    assert words == "one two yes"
    assert json.loads("{" + info) == {
        "apiVersion": "client.authentication.k8s.io/v1",
        "kind": "ExecCredential",
        "spec": {"interactive": False, "cluster": {"server": "https://c"}},
    }


def test_a_certificate_from_the_plugin_is_used(tmp_path: Path) -> None:
    found = proof_of(plugin(tmp_path, answer(clientCertificateData="cert", clientKeyData="key")))
    assert (found.authorization, found.certificate, found.key) == (None, "cert", "key")


@pytest.mark.parametrize(("expires", "runs"), [(LIVES, 1), (EXPIRED, 2), (None, 1)], ids=["lives", "expired", "none"])
def test_the_plugin_runs_again_when_its_credential_has_expired(tmp_path: Path, expires: str | None, runs: int) -> None:
    more = {} if expires is None else {"expirationTimestamp": expires}
    user = plugin(tmp_path, f"echo x >> {tmp_path}/runs; " + answer(token="t", **more))

    async def ask_twice() -> None:
        credentials = Credentials(user)
        await credentials.get()
        await credentials.get()

    asyncio.run(ask_twice())
    assert (tmp_path / "runs").read_text() == "x\n" * runs


def test_many_requests_at_once_run_the_plugin_once(tmp_path: Path) -> None:
    user = plugin(tmp_path, f"echo x >> {tmp_path}/runs; " + answer(token="t"))

    async def ask() -> None:
        credentials = Credentials(user)
        await asyncio.gather(*(credentials.get() for _ in range(32)))

    asyncio.run(ask())
    assert (tmp_path / "runs").read_text() == "x\n"


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("echo s3cr3t >&2; exit 3", "failed with exit code 3; run it by hand"),
        ("echo s3cr3t", "printed no ExecCredential"),
        ("echo '[]'", "printed no ExecCredential"),
        ("echo '{}'", "printed no ExecCredential"),
        (answer(), "printed no ExecCredential"),
        ('echo \'{"status": {"token": 5}}\'', "printed no ExecCredential"),
        (answer(token="s3cr3t", expirationTimestamp="soon"), "printed no ExecCredential"),
        (answer(token="s3cr3t\\u00e9"), "holds a character that a token cannot"),
        ("yes s3cr3t", "printed no ExecCredential"),
    ],
)
def test_a_plugin_that_fails_is_told_without_a_word_of_its_own(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], script: str, says: str
) -> None:
    with pytest.raises(ClusterUnreachable) as caught:
        proof_of(plugin(tmp_path, script))
    assert says in str(caught.value)
    assert "s3cr3t" not in str(caught.value) + "".join(capfd.readouterr())


def test_a_plugin_that_never_ends_is_ended_with_its_children(tmp_path: Path) -> None:
    user = plugin(tmp_path, f"sleep 600 & echo $! > {tmp_path}/child; wait")
    with pytest.raises(ClusterUnreachable, match=r"did not end within 1 seconds"):
        proof_of(user, seconds=1.0)
    child = int((tmp_path / "child").read_text())
    assert _ends(child)


def _ends(pid: int) -> bool:
    for _ in range(200):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        if "Z" in Path(f"/proc/{pid}/stat").read_text().split()[2:3]:
            return True
        time.sleep(0.02)
    return False


def test_a_missing_plugin_is_told_with_its_hint() -> None:
    found = ExecPlugin(
        command="no-such-command",
        args=(),
        env={},
        api_version="client.authentication.k8s.io/v1",
        install_hint="apt install it\nnow",
        cluster_info=None,
    )
    with pytest.raises(ClusterUnreachable, match=r"no-such-command is not installed; install it \(apt install it\)"):
        proof_of(UserEntry(exec=found))


def test_a_token_file_is_read_and_read_again_after_a_refusal(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_text("first\n")

    async def run() -> tuple[Proof, Proof, Proof]:
        credentials = Credentials(UserEntry(token_file=file, token="loses"))
        first = await credentials.get()
        file.write_text("second\n")
        kept = await credentials.get()
        assert await credentials.replace(first)
        return first, kept, await credentials.get()

    first, kept, second = asyncio.run(run())
    assert [one.authorization for one in (first, kept, second)] == ["Bearer first", "Bearer first", "Bearer second"]


def test_a_missing_token_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(ClusterUnreachable, match=r"token file .* cannot be read \(No such file"):
        proof_of(UserEntry(token_file=tmp_path / "none"))


def test_a_password_becomes_a_basic_header_and_cannot_be_replaced() -> None:
    async def run() -> tuple[Proof, bool]:
        credentials = Credentials(UserEntry(username="u", password="p"))
        proof = await credentials.get()
        return proof, await credentials.replace(proof)

    proof, replaced = asyncio.run(run())
    assert (proof.authorization, replaced) == ("Basic dTpw", False)


def test_no_proof_shows_itself() -> None:
    assert "s3cr3t" not in repr(Proof(authorization="s3cr3t", certificate="s3cr3t", key="s3cr3t"))
