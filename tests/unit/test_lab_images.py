"""The images that the lab makes: what they hold, and that they are the same on every run."""

import gzip
import hashlib
import io
import json
import tarfile
from typing import Any

import pytest

from lab.images import REPOSITORIES, SLEEP, WEB, Base, Blob, Image, make_layout


@pytest.fixture
def base() -> Base:
    return Base.of(b"not really busybox", architecture="amd64")


def members(blob: Blob) -> dict[str, tarfile.TarInfo]:
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(blob.data))) as archive:
        return {entry.name: entry for entry in archive}


def config(image: Image) -> dict[str, Any]:
    return dict(json.loads(image.parts[0].data))


def test_the_same_name_and_program_give_the_same_digest(base: Base) -> None:
    again = Base.of(b"not really busybox", architecture="amd64")

    assert base.image("a:1", WEB).manifest.digest == again.image("a:1", WEB).manifest.digest


def test_every_tag_is_an_image_of_its_own(base: Base) -> None:
    images = [
        base.image(repository.reference(tag), repository.script)
        for repository in REPOSITORIES
        for tag in repository.tags
    ]

    assert len({image.manifest.digest for image in images}) == len(images)


def test_nothing_of_this_machine_is_in_a_layer(base: Base) -> None:
    entries = [entry for part in base.image("a:1", WEB).parts[1:] for entry in members(part).values()]

    assert {(entry.mtime, entry.uid, entry.gid, entry.uname, entry.gname) for entry in entries} == {(0, 0, 0, "", "")}


def test_the_programs_are_names_of_busybox(base: Base) -> None:
    entries = members(base.layer)

    assert entries["bin/busybox"].isreg()
    assert entries["bin"].isdir()
    assert {"bin/sh", "bin/httpd", "bin/sleep"} <= {
        name for name, entry in entries.items() if entry.issym() and entry.linkname == "busybox"
    }


def test_the_page_names_image_and_tag(base: Base) -> None:
    page = base.image("host/shop/web:1.0", WEB).parts[-1]

    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(page.data))) as archive:
        content = archive.extractfile("www/index.html")
        assert content is not None
        assert content.read() == b"host/shop/web:1.0\n"


@pytest.mark.parametrize("script", [WEB, SLEEP])
def test_an_image_runs_without_rights_and_ends_when_told(base: Base, script: str) -> None:
    settings = config(base.image("a:1", script))["config"]

    assert settings["User"] == "65532:65532"
    assert settings["Entrypoint"] == ["/bin/sh", "-c", script]
    assert script.startswith("trap 'exit 0' TERM INT; ")
    assert script.endswith(" & wait")


def test_the_manifest_points_to_every_part(base: Base) -> None:
    image = base.image("a:1", WEB)
    manifest = json.loads(image.manifest.data)

    pointed = [manifest["config"], *manifest["layers"]]

    assert [(entry["digest"], entry["size"]) for entry in pointed] == [
        (f"sha256:{hashlib.sha256(part.data).hexdigest()}", len(part.data)) for part in image.parts
    ]
    assert config(image)["rootfs"]["diff_ids"] == [
        f"sha256:{hashlib.sha256(gzip.decompress(part.data)).hexdigest()}" for part in image.parts[1:]
    ]


def test_a_layout_names_its_images_and_holds_each_blob_once(base: Base) -> None:
    images = {"1.0": base.image("a:1.0", WEB), "1.1": base.image("a:1.1", WEB)}

    files = make_layout(images)

    index = json.loads(files["index.json"])
    assert {
        entry["annotations"]["org.opencontainers.image.ref.name"]: entry["digest"] for entry in index["manifests"]
    } == {name: image.manifest.digest for name, image in images.items()}
    # Two manifests, two configs, two pages, and busybox that they share.
    assert sum(path.startswith("blobs/sha256/") for path in files) == 7


def test_each_repository_has_a_latest_beside_fixed_tags() -> None:
    assert all("latest" in repository.tags and len(repository.tags) > 1 for repository in REPOSITORIES)


def test_the_repositories_are_of_two_accounts_in_two_regions() -> None:
    hosts = [repository.registry.host for repository in REPOSITORIES]

    assert hosts.count("123456789012.dkr.ecr.us-east-1.amazonaws.com") == 2
    assert hosts.count("210987654321.dkr.ecr.eu-west-1.amazonaws.com") == 1
