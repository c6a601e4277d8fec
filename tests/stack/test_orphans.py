"""`imagepull orphans` on a real API server: what a killed `create` left, and nothing else."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

from lab.lifecycle import Lab
from tests.pulumi_project import PulumiProject
from tests.stack.programs import auths
from tests.stack.test_ownership import both, identity
from tests.stack.test_service_accounts import listed, wait_for_default


def orphans(stack: PulumiProject, *arguments: str) -> "subprocess.CompletedProcess[str]":
    (stack.folder / "state.json").write_text(stack.pulumi("stack", "export").stdout)
    command = [sys.executable, "-m", "imagepull", "orphans", "state.json", *arguments]
    return subprocess.run(command, cwd=stack.folder, env=stack.env, capture_output=True, text=True, check=False)


def test_what_no_state_knows_is_listed_and_deleted_and_nothing_else(
    lab: Lab,
    project: Callable[..., PulumiProject],
    namespaces: Callable[[int], list[str]],
    secret: Callable[[str, str], dict[str, Any] | None],
) -> None:
    one, two = namespaces(2)
    wait_for_default(lab, one, two)
    known, lost = project(both([one])), project(both([two]))
    known.up()
    lost.up()
    # As after a `create` that was killed, and a `destroy` in place of the next `up`.
    state = lost.pulumi("stack", "export").stdout
    for resource in ("RegistrySecret::pull", "ServiceAccountImagePullSecrets::accounts"):
        lost.pulumi("state", "delete", f"urn:pulumi:test::test-project::imagepull:index:{resource}", "--yes", "--force")
    assert identity(secret("pull", two)) in state

    found = orphans(known)
    ours = [line for line in found.stdout.splitlines() if f" {one}/" in line or f" {two}/" in line]
    assert found.returncode == 1
    assert ours == [
        f"Secret {two}/pull, of test-project/test/pull",
        f"our part of ServiceAccount {two}/default, of test-project/test/accounts",
    ]
    assert secret("pull", two) is not None

    deleted = orphans(known, "--delete")
    assert deleted.returncode == 0, deleted.stderr
    assert secret("pull", two) is None
    assert listed(lab, two) == []
    assert auths(secret("pull", one))
    assert listed(lab, one) == ["pull"]
    assert f" {two}/" not in orphans(known).stdout
