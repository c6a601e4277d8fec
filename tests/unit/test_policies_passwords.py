"""The policy against plain-text passwords: what it finds, and whether it looked in the program's folder."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from imagepull.errors import InvalidInput
from imagepull.inputs import UNKNOWN
from lab.layout import CHECKOUT
from policies.credentials import NO_PLAIN_TEXT_PASSWORDS
from policies.policy import Declared
from policies.project_folder import _find_folders_of_cli, list_folders
from policies.stack_files import list_plain_texts
from tests.unit.policy_examples import PASSWORD, declared, findings, pull_secret, registry_secret


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A Pulumi project, with the current folder in it as Pulumi has it for a policy pack."""
    (tmp_path / "Pulumi.yaml").write_text("name: shop\nruntime: python\nstackConfigDir: stacks\n")
    (tmp_path / "stacks").mkdir()
    (tmp_path / "app").mkdir()
    monkeypatch.chdir(tmp_path / "app")
    yield tmp_path
    list_plain_texts.cache_clear()


@pytest.mark.parametrize(
    "resource", [registry_secret("hidden", PASSWORD), pull_secret(), pull_secret(part="stringData")]
)
@pytest.mark.parametrize(
    "value",
    [
        PASSWORD,
        f'\'{{"host": "ghcr.io", "password": "{PASSWORD}"}}\'',
        base64.b64encode(f"u:{PASSWORD}".encode()).decode(),
        f"[{{host: ghcr.io, password: {PASSWORD}}}]",
    ],
    ids=["itself", "in-json", "as-auth", "structured"],
)
def test_password_in_the_stack_configuration_is_found(project: Path, resource: Declared, value: str) -> None:
    (project / "stacks/Pulumi.dev.yaml").write_text(f"config:\n  shop:registry: other\n  shop:token: {value}\n")

    (found,) = findings(NO_PLAIN_TEXT_PASSWORDS, resource)

    assert found.startswith(
        ("registries[1].password: ", 'data[".dockerconfigjson"]: ', 'stringData[".dockerconfigjson"]: ')
    )
    assert "Pulumi.dev.yaml line 3" in found
    assert PASSWORD not in found


def test_encoded_document_in_the_stack_configuration_is_found(project: Path) -> None:
    resource = pull_secret()
    document = resource.props["data"][".dockerconfigjson"]
    (project / "stacks/Pulumi.dev.yaml").write_text(f"config:\n  shop:document: {document}\n")

    assert len(findings(NO_PLAIN_TEXT_PASSWORDS, resource)) == 1


def test_password_in_a_secret_of_the_old_form_is_found(project: Path) -> None:
    (project / "stacks/Pulumi.dev.yaml").write_text(f"config:\n  shop:token: {PASSWORD}\n")
    document = json.dumps({"ghcr.io": {"username": "u", "password": PASSWORD}})
    resource = declared("kubernetes:core/v1:Secret", {"kind": "Secret", "stringData": {".dockercfg": document}})

    assert len(findings(NO_PLAIN_TEXT_PASSWORDS, resource)) == 1


def test_password_in_the_project_file_is_found(project: Path) -> None:
    with (project / "Pulumi.yaml").open("a") as file:
        file.write(f"config:\n  token: {{default: {PASSWORD}}}\n")

    (found,) = findings(NO_PLAIN_TEXT_PASSWORDS, registry_secret(PASSWORD))

    assert "Pulumi.yaml line 5" in found


def test_encrypted_password_passes(project: Path) -> None:
    text = "config:\n  shop:token:\n    secure: v1:abcd\n  shop:registries:\n  - password: {secure: v1:abcd}\n"
    (project / "stacks/Pulumi.dev.yaml").write_text(text)
    (project / "stacks/Pulumi.prod.yaml").write_text(f"config:\n  shop:token: {PASSWORD}\n")

    assert findings(NO_PLAIN_TEXT_PASSWORDS, registry_secret(PASSWORD, "v1:abcd", UNKNOWN, None)) == []
    assert findings(NO_PLAIN_TEXT_PASSWORDS, pull_secret()) == []


