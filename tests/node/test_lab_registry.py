"""The lab's ECR as AWS SDKs and container tools meet it: the real process, boto3, skopeo and docker-registry."""

import base64
import contextlib
import dataclasses
import hashlib
import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ConnectionClosedError

from lab import layout
from lab.debian import find
from lab.ecr import access_log
from lab.ecr.client import EcrControl
from lab.ecr.config import EcrConfig, RegistryConfig
from lab.ecr.faults import FaultMode
from lab.ecr.tokens import fingerprint
from lab.errors import LabError
from lab.images import PAUSE_REFERENCE, REGISTRIES, SHOP, TOOLS, Base, write_pause
from lab.processes import wait_until
from lab.publish import publish

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient
    from mypy_boto3_ecr_public import ECRPublicClient
    from mypy_boto3_sts import STSClient

_MISSING = [program for program in ("docker-registry", "skopeo", "busybox") if find(program) is None]
pytestmark = pytest.mark.skipif(bool(_MISSING), reason=f"not installed: {', '.join(_MISSING)}")

WEB = f"{SHOP.host}/shop/web:1.0"
Service = Literal["ecr", "ecr-public", "sts"]


def processes_of(folder: Path) -> dict[int, str]:
    """What runs with this folder in its command line: process id to command line."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if str(folder) in command:
                found[int(process.name)] = command
    return found


class Ecr:
    """The process under test, and the ways to it that users have."""

    def __init__(self, folder: Path) -> None:
        ports = layout.new("registry-test").ports
        self.folder = folder
        self.config = EcrConfig(
            state=folder / "state",
            api_port=ports.ecr,
            control_port=ports.ecr_control,
            registries=tuple(
                RegistryConfig(
                    host=registry.host,
                    account=registry.account,
                    region=registry.region,
                    port=ports.registries[registry.host],
                    backend_port=ports.backends[registry.host],
                    storage=folder / "storage" / registry.host,
                )
                for registry in REGISTRIES
            ),
        )
        self.config_file = folder / "ecr.json"
        self.config.write(self.config_file)
        self.output = folder / "output.log"
        self.control = EcrControl.of(self.config_file)
        self.start()

    def start(self) -> None:
        with self.output.open("ab") as output:
            command = [sys.executable, "-m", "lab.ecr", "--config", str(self.config_file)]
            self.process = subprocess.Popen(command, stdout=output, stderr=output)
        assert wait_until(lambda: self.config.ready.exists() or self.process.poll() is not None, timeout=60)
        assert self.process.poll() is None, self.output.read_text()

    def stop(self, sign: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(sign)
        status = self.process.wait(timeout=30)
        self.config.ready.unlink(missing_ok=True)
        return status

    def client(self, service: Service, region: str = "us-east-1", **credentials: str) -> Any:
        keys = {"aws_access_key_id": "AKIAIOSFODNN7EXAMPLE", "aws_secret_access_key": "fake"} | credentials
        once = Config(retries={"total_max_attempts": 1}, proxies={})
        endpoint = f"http://127.0.0.1:{self.config.api_port}"
        return boto3.session.Session().client(service, region, endpoint_url=endpoint, config=once, **keys)  # type: ignore[call-overload]

    def ecr(self, region: str = "us-east-1", **credentials: str) -> "ECRClient":
        client: ECRClient = self.client("ecr", region, **credentials)
        return client

    def ecr_as_role(self, account: str, region: str) -> "ECRClient":
        sts: STSClient = self.client("sts")
        role = sts.assume_role(RoleArn=f"arn:aws:iam::{account}:role/puller", RoleSessionName="test")["Credentials"]
        return self.ecr(
            region,
            aws_access_key_id=role["AccessKeyId"],
            aws_secret_access_key=role["SecretAccessKey"],
            aws_session_token=role["SessionToken"],
        )

    def token(self, region: str = "us-east-1") -> str:
        return self.ecr(region).get_authorization_token()["authorizationData"][0]["authorizationToken"]

    def port(self, host: str) -> int:
        return next(registry.port for registry in self.config.registries if registry.host == host)

    def ask(
        self,
        method: str,
        path: str,
        *,
        host: str = SHOP.host,
        token: str | None = None,
        body: Any = None,
        chunked: bool = False,
    ) -> tuple[http.client.HTTPResponse, bytes]:
        """One request to a registry."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port(host), timeout=30)
        headers = {} if token is None else {"Authorization": f"Basic {token}"}
        if chunked:
            headers["Transfer-Encoding"] = "chunked"
        connection.request(method, path, body, headers, encode_chunked=chunked)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer, content

    def skopeo(self, *arguments: str, token: str) -> subprocess.CompletedProcess[str]:
        """`skopeo` with a token for every registry; `HOST/` in arguments becomes the registry's address."""
        auth = self.folder / "auth.json"
        auth.write_text(
            json.dumps({"auths": {f"127.0.0.1:{one.port}": {"auth": token} for one in self.config.registries}})
        )
        at = {f"{one.host}/": f"127.0.0.1:{one.port}/" for one in self.config.registries}
        for host, address in at.items():
            arguments = tuple(argument.replace(host, address) for argument in arguments)
        command = ["skopeo", *arguments, f"--authfile={auth}"]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def inspect(self, reference: str, *, token: str) -> subprocess.CompletedProcess[str]:
        return self.skopeo(
            "inspect", "--tls-verify=false", "--format={{.Digest}}", f"docker://{reference}", token=token
        )


