"""The version is one, and requests to AWS and Kubernetes name it."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from imagepull import USER_AGENT, __version__
from imagepull.cli import main
from imagepull.errors import ImagePullError
from imagepull.kubernetes.client import Cluster
from imagepull.kubernetes.kinds import SECRET
from imagepull.registries.ecr_tokens import Principal, TokenRequest, ask_aws


@contextmanager
def server() -> Iterator[tuple[str, list[str]]]:
    """A server that refuses everything: its address, and the `User-Agent` of each request."""
    seen: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append(self.headers["User-Agent"])
            body = json.dumps({"kind": "Status", "code": 403, "message": "no", "__type": "AccessDeniedException"})
            self.send_response(403)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        do_POST = do_GET

        def log_message(self, *_: object) -> None:
            """Nothing."""

    serving = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=serving.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{serving.server_port}", seen
    finally:
        serving.shutdown()
        thread.join()
        serving.server_close()


def test_command_says_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])

    assert capsys.readouterr().out == f"imagepull {__version__}\n"


def test_requests_to_kubernetes_name_us(tmp_path: Path) -> None:
    async def ask(address: str) -> None:
        kubeconfig = {
            "current-context": "one",
            "contexts": [{"name": "one", "context": {"cluster": "one", "user": "one"}}],
            "clusters": [{"name": "one", "cluster": {"server": address}}],
            "users": [{"name": "one", "user": {"token": "secret"}}],
        }
        cluster = Cluster.connect(yaml.safe_dump(kubeconfig), None)
        with pytest.raises(ImagePullError):
            await cluster.get(SECRET, "pull", "shop")
        await cluster.close()

    with server() as (address, seen):
        asyncio.run(ask(address))

    assert seen
    assert [agent for agent in seen if not agent.startswith(USER_AGENT)] == []


def test_requests_to_aws_name_us(monkeypatch: pytest.MonkeyPatch) -> None:
    for key in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(key, "none")
    with server() as (address, seen):
        monkeypatch.setenv("AWS_ENDPOINT_URL_ECR", address)
        with pytest.raises(ImagePullError):
            ask_aws(TokenRequest(principal=Principal(), region="eu-west-1", public=False))

    assert seen
    assert [agent for agent in seen if USER_AGENT not in agent] == []
