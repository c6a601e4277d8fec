"""The lab's ECR as a process of its own, and the ways to it that AWS SDKs and container tools have."""

import contextlib
import http.client
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import boto3
from botocore.config import Config

from lab import layout
from lab.ecr.client import EcrControl
from lab.ecr.config import EcrConfig, RegistryConfig
from lab.images import REGISTRIES, SHOP
from lab.processes import wait_until

if TYPE_CHECKING:
    from mypy_boto3_ecr import ECRClient
    from mypy_boto3_sts import STSClient

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
        ports = layout.lay_out("registry-test").ports
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
