"""Credentials that cannot be had from where the settings say: an earlier token stays, other registries are written."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from lab.lifecycle import Lab
from tests.pulumi_project import PulumiProject
from tests.stack.programs import EU, US, auths, let_hours_pass, pull_secret

STATIC = "[profile p]\naws_access_key_id = test\naws_secret_access_key = test\n"
ROLE = "role_arn = arn:aws:iam::123456789012:role/pull"
BROKEN = {
    "credential_process = /nowhere/tool": "credential_process gives no credentials (/nowhere/tool: No such file",
    f"{ROLE}\nweb_identity_token_file = /nowhere/token": "the web identity token file gives no credentials (/nowhere",
    f"{ROLE}\nsource_profile = s\nmfa_serial = arn:aws:iam::123456789012:mfa/me": "asks for an MFA code",
}


def test_broken_source_of_credentials_keeps_its_living_token_and_holds_up_no_other_registry(
    lab: Lab,
    project: Callable[..., PulumiProject],
    namespaces: Callable[[int], list[str]],
    secret: Callable[[str, str], dict[str, Any] | None],
    tmp_path: Path,
) -> None:
    (name,) = namespaces(1)
    config = tmp_path / "aws-config"
    config.write_text(STATIC)
    stack = project(pull_secret([name], {"host": US, "profile": "p"}, EU), AWS_CONFIG_FILE=str(config))
    stack.up()

    for broken, cause in BROKEN.items():
        before = auths(secret("pull", name))
        config.write_text(f"[profile s]\naws_access_key_id = a\naws_secret_access_key = b\n[profile p]\n{broken}\n")
        let_hours_pass(stack, 9)
        told = stack.up().stdout

        after = auths(secret("pull", name))
        assert cause in told
        assert "its earlier token stays" in told
        assert after[US] == before[US]
        assert after[EU] != before[EU]
        assert "Traceback" not in stack.output
