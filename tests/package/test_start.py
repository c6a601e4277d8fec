"""The plugin as an executable with a Python of its own; and what the checkout's script says without an environment."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from imagepull import __version__
from lab.images import SHOP
from lab.layout import CHECKOUT
from lab.lifecycle import Lab
from tests.package.frozen import freeze
from tests.pulumi_project import PulumiStack


@pytest.fixture(scope="module")
def executable(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive of the frozen plugin, with the modules of the wheel."""
    return freeze(wheel, tmp_path_factory.mktemp("frozen"))


@pytest.mark.timeout(600)
def test_executable_is_installed_and_serves_a_program_without_python(
    lab: Lab, namespace: str, executable: Path, stack: Callable[[Path], PulumiStack], tmp_path: Path
) -> None:
    lab.add_programs(("pulumi-language-yaml",))
    folder = tmp_path / "program"
    folder.mkdir()
    access = {"registries": [{"host": SHOP.host}], "namespaces": [namespace]}
    web = {"image": "nginx:1", "namespace": namespace, "replicas": 0, "imagePullSecrets": "${access.imagePullSecrets}"}
    version = {"version": __version__}
    resources = {
        "access": {"type": "imagepull:RegistryAccess", "properties": access, "options": version},
        "web": {"type": "imagepull:Deployment", "properties": web, "options": version},
    }
    (folder / "Pulumi.yaml").write_text(json.dumps({"name": "program", "runtime": "yaml", "resources": resources}))
    program = stack(folder)
    program.pulumi("plugin", "install", "resource", "imagepull", __version__, "--file", str(executable))
    program.init()
    assert re.search(rf"resource +imagepull +{re.escape(__version__)}\n", program.pulumi("about").stdout)

    program.up()

    assert program.preview("--expect-no-changes").returncode == 0
    web_object = lab.kubectl("get", "deployment", "web", f"--namespace={namespace}", "--output=json")
    (container,) = json.loads(web_object)["spec"]["template"]["spec"]["containers"]
    assert container["imagePullPolicy"] == "IfNotPresent"
    # The descriptions are read from the source, which the executable holds, too.
    schema = json.loads(program.pulumi("package", "get-schema", f"imagepull@{__version__}").stdout)
    assert "without scheme" in schema["types"]["imagepull:index:Registry"]["properties"]["host"]["description"]
    program.destroy()


def test_script_of_the_checkout_says_where_to_install(tmp_path: Path) -> None:
    provider = tmp_path / "provider"
    provider.mkdir()
    shutil.copy(CHECKOUT / "provider" / "pulumi-resource-imagepull", provider)

    done = subprocess.run(
        [provider / "pulumi-resource-imagepull"], cwd=provider, capture_output=True, text=True, check=False
    )

    assert done.returncode == 1
    wanted = f"imagepull: there is no Python environment at {tmp_path}/.venv; in {tmp_path} run: pulumi install\n"
    assert done.stderr == wanted