@pytest.fixture(scope="module")
def ecr(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ecr]:
    process = Ecr(tmp_path_factory.mktemp("ecr"))
    yield process
    if process.process.poll() is None:
        process.stop()


@pytest.fixture(autouse=True)
def _mended(ecr: Ecr) -> Iterator[None]:
    yield
    if ecr.process.poll() is not None:
        ecr.start()
    ecr.control.set_fault(FaultMode.NONE)
    ecr.control.set_token_lifetime(ecr.config.token_lifetime)


@pytest.fixture(scope="module")
def digests(ecr: Ecr) -> dict[str, str]:
    """Every image of the lab is in the registries: reference to digest."""
    return publish(ecr.config)


def test_the_sdk_finds_it_by_the_environment(ecr: Ecr, monkeypatch: pytest.MonkeyPatch) -> None:
    for service in ("ECR", "STS"):
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", f"http://127.0.0.1:{ecr.config.api_port}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "fake")
    session = boto3.session.Session(region_name="us-east-1")

    assert session.client("sts").get_caller_identity()["Account"] == SHOP.account
    assert session.client("ecr").get_authorization_token()["authorizationData"][0]["proxyEndpoint"]


def test_a_token_expires_in_twelve_hours(ecr: Ecr) -> None:
    before = datetime.now(UTC)

    data = ecr.ecr().get_authorization_token()["authorizationData"]

    assert len(data) == 1
    assert before < data[0]["expiresAt"] - timedelta(hours=11, minutes=59)
    assert data[0]["expiresAt"] <= datetime.now(UTC) + timedelta(hours=12)
    assert data[0]["proxyEndpoint"] == f"https://{SHOP.host}"
    assert base64.b64decode(data[0]["authorizationToken"]).startswith(b"AWS:")


def test_a_role_has_the_endpoint_of_its_own_account(ecr: Ecr) -> None:
    assumed = ecr.ecr_as_role(TOOLS.account, TOOLS.region)

    assert assumed.get_authorization_token()["authorizationData"][0]["proxyEndpoint"] == f"https://{TOOLS.host}"
    assert ecr.control.calls()[-1].principal == f"arn:aws:sts::{TOOLS.account}:assumed-role/puller/test"


def test_registry_ids_are_answered_each(ecr: Ecr) -> None:
    data = ecr.ecr().get_authorization_token(registryIds=[SHOP.account, TOOLS.account])["authorizationData"]

    assert [one["proxyEndpoint"].removeprefix("https://")[:12] for one in data] == [SHOP.account, TOOLS.account]


