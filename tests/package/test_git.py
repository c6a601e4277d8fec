"""The package by git URL: added at a tag and at a commit from an HTTPS server, and run; a branch is refused."""

import json
import os
import shutil
import ssl
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import certifi
import pytest
import yaml

from imagepull import __version__
from lab.images import SHOP
from lab.layout import CHECKOUT
from lab.lifecycle import Lab
from lab.pki import Authority
from tests.languages import leave_out
from tests.package.git_server import publish, serve_repositories
from tests.pulumi_project import PulumiStack

TAG = f"v{__version__}"
PUBLISHED = ("imagepull", "components", "provider", "requirements.txt", "constraints.txt")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[tuple[str, str]]:
    """The URL of the plugin's folder in a git repository, and the commit."""
    files, repositories = tmp_path_factory.mktemp("files"), tmp_path_factory.mktemp("repositories")
    for name in PUBLISHED:
        if (CHECKOUT / name).is_dir():
            shutil.copytree(CHECKOUT / name, files / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(CHECKOUT / name, files / name)
    (repositories / "example").mkdir()
    commit = publish(files, repositories / "example", "imagepull.git", TAG)
    address = f"127.{os.getpid() % 250 + 1}.{os.getpid() // 250 % 250}.7"  # this process's own
    certificate, key = authority.issue("git", name="git", hosts=[address])
    try:
        with serve_repositories(repositories, address, certificate, key) as url:
            yield f"{url}/example/imagepull.git/provider", commit
    except PermissionError:
        leave_out("only root may listen on port 443")


@pytest.fixture
def trusting(outside: dict[str, str], authority: Authority, tmp_path: Path) -> None:
    """The variables of `outside`, for programs that trust the git server, too."""
    system = os.environ.get("SSL_CERT_FILE") or ssl.get_default_verify_paths().cafile or certifi.where()
    bundle = tmp_path / "authorities.pem"
    bundle.write_text(Path(system).read_text() + authority.certificate.read_text())
    outside["SSL_CERT_FILE"] = str(bundle)


@pytest.mark.usefixtures("trusting")
def test_package_is_added_at_a_tag_and_runs(
    lab: Lab,
    namespace: str,
    repository: tuple[str, str],
    stack: Callable[[Path], PulumiStack],
    tmp_path: Path,
) -> None:
    lab.add_programs(("pulumi-language-yaml",))
    url, _ = repository
    folder = tmp_path / "program"
    folder.mkdir()
    project = folder / "Pulumi.yaml"
    project.write_text("name: program\nruntime: yaml\n")
    program = stack(folder)

    program.pulumi("package", "add", f"{url}@{TAG}")
    added = yaml.safe_load(project.read_text())
    properties = {"registries": [{"host": SHOP.host}], "namespaces": [namespace]}
    resources = {"access": {"type": "imagepull:RegistryAccess", "properties": properties}}
    project.write_text(json.dumps({**added, "resources": resources}))
    program.init()
    program.up()

    assert program.preview("--expect-no-changes").returncode == 0
    assert "access" in lab.kubectl("get", "secrets", f"--namespace={namespace}")
    program.destroy()

    # The SDK's name does not follow the owner of the repository.
    sdk = tmp_path / "sdk"
    program.pulumi("package", "gen-sdk", f"{url}@{TAG}", "--local", "--language", "python", "--out", str(sdk))
    assert (sdk / "python" / "pulumi_imagepull" / "__init__.py").exists()


@pytest.mark.usefixtures("trusting")
def test_commit_is_taken_and_a_branch_is_not(
    lab: Lab, repository: tuple[str, str], outside: Mapping[str, str], tmp_path: Path
) -> None:
    url, commit = repository
    # Without a Python to install it with, it ends once it is unpacked.
    program = PulumiStack(lab, tmp_path, env={**outside, "PULUMI_PYTHON_CMD": "false"})

    taken = program.pulumi("package", "get-schema", f"{url}@{commit}", check=False).stderr
    refused = program.pulumi("package", "get-schema", f"{url}@main", check=False).stderr

    assert "Installing dependencies" in taken
    assert "Installing dependencies" not in refused
    assert "main" in refused