def test_short_password_is_no_part_of_a_sentence(project: Path) -> None:
    (project / "stacks/Pulumi.dev.yaml").write_text("config:\n  shop:motd: a test of it\n  shop:token: other\n")

    assert findings(NO_PLAIN_TEXT_PASSWORDS, registry_secret("test")) == []
    assert len(findings(NO_PLAIN_TEXT_PASSWORDS, registry_secret("other"))) == 1


def test_file_that_is_not_yaml_is_named_and_not_quoted(project: Path) -> None:
    (project / "stacks/Pulumi.dev.yaml").write_text(f"config: [{PASSWORD}")

    with pytest.raises(InvalidInput, match=r"Pulumi\.dev\.yaml: is not YAML") as caught:
        findings(NO_PLAIN_TEXT_PASSWORDS, registry_secret(PASSWORD))

    assert PASSWORD not in str(caught.value)


def test_check_that_finds_no_project_says_so(project: Path) -> None:
    (project / "Pulumi.yaml").unlink()

    with pytest.raises(InvalidInput, match=r"Pulumi\.yaml: of project shop is not to be found.*were not checked"):
        findings(NO_PLAIN_TEXT_PASSWORDS, registry_secret(PASSWORD))
    assert findings(NO_PLAIN_TEXT_PASSWORDS, registry_secret(None)) == []


def test_project_of_another_name_is_not_taken_for_the_programs(
    project: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Newer language hosts start the pack in its own folder, inside of somebody else's project."""
    (project / "Pulumi.yaml").write_text("name: shop\n")
    (project / "Pulumi.dev.yaml").write_text(f"config:\n  shop:token: {PASSWORD}\n")
    other = tmp_path_factory.mktemp("other")
    (other / "Pulumi.yaml").write_text("name: pack\n")
    monkeypatch.chdir(other)

    monkeypatch.setenv("PWD", str(other))
    with pytest.raises(
        InvalidInput, match=r"of project shop is not to be found \(found: pack\), so its texts were not"
    ):
        findings(NO_PLAIN_TEXT_PASSWORDS, registry_secret(PASSWORD))

    monkeypatch.setenv("PWD", str(project / "app"))
    (found,) = findings(NO_PLAIN_TEXT_PASSWORDS, registry_secret(PASSWORD))
    assert "Pulumi.dev.yaml line 2" in found


def test_packs_own_folder_says_nothing_about_the_program(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PWD")
    monkeypatch.chdir(CHECKOUT / "policies")

    assert CHECKOUT / "policies" not in list(list_folders())


def test_folder_of_the_cli_is_found_through_the_processes_above(tmp_path: Path) -> None:
    def process(number: int, name: str, parent: int) -> None:
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "comm").write_text(f"{name}\n")
        (folder / "stat").write_text(f"{number} ({name}) S {parent} 1 1 0")
        (folder / "cwd").symlink_to(f"/srv/{name.strip(' )')}")

    process(30, "pulumi-language", 20)
    process(20, "a ) b", 10)
    process(10, "pulumi", 1)
    process(40, "bash", 41)
    process(41, "systemd", 1)

    assert list(_find_folders_of_cli(tmp_path, 30)) == [Path("/srv/pulumi")]
    assert list(_find_folders_of_cli(tmp_path, 40)) == []
    assert list(_find_folders_of_cli(tmp_path, 99)) == []


def test_document_that_is_none_passes(project: Path) -> None:
    resource = pull_secret()
    for document in ("no base64!", "e30=", UNKNOWN):
        props = {**resource.props, "data": {".dockerconfigjson": document}}
        assert findings(NO_PLAIN_TEXT_PASSWORDS, declared(resource.type, props)) == []
