"""The registries: images as container tools push and pull them, and who is let in."""

import base64
import hashlib
import json
import subprocess
from pathlib import Path

from lab.ecr import access_log
from lab.ecr.tokens import compute_fingerprint
from lab.images import PAUSE_REFERENCE, REGISTRIES, SHOP, TOOLS, Base, write_pause
from lab.processes import wait_until
from lab.publish import publish
from tests.node.lab_registry.ecr import WEB, Ecr


def test_every_published_image_is_pulled_by_its_digest(ecr: Ecr, digests: dict[str, str]) -> None:
    tokens = {registry.host: ecr.token(registry.region) for registry in REGISTRIES}

    found = {
        reference: ecr.inspect(reference, token=tokens[reference.partition("/")[0]]).stdout.strip()
        for reference in digests
    }

    assert found == digests


def test_publishing_again_changes_nothing(ecr: Ecr, digests: dict[str, str]) -> None:
    assert publish(ecr.config) == digests


def test_the_whole_image_comes_through(ecr: Ecr, digests: dict[str, str], tmp_path: Path) -> None:
    done = ecr.skopeo("copy", "--src-tls-verify=false", f"docker://{WEB}", f"dir:{tmp_path}", token=ecr.token())

    assert done.returncode == 0, done.stderr
    layer = Base.of_this_machine().layer
    assert (tmp_path / layer.digest.removeprefix("sha256:")).read_bytes() == layer.data


def test_an_upload_in_chunks_stays_with_the_address_that_the_client_used(ecr: Ecr, digests: dict[str, str]) -> None:
    token, content = ecr.token(), b"x" * 300_000
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"

    begun, _ = ecr.ask("POST", "/v2/shop/web/blobs/uploads/", token=token)
    location = begun.getheader("Location", "")
    assert location.startswith("/v2/shop/web/blobs/uploads/")
    parts = iter([content[:100_000], content[100_000:]])
    sent, _ = ecr.ask("PATCH", location, token=token, body=parts, chunked=True)
    assert sent.status == 202
    location = sent.getheader("Location", "")
    done, _ = ecr.ask("PUT", f"{location}&digest={digest}", token=token, body=b"")
    assert done.status == 201

    head, nothing = ecr.ask("HEAD", f"/v2/shop/web/blobs/{digest}", token=token)
    assert (head.status, head.getheader("Content-Length"), nothing) == (200, "300000", b"")
    assert ecr.ask("GET", f"/v2/shop/web/blobs/{digest}", token=token)[1] == content


def test_a_registry_challenges_who_has_no_credential(ecr: Ecr) -> None:
    answer, _ = ecr.ask("GET", "/v2/")

    assert answer.status == 401
    assert answer.getheader("Www-Authenticate") == f'Basic realm="https://{SHOP.host}/",service="ecr.amazonaws.com"'


def test_a_wrong_password_is_refused(ecr: Ecr) -> None:
    assert ecr.ask("GET", "/v2/", token=base64.b64encode(b"AWS:guess").decode())[0].status == 400


def test_a_token_opens_the_registries_of_its_region_only(ecr: Ecr) -> None:
    token = ecr.token(SHOP.region)

    assert ecr.ask("GET", "/v2/", token=token, host=SHOP.host)[0].status == 200
    assert ecr.ask("GET", "/v2/", token=token, host=TOOLS.host)[0].status == 400


def test_an_expired_token_is_refused_while_another_lives(ecr: Ecr) -> None:
    living = ecr.token()
    ecr.control.set_token_lifetime(1)
    dying = ecr.token()

    assert wait_until(lambda: ecr.ask("GET", "/v2/", token=dying)[0].status == 403, timeout=30)

    assert b"Your authorization token has expired" in ecr.ask("GET", "/v2/", token=dying)[1]
    assert ecr.ask("GET", "/v2/", token=living)[0].status == 200


def test_a_pull_is_in_the_log_with_the_token_that_was_used(ecr: Ecr, digests: dict[str, str]) -> None:
    token = ecr.token()
    before = len(access_log.read(ecr.config.access_log))

    assert ecr.inspect(WEB, token=token).returncode == 0

    accesses = access_log.read(ecr.config.access_log)[before:]
    pulled = access_log.find_manifest_requests(accesses, "shop/web", "1.0", host=SHOP.host, client="skopeo")
    assert [(one.status, one.credential) for one in pulled] == [(200, compute_fingerprint(token))]
    assert accesses[0].status == 401
    assert accesses[0].credential is None


def test_the_pause_image_is_an_archive_that_container_tools_read(tmp_path: Path) -> None:
    archive = tmp_path / "pause.tar"

    assert write_pause(archive) == PAUSE_REFERENCE

    done = subprocess.run(
        ["skopeo", "inspect", "--config", f"oci-archive:{archive}:{PAUSE_REFERENCE}"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["config"]["User"] == "65532:65532"


def test_status_lines_are_written_as_registries_write_them(ecr: Ecr) -> None:
    assert ecr.ask("GET", "/v2/")[0].reason == "Unauthorized"
    assert ecr.ask("GET", "/v2/", token=base64.b64encode(b"AWS:guess").decode())[0].reason == "Bad Request"
    assert ecr.ask("GET", "/v2/shop/web/manifests/none", token=ecr.token())[0].reason == "Not Found"
    assert ecr.ask("GET", "/v2/", token=ecr.token())[0].reason == "OK"
