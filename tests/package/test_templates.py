"""From an empty folder to running Pods: `pulumi new` with each template, from the wheel alone, on the lab."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from imagepull import __version__
from imagepull.install.templates import TEMPLATES
from lab.images import SHOP
from lab.lifecycle import Lab
from tests.languages import run
from tests.pulumi_project import STACK, PulumiStack


@pytest.mark.parametrize("template", TEMPLATES)
def test_empty_folder_to_running_pods(
    lab: Lab,
    namespace: str,
    fresh: Callable[[], Path],
    stack: Callable[[Path], PulumiStack],
    tmp_path: Path,
    template: str,
) -> None:
    lab.add_programs(("pulumi-language-yaml",))
    imagepull = fresh() / "bin" / "imagepull"
    (tmp_path / "shop").mkdir()
    project = stack(tmp_path / "shop")
    folder = run(str(imagepull), "template", template, folder=tmp_path).strip()

    project.pulumi("new", folder, "--yes", "--name", "shop", "--stack", STACK, "--config", f"namespace={namespace}")
    project.up()

    pods = json.loads(lab.kubectl("get", "pods", f"--namespace={namespace}", "--output=json"))["items"]
    (container,) = pods[0]["spec"]["containers"]
    assert container["image"] == f"{SHOP.host}/shop/web:1.0"
    assert container["imagePullPolicy"] == "IfNotPresent"
    if not lab.without:
        assert [pod["status"]["phase"] for pod in pods] == ["Running"]
    assert project.preview("--expect-no-changes").returncode == 0
    assert re.search(rf"imagepull +{re.escape(__version__)}\b", project.pulumi("about").stdout)
    project.destroy()
    assert "registry-access" not in lab.kubectl("get", "secrets", f"--namespace={namespace}")


def test_plugin_folder_is_written_into_a_project(
    lab: Lab, namespace: str, fresh: Callable[[], Path], stack: Callable[[Path], PulumiStack], tmp_path: Path
) -> None:
    environment = fresh()
    folder = tmp_path / "own"
    folder.mkdir()
    project = folder / "Pulumi.yaml"
    project.write_text("name: own\nruntime: {name: python, options: {virtualenv: .venv}}\n")
    (folder / ".venv").symlink_to(environment)
    (folder / "__main__.py").write_text(
        "from imagepull.components import RegistryAccess\n"
        f"RegistryAccess('pull', registries=[{{'host': '{SHOP.host}'}}], namespaces=['{namespace}'])\n"
    )

    told = run(str(environment / "bin" / "imagepull"), "plugin", "folder", folder=folder)
    block = told[re.search(r"^plugins:", told, re.MULTILINE).start() :]  # type: ignore[union-attr]
    project.write_text(project.read_text() + block)
    program = stack(folder)
    program.init()
    program.up()

    assert "pull" in lab.kubectl("get", "secrets", f"--namespace={namespace}")
    assert "warning" not in program.output