def test_ecr_public_answers_with_one_object(ecr: Ecr) -> None:
    public: ECRPublicClient = ecr.client("ecr-public")

    data = public.get_authorization_token()["authorizationData"]

    assert data["expiresAt"] > datetime.now(UTC)
    assert ecr.ask("GET", "/v2/", token=data["authorizationToken"])[0].status == 400


def test_ecr_public_is_in_two_regions_only(ecr: Ecr) -> None:
    public: ECRPublicClient = ecr.client("ecr-public", "eu-west-1")

    with pytest.raises(ClientError, match="UnsupportedCommandException"):
        public.get_authorization_token()


def test_a_call_without_a_signature_is_refused(ecr: Ecr) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", ecr.config.api_port)
    target = "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken"
    connection.request("POST", "/", "{}", {"X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1"})
    answer = connection.getresponse()

    assert answer.status == 400
    assert json.loads(answer.read())["__type"] == "MissingAuthenticationTokenException"
    connection.close()


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


def test_the_api_knows_tags_and_digests_of_each_account(ecr: Ecr, digests: dict[str, str]) -> None:
    for registry in REGISTRIES:
        reader = ecr.ecr_as_role(registry.account, registry.region)

        told = {
            f"{registry.host}/{repository['repositoryName']}:{tag}": image["imageDigest"]
            for repository in reader.describe_repositories()["repositories"]
            for image in reader.describe_images(repositoryName=repository["repositoryName"])["imageDetails"]
            for tag in image["imageTags"]
        }

        assert told == {name: digest for name, digest in digests.items() if name.startswith(registry.host)}


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


@pytest.mark.parametrize(
    ("mode", "code"),
    [
        (FaultMode.THROTTLED, "ThrottlingException"),
        (FaultMode.ACCESS_DENIED, "AccessDeniedException"),
        (FaultMode.EXPIRED_SESSION, "ExpiredTokenException"),
        (FaultMode.WRONG_REGION, "InvalidSignatureException"),
    ],
)
def test_the_sdk_sees_the_fault_that_is_set(ecr: Ecr, mode: FaultMode, code: str) -> None:
    ecr.control.set_fault(mode)

    with pytest.raises(ClientError) as failed:
        ecr.token()

    assert failed.value.response["Error"]["Code"] == code
    assert ecr.control.calls()[-1].fault == mode.value


def test_down_is_a_connection_that_closes(ecr: Ecr) -> None:
    ecr.control.set_fault(FaultMode.DOWN)

    with pytest.raises(ConnectionClosedError):
        ecr.token()


def test_a_fault_can_be_one_region_and_a_number_of_calls(ecr: Ecr) -> None:
    ecr.control.set_fault(FaultMode.THROTTLED, region=TOOLS.region, count=1)

    assert ecr.token(SHOP.region)
    with pytest.raises(ClientError, match="ThrottlingException"):
        ecr.token(TOOLS.region)
    assert ecr.token(TOOLS.region)


def test_a_registry_outlives_a_fault_of_the_api(ecr: Ecr) -> None:
    token = ecr.token()
    ecr.control.set_fault(FaultMode.DOWN)

    assert ecr.ask("GET", "/v2/", token=token)[0].status == 200


def test_each_call_is_counted_with_its_region(ecr: Ecr) -> None:
    before = len(ecr.control.calls())

    ecr.token(SHOP.region)
    ecr.token(TOOLS.region)

    calls = ecr.control.calls()[before:]
    assert [(call.service, call.region, call.access_key_id, call.fault) for call in calls] == [
        ("ecr", SHOP.region, "AKIAIOSFODNN7EXAMPLE", None),
        ("ecr", TOOLS.region, "AKIAIOSFODNN7EXAMPLE", None),
    ]


def test_the_control_interface_needs_its_own_token(ecr: Ecr) -> None:
    stranger = EcrControl(ecr.config.control_port, "guess")

    with pytest.raises(LabError, match="control_token"):
        stranger.issued()
    with pytest.raises(LabError, match="control_token"):
        stranger.set_fault(FaultMode.DOWN)


