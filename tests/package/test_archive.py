"""The plugin's archive: what is in it, and that Pulumi installs it from a URL and runs it."""

import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path

import yaml

from imagepull import __version__
from imagepull.install.archive import PLATFORMS, make_archive, write_archives
from lab.images import SHOP
from lab.lifecycle import Lab
from tests.package.server import serve_files
from tests.pulumi_project import PulumiStack


def test_archive_has_one_file_for_each_platform_and_is_the_same_each_time(wheel: Path, tmp_path: Path) -> None:
    first, second = (write_archives(wheel, tmp_path / name) for name in ("first", "second"))

    assert [file.name for file in first] == [
        f"pulumi-resource-imagepull-v{__version__}-{platform}.tar.gz" for platform in PLATFORMS
    ]
    assert len({file.read_bytes() for file in (*first, *second)}) == 1


def test_archive_holds_plain_files_and_starts_at_its_root(wheel: Path) -> None:
    with tarfile.open(fileobj=io.BytesIO(make_archive(wheel.name, wheel.read_bytes()))) as archive:
        entries = archive.getmembers()
        plugin = yaml.safe_load(archive.extractfile("PulumiPlugin.yaml"))  # type: ignore[arg-type]

    assert {entry.name for entry in entries} == {
        "PulumiPlugin.yaml",
        "__main__.py",
        "requirements.txt",
        "constraints.txt",
        wheel.name,
    }
    assert [entry.name for entry in entries if not entry.isfile() or entry.pax_headers] == []
    assert plugin["runtime"]["name"] == "python"


def test_package_is_added_by_version_and_url_and_runs(
    lab: Lab,
    namespace: str,
    wheel: Path,
    stack: Callable[[Path], PulumiStack],
    tmp_path: Path,
) -> None:
    lab.add_programs(("pulumi-language-yaml",))
    folder = tmp_path / "program"
    folder.mkdir()
    resources = {
        "access": {
            "type": "imagepull:RegistryAccess",
            "properties": {"registries": [{"host": SHOP.host}], "namespaces": [namespace]},
        }
    }
    project = folder / "Pulumi.yaml"
    project.write_text(json.dumps({"name": "program", "runtime": "yaml"}))
    write_archives(wheel, tmp_path / "release")
    program = stack(folder)

    with serve_files(tmp_path / "release") as url:
        program.pulumi("package", "add", f"imagepull@{__version__}", "--server", url)
        added = yaml.safe_load(project.read_text())
        project.write_text(json.dumps({**added, "resources": resources}))
        program.init()
        program.up()

        assert program.preview("--expect-no-changes").returncode == 0
        program.destroy()

    assert added["packages"] == {"imagepull": {"source": "imagepull", "version": __version__, "pluginDownloadURL": url}}
    plugins = json.loads(program.pulumi("about", "--json").stdout)["plugins"]
    assert [plugin["version"] for plugin in plugins if plugin["name"] == "imagepull"] == [__version__]
