"""What an error of `up` says where a roll-out has failed and nothing watches it."""

import pulumi
import pytest

from components.rollout_hint import describe_failure


def failed(operation: str = "create", **metadata: object) -> pulumi.ErrorHookArgs:
    return pulumi.ErrorHookArgs(
        urn="",
        id="",
        name="web",
        type="kubernetes:apps/v1:Deployment",
        new_inputs={"metadata": metadata},
        failed_operation=operation,
        errors=["timed out"],
    )


@pytest.mark.parametrize(
    ("args", "command"),
    [
        (failed(name="web-1a2b3c", namespace="shop"), "`imagepull diagnose deployment/web-1a2b3c -n shop`"),
        (failed("update", name="web"), "`imagepull diagnose deployment/web`"),
        (failed(), "`imagepull diagnose deployment/web`"),
    ],
)
def test_a_failed_rollout_names_the_command_for_its_pods(args: pulumi.ErrorHookArgs, command: str) -> None:
    assert command in describe_failure(args)


def test_a_failed_deletion_is_about_no_image() -> None:
    assert describe_failure(failed("delete", name="web")) == ""
