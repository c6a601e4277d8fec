"""What only the stack's file shows: passwords in plain text, keys outside of config, prefixes."""

import json
from pathlib import Path

import pytest
import yaml

from imagepull.stack_config.reader import read
from imagepull.stack_config.stack_file import read_stack_file
from tests.unit.stack_config.config_examples import RIGHT, STATIC, reported


@pytest.mark.parametrize("prefix", ["imagepull", "shopp"])
def test_wrong_prefix_is_named(prefix: str) -> None:
    told = reported({"shop:namespaces": RIGHT["shop:namespaces"], f"{prefix}:registries": RIGHT["shop:registries"]})

    assert told == [
        "shop:registries: is missing; write a list of at least one",
        f"{prefix}:registries: is read by nobody; write shop:registries",
    ]


def test_keys_of_others_are_theirs() -> None:
    others = {
        "other:registries": "x",
        "aws:region": "x",
        "imagepull:kubeconfig": "x",
        "kubernetes:kubeconfig": "x",
    }

    assert read({**RIGHT, **others}, "shop") == read(RIGHT, "shop")


def test_password_in_plain_text_is_refused() -> None:
    plain = {**RIGHT, "shop:registries": json.dumps(STATIC)}

    (told,) = reported(plain, secret_keys=[])
    read(plain, "shop", secret_keys=["shop:registries"])

    assert told == (
        "shop:registries[1].password: stands in plain text in the stack's file; replace it at the registry, and write"
        " the new one with `pulumi config set --secret --path 'shop:registries[1].password'`"
    )


@pytest.mark.parametrize("key", ["shop:registries", "registries"])
def test_password_in_plain_text_beside_an_encrypted_one_is_refused(key: str, tmp_path: Path) -> None:
    both = [*STATIC, {"host": "quay.io", "username": "a", "password": "other"}]
    written = [*STATIC, {**both[2], "password": {"secure": "v1:a:b"}}]
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nstackConfigDir: stacks\n")
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks" / "Pulumi.dev.yaml").write_text(yaml.safe_dump({"config": {key: written}}))

    (told,) = reported(
        {**RIGHT, "shop:registries": json.dumps(both)},
        secret_keys=["shop:registries"],
        stack_file=read_stack_file(tmp_path, "dev"),
    )

    assert told.startswith("shop:registries[1].password: stands in plain text")
    assert "geheim" not in told


def test_key_outside_of_config_is_named_as_such(tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: shop\n")
    text = (
        "encryptionsalt: v1:a:b\nsecretsprovider: awskms://x\nconfig: {}\nshop:workloads: []\nimagepull:context: dev\n"
    )
    (tmp_path / "Pulumi.dev.yaml").write_text(text)

    told = reported(RIGHT, stack_file=read_stack_file(tmp_path, "dev"))

    assert told == [
        f"{key}: stands outside of config: in Pulumi.dev.yaml, where nobody reads it; move it below config:"
        for key in ("shop:workloads", "imagepull:context")
    ]


@pytest.mark.parametrize("text", ["[", "- a", "config: 3", "\xff"])
def test_file_that_pulumi_would_refuse_is_left_to_it(text: str, tmp_path: Path) -> None:
    (tmp_path / "Pulumi.yaml").write_text("name: shop\n")
    (tmp_path / "Pulumi.dev.yaml").write_text(text, encoding="latin-1")

    assert read(RIGHT, "shop", stack_file=read_stack_file(tmp_path, "dev")) == read(RIGHT, "shop")


def test_stack_without_a_file_is_read(tmp_path: Path) -> None:
    assert read_stack_file(tmp_path, "dev") is None
