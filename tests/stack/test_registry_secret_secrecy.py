"""No token and no password, in whatever spelling, in anything that Pulumi or the plugin shows or keeps."""

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path

from lab.ecr.faults import FaultMode
from lab.lifecycle import Lab
from tests.pulumi_project import PulumiProject
from tests.stack.programs import EU, US, let_hours_pass, pull_secret

Project = Callable[..., PulumiProject]
Namespaces = Callable[[int], list[str]]

PASSWORD = 'correct-horse-"battery"-staple'


def spellings(secret: str, username: str) -> Iterator[bytes]:
    """The text as it may be written: plain, escaped for JSON, base64 of it or of it behind its user name, URL-safe."""
    yield secret.encode()
    yield json.dumps(secret)[1:-1].encode()
    for text in (secret, f"{username}:{secret}"):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            # Base64 of the middle of a longer text differs by where it begins; its inner part is searched for.
            for offset in range(3):
                yield encode(b"\0" * offset + text.encode())[4:-4]


def found_in(data: bytes, secrets: list[tuple[str, str]]) -> list[str]:
    return [
        f"{secret[:4]}... as {spelling[:8]!r}"
        for secret, username in secrets
        for spelling in spellings(secret, username)
        if spelling in data
    ]


def test_no_secret_is_shown_or_kept_anywhere(
    lab: Lab, project: Project, namespaces: Namespaces, tmp_path: Path
) -> None:
    (name,) = namespaces(1)
    fixed = {"host": "ghcr.io", "username": "robot", "password": PASSWORD}
    debug, temporary = tmp_path / "grpc.json", tmp_path / "temporary"
    temporary.mkdir()
    program = pull_secret([name], US, EU, fixed)
    stack = project(program, PULUMI_DEBUG_GRPC=str(debug), TMPDIR=str(temporary), PULUMI_CONFIG_PASSPHRASE="lab")
    verbose = ("--debug", "--logtostderr", "--logflow", "-v=9", "--diff")
    stack.preview(*verbose)
    stack.up(*verbose)
    let_hours_pass(stack, 9)
    stack.preview(*verbose)
    stack.up(*verbose)
    stack.refresh(*verbose)
    for mode in (FaultMode.ACCESS_DENIED, FaultMode.EXPIRED_SESSION, FaultMode.DOWN):
        lab.ecr.set_fault(mode)
        stack.up(*verbose)
    lab.ecr.set_fault(FaultMode.NONE)
    stack.write(program.replace("'ghcr.io'", "'https://ghcr.io'"))
    stack.up(*verbose, check=False)

    issued = [(token.password, "AWS") for token in lab.ecr.issued()]
    assert len(issued) >= 4
    kept = b"".join(path.read_bytes() for path in sorted(stack.state.rglob("*")) if path.is_file())
    left = b"".join(path.read_bytes() for path in sorted(temporary.rglob("*")) if path.is_file())
    shown = stack.output.encode()
    assert found_in(shown + kept + left + debug.read_bytes(), issued) == []
    # The program's own password passes through the engine, whose log of its own calls is not ours to clean.
    assert found_in(kept, [(PASSWORD, "robot")]) == []
    stack.destroy(*verbose)


def test_the_search_finds_what_it_is_meant_to_find() -> None:
    secret = "a-token-of-some-length-that-is-issued"
    document = {"auths": {US: {"username": "AWS", "password": secret, "auth": ""}}}
    data = base64.b64encode(json.dumps(document).encode())
    assert found_in(data, [(secret, "AWS")]) != []
    assert found_in(secret.encode(), [(secret, "AWS")]) != []
    assert found_in(base64.b64encode(f"AWS:{secret}".encode()), [(secret, "AWS")]) != []
    assert found_in(b"nothing of it", [(secret, "AWS")]) == []