def test_a_pull_is_in_the_log_with_the_token_that_was_used(ecr: Ecr, digests: dict[str, str]) -> None:
    token = ecr.token()
    before = len(access_log.read(ecr.config.access_log))

    assert ecr.inspect(WEB, token=token).returncode == 0

    accesses = access_log.read(ecr.config.access_log)[before:]
    pulled = access_log.manifest_requests(accesses, "shop/web", "1.0", host=SHOP.host, client="skopeo")
    assert [(one.status, one.credential) for one in pulled] == [(200, fingerprint(token))]
    assert accesses[0].status == 401
    assert accesses[0].credential is None


def test_no_token_is_in_what_others_can_read(ecr: Ecr, digests: dict[str, str]) -> None:
    token = ecr.token()
    ecr.inspect(WEB, token=token)
    issued = ecr.control.issued()
    assert token in [one.authorization for one in issued]

    open_files = [ecr.output, ecr.config.access_log, *ecr.config.state.glob("registries/*/*.log")]
    text = "".join(file.read_text() for file in open_files) + json.dumps([vars(call) for call in ecr.control.calls()])

    assert not [one for one in issued if one.password in text or one.authorization in text]
    private = [ecr.config_file, ecr.config.tokens, *ecr.config.state.glob("registries/*/htpasswd")]
    assert {file.stat().st_mode & 0o077 for file in private} == {0}


def test_a_started_again_process_honours_live_tokens(ecr: Ecr) -> None:
    token = ecr.token()
    known = len(ecr.control.issued())

    assert ecr.stop() == 0
    assert processes_of(ecr.folder) == {}
    ecr.start()

    assert ecr.ask("GET", "/v2/", token=token)[0].status == 200
    assert len(ecr.control.issued()) == known


def test_a_killed_process_leaves_no_registry_behind(ecr: Ecr) -> None:
    assert len(processes_of(ecr.folder)) == 1 + len(REGISTRIES)

    ecr.stop(signal.SIGKILL)

    assert wait_until(lambda: processes_of(ecr.folder) == {}, timeout=30)


def test_a_registry_that_dies_ends_the_process_with_the_reason(ecr: Ecr) -> None:
    registry = next(pid for pid, command in processes_of(ecr.folder).items() if "docker-registry serve" in command)

    os.kill(registry, signal.SIGKILL)

    assert ecr.process.wait(timeout=30) == 1
    assert processes_of(ecr.folder) == {}
    assert not ecr.config.ready.exists()
    assert "ended with status -9" in ecr.output.read_text()


def test_a_taken_port_is_told_and_leaves_nothing_running(ecr: Ecr, tmp_path: Path) -> None:
    free = layout.new("registry-test").ports
    config = dataclasses.replace(
        ecr.config,
        state=tmp_path,
        control_port=free.ecr_control,
        registries=tuple(
            dataclasses.replace(one, port=free.registries[one.host], backend_port=free.backends[one.host])
            for one in ecr.config.registries
        ),
    )
    config.write(tmp_path / "ecr.json")

    command = [sys.executable, "-m", "lab.ecr", "--config", str(tmp_path / "ecr.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)

    assert done.returncode == 1
    assert f"Port {config.api_port} is in use" in done.stderr
    assert processes_of(tmp_path) == {}


def test_a_wrong_configuration_is_told_at_once(tmp_path: Path) -> None:
    file = tmp_path / "ecr.json"
    file.write_text(json.dumps({"state": "x", "color": 1, "registries": [{"host": "h"}]}))
    with pytest.raises(LabError, match="others can read it"):
        EcrConfig.read(file)
    file.chmod(0o600)

    with pytest.raises(LabError) as refused:
        EcrConfig.read(file)

    for fault in ("api_port is missing", "color is not a setting", "registries[0].account is missing"):
        assert fault in str(refused.value)


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
