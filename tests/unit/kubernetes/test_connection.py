"""Every field of a kubeconfig's context is honoured, or refused in one sentence that shows no value."""

import base64
from pathlib import Path
from typing import Any

import pytest

from imagepull.errors import ClusterError
from imagepull.kubernetes.connection import Connection, parse_connection

PEM = "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n"
DATA = base64.b64encode(PEM.encode()).decode()
EXEC = {"command": "aws", "apiVersion": "client.authentication.k8s.io/v1"}


def parse(
    cluster: dict[str, Any] | None = None, user: dict[str, Any] | None = None, folder: Path | None = None
) -> Connection:
    return parse_connection("dev", "c", {"server": "https://c:6443", **(cluster or {})}, "u", user or {}, folder)


def test_a_cluster_is_what_its_entry_says() -> None:
    found = parse(
        {
            "server": "https://10.0.0.1:6443/",
            "tls-server-name": "api.internal",
            "certificate-authority-data": DATA,
            "proxy-url": "http://user:s3cr3t@proxy:3128",
            "disable-compression": True,
            "extensions": [{"name": "anything"}],
        }
    ).cluster
    assert (found.server, found.tls_server_name, found.authority) == ("https://10.0.0.1:6443", "api.internal", PEM)
    assert (found.proxy, found.compressed, found.insecure) == ("http://user:s3cr3t@proxy:3128", False, False)
    assert "s3cr3t" not in repr(found)


def test_relative_paths_start_at_the_kubeconfig(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text(PEM)
    found = parse(
        {"certificate-authority": "ca.pem"},
        {"tokenFile": "token", "exec": {**EXEC, "command": "./bin/login"}},
        tmp_path,
    )
    assert found.cluster.authority == PEM
    assert found.user.token_file == tmp_path / "token"
    assert found.user.exec is not None
    assert Path(found.user.exec.command) == tmp_path / "bin" / "login"


def test_impersonation_becomes_headers() -> None:
    user = {"as": "nobody", "as-uid": "7", "as-groups": ["a", "b"], "as-user-extra": {"example.com/why": ["x", "y"]}}
    assert parse(user=user).user.impersonation == (
        ("Impersonate-User", "nobody"),
        ("Impersonate-Uid", "7"),
        ("Impersonate-Group", "a"),
        ("Impersonate-Group", "b"),
        ("Impersonate-Extra-example.com%2Fwhy", "x"),
        ("Impersonate-Extra-example.com%2Fwhy", "y"),
    )


def test_an_exec_plugin_is_told_of_the_cluster_if_it_asks() -> None:
    cluster = {
        "tls-server-name": "api",
        "extensions": [{"name": "client.authentication.k8s.io/exec", "extension": {"audience": "us"}}],
    }
    plain = parse(cluster, {"exec": EXEC}).user.exec
    told = parse(cluster, {"exec": {**EXEC, "provideClusterInfo": True}}).user.exec
    assert plain is not None
    assert told is not None
    assert plain.cluster_info is None
    assert told.cluster_info == {"server": "https://c:6443", "tls-server-name": "api", "config": {"audience": "us"}}


def test_empty_values_say_nothing() -> None:
    found = parse({"certificate-authority-data": ""}, {"token": "", "username": None, "exec": None})
    assert found.cluster.authority is None
    assert found.user.token is None


@pytest.mark.parametrize(
    ("cluster", "user", "says"),
    [
        ({"server": ""}, {}, "cluster c.server: is missing; write the URL"),
        ({"server": "10.0.0.1:6443"}, {}, "cluster c.server: is no such URL"),
        ({"server": "https://c:99999"}, {}, "cluster c.server: is no such URL"),
        ({"proxy-url": "socks5://s3cr3t@p:1080"}, {}, "cluster c.proxy-url: is no such URL; write the URL of an HTTP"),
        (
            {"insecure-skip-tls-verify": True, "certificate-authority-data": DATA},
            {},
            "contradicts certificate-authority",
        ),
        ({"certificate-authority-data": "s3cr3t"}, {}, "certificate-authority-data: is no base64 of a PEM"),
        ({"certificate-authority": "/nowhere/ca"}, {}, "cannot be read from /nowhere/ca (No such file"),
        ({"certificate-authority": "ca.pem"}, {}, "is a relative path, and the kubeconfig was given as text"),
        ({"tls-servername": "x"}, {}, "cluster c.tls-servername: is no input here; is tls-server-name meant?"),
        ({}, {"auth-provider": {"name": "gcp"}}, "user u.auth-provider: was removed from Kubernetes 1.26"),
        ({}, {"impersonate": "s3cr3t"}, "user u.impersonate: is no input here"),
        ({}, {"as-groups": ["a"]}, "user u.as: is missing, though as-uid, as-groups"),
        ({}, {"as": "a\r\nX: y"}, "hold a line end or control character"),
        ({}, {"username": "u"}, "user u.username: and password belong together"),
        ({}, {"client-certificate-data": DATA}, "user u.client-certificate: and client-key belong together"),
        ({}, {"exec": {"command": "aws"}}, "user u.exec.apiVersion: is missing"),
        ({}, {"exec": {**EXEC, "apiVersion": "client.authentication.k8s.io/v1alpha1"}}, "write one of client.auth"),
        ({}, {"exec": {**EXEC, "interactiveMode": "Always"}}, "there is no terminal here"),
        ({}, {"exec": {**EXEC, "environment": ["x"]}}, "user u.exec.environment: is no input here; leave it out"),
    ],
)
def test_each_fault_is_one_sentence_without_a_secret(cluster: dict[str, Any], user: dict[str, Any], says: str) -> None:
    with pytest.raises(ClusterError) as caught:
        parse(cluster, user)
    message = str(caught.value)
    assert message.startswith("kubeconfig: ")
    assert says in message
    assert "s3cr3t" not in message
    assert "\n" not in message


def test_all_faults_come_at_once() -> None:
    with pytest.raises(ClusterError) as caught:
        parse({"server": ""}, {"username": "u", "auth-provider": {"name": "gcp"}})
    assert str(caught.value).count("; ") >= 3
