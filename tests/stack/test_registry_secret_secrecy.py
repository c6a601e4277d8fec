"""No token and no password, in whatever spelling, in anything that Pulumi or the plugin shows or keeps."""

import base64
import json
from collections.abc import Callable
from pathlib import Path

from lab.ecr.faults import FaultMode
from lab.lifecycle import Lab
from tests.pulumi_project import PulumiProject
from tests.secrecy import Arguments, content, found_in
from tests.stack.programs import EU, US, let_hours_pass, pull_secret

Project = Callable[..., PulumiProject]
Namespaces = Callable[[int], list[str]]

PASSWORD = 'correct-horse-"battery"-staple'


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
    arguments = Arguments()
    with arguments.watched():
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
    kept, left, shown = content(stack.state), content(temporary), stack.output.encode()
    assert found_in(shown + kept + left + arguments.seen + debug.read_bytes(), issued) == []
    assert b"pulumi" in arguments.seen
    # The program's own password passes through the engine, whose log of its own calls (-v=9) is not ours to clean.
    assert found_in(kept + left + arguments.seen, [(PASSWORD, "robot")]) == []
    stack.destroy(*verbose)


def test_a_static_password_is_not_shown_and_kept_encrypted(project: Project, namespaces: Namespaces) -> None:
    (name,) = namespaces(1)
    fixed = {"host": "ghcr.io", "username": "robot", "password": PASSWORD}
    stack = project(pull_secret([name], fixed))
    for command in (stack.preview, stack.up, stack.refresh):
        command("--debug", "--diff")
    stack.write(pull_secret([name], {**fixed, "password": f"{PASSWORD}-changed"}))
    for command in (stack.preview, stack.up):
        command("--debug", "--diff")
    stack.write(pull_secret([name], {**fixed, "host": "https://ghcr.io"}))
    stack.up("--debug", "--diff", check=False)
    stack.destroy("--debug", "--diff")
    assert found_in(stack.output.encode() + content(stack.state), [(PASSWORD, "robot")]) == []


def test_the_search_finds_what_it_is_meant_to_find() -> None:
    secret = "a-token-of-some-length-that-is-issued"
    document = {"auths": {US: {"username": "AWS", "password": secret, "auth": ""}}}
    data = base64.b64encode(json.dumps(document).encode())
    assert found_in(data, [(secret, "AWS")]) != []
    assert found_in(secret.encode(), [(secret, "AWS")]) != []
    assert found_in(base64.b64encode(f"AWS:{secret}".encode()), [(secret, "AWS")]) != []
    assert found_in(b"nothing of it", [(secret, "AWS")]) == []
