"""One context of a kubeconfig: the cluster's address, how it is trusted, and as whom we come.

Fields: kubernetes/client-go tools/clientcmd/api/v1/types.go. Every one is honoured or refused; one that we left out
without a word could make us somebody else (`as`) or take us past a proxy.
"""

import base64
import binascii
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit

from imagepull.errors import ClusterError, InvalidInput
from imagepull.inputs import ANY_TEXT, Reader
from imagepull.kubernetes.kinds import DEFAULT_NAMESPACE

__all__ = ["ClusterEntry", "Connection", "ExecPlugin", "UserEntry", "parse_connection"]

_CLUSTER_KEYS: Final = (
    "server",
    "tls-server-name",
    "insecure-skip-tls-verify",
    "certificate-authority",
    "certificate-authority-data",
    "proxy-url",
    "disable-compression",
    "extensions",
)
_USER_KEYS: Final = (
    "client-certificate",
    "client-certificate-data",
    "client-key",
    "client-key-data",
    "token",
    "tokenFile",
    "as",
    "as-uid",
    "as-groups",
    "as-user-extra",
    "username",
    "password",
    "auth-provider",
    "exec",
    "extensions",
)
_EXEC_KEYS: Final = (
    "command",
    "args",
    "env",
    "apiVersion",
    "installHint",
    "provideClusterInfo",
    "interactiveMode",
)
_EXEC_VERSIONS: Final = ("client.authentication.k8s.io/v1", "client.authentication.k8s.io/v1beta1")
_EXEC_EXTENSION: Final = "client.authentication.k8s.io/exec"


@dataclass(frozen=True, kw_only=True)
class ClusterEntry:
    """Where the API server is.

    Attributes:
        server: Its URL.
        tls_server_name: The name that its certificate must have; None for the URL's host.
        insecure: Whether any certificate is accepted.
        authority: PEM of the authorities that may have signed its certificate; None for the system's.
        proxy: URL of an HTTP proxy; None for what the environment says.
        compressed: Whether answers may be compressed.
    """

    server: str
    tls_server_name: str | None = None
    insecure: bool = False
    authority: str | None = None
    proxy: str | None = field(default=None, repr=False)
    compressed: bool = True


@dataclass(frozen=True, kw_only=True)
class ExecPlugin:
    """A command that prints an ExecCredential. `cluster_info`: what it learns about the cluster; None for nothing."""

    command: str
    args: tuple[str, ...]
    env: Mapping[str, str] = field(repr=False)
    api_version: str
    install_hint: str
    cluster_info: Mapping[str, object] | None


@dataclass(frozen=True, kw_only=True)
class UserEntry:
    """As whom we come.

    Attributes:
        token_file: File that holds a token; it may change at any time. Wins over `token`.
        certificate: PEM of a client certificate, with `key`.
        impersonation: Headers by which the API server takes us for somebody else.
    """

    token: str | None = field(default=None, repr=False)
    token_file: Path | None = None
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    certificate: str | None = field(default=None, repr=False)
    key: str | None = field(default=None, repr=False)
    exec: ExecPlugin | None = None
    impersonation: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Connection:
    """A context. `name` is for messages; `namespace` is where it looks when nobody names another."""

    name: str
    cluster: ClusterEntry
    user: UserEntry
    namespace: str = DEFAULT_NAMESPACE


def parse_connection(
    context: str, cluster_name: str, cluster: object, user_name: str, user: object, folder: Path | None
) -> Connection:
    """Reads a context's cluster and user; raises ClusterError with everything that is wrong, never a value of it.

    Args:
        context: Its name.
        cluster: The `cluster` of the entry in `clusters`.
        user: The `user` of the entry in `users`.
        folder: Where relative paths start; None for a kubeconfig that was given as text.
    """
    cluster, user = _drop_empty(cluster), _drop_empty(user)
    at_cluster = Reader(values=cluster, path=f"cluster {cluster_name}")
    at_user = Reader(values=user, path=f"user {user_name}", problems=at_cluster.problems)
    try:
        found = Connection(
            name=context,
            cluster=_parse_cluster(at_cluster, folder),
            user=_parse_user(at_user, cluster, folder),
        )
        at_cluster.raise_problems()
    except InvalidInput as error:
        raise ClusterError(f"kubeconfig: {error}") from None
    return found


def _parse_cluster(reader: Reader, folder: Path | None) -> ClusterEntry:
    reader.refuse_others(_CLUSTER_KEYS)
    server = _read_url(reader, "server", ("https", "http"), "the URL of the API server, such as https://10.0.0.1:6443")
    if not reader.has("server"):
        reader.add_problem("server", "is missing; write the URL of the API server, such as https://10.0.0.1:6443")
    authority = _read_pem(reader, "certificate-authority", folder)
    insecure = reader.read_flag("insecure-skip-tls-verify")
    if insecure and authority is not None:
        reader.add_problem("insecure-skip-tls-verify", "contradicts certificate-authority; leave one of them out")
    return ClusterEntry(
        server=(server or "").rstrip("/"),
        tls_server_name=reader.read_text("tls-server-name") or None,
        insecure=insecure,
        authority=authority,
        proxy=_read_url(reader, "proxy-url", ("http", "https"), "the URL of an HTTP proxy; SOCKS is not supported"),
        compressed=not reader.read_flag("disable-compression"),
    )


def _parse_user(reader: Reader, cluster: Mapping[str, object], folder: Path | None) -> UserEntry:
    reader.refuse_others(_USER_KEYS)
    if reader.has("auth-provider"):
        reader.add_problem("auth-provider", "was removed from Kubernetes 1.26; use exec, as the provider's page says")
    token_file = reader.read_text("tokenFile")
    username, password = reader.read_text("username") or None, reader.read_secret("password")
    if (username is None) != (password is None):
        reader.add_problem("username", "and password belong together; write both")
    certificate, key = _read_pem(reader, "client-certificate", folder), _read_pem(reader, "client-key", folder)
    if (certificate is None) != (key is None):
        reader.add_problem("client-certificate", "and client-key belong together; write both")
    return UserEntry(
        token=reader.read_secret("token"),
        token_file=None if not token_file else _read_path(reader, "tokenFile", token_file, folder),
        username=username,
        password=password,
        certificate=certificate,
        key=key,
        exec=_parse_exec(reader, cluster, folder),
        impersonation=_parse_impersonation(reader),
    )


def _parse_impersonation(reader: Reader) -> tuple[tuple[str, str], ...]:
    """Headers of https://kubernetes.io/docs/reference/access-authn-authz/user-impersonation/."""
    user, uid, groups = reader.read_text("as"), reader.read_text("as-uid"), reader.read_texts("as-groups", ANY_TEXT)
    headers = [("Impersonate-User", user)] if user else []
    headers += [("Impersonate-Uid", uid)] if uid else []
    headers += [("Impersonate-Group", group) for group in groups]
    extra = _drop_empty(reader.values.get("as-user-extra"))
    for key, values in extra.items():
        for value in values if isinstance(values, list) else [values]:
            # Characters that a header's name must not have are percent-encoded, as the API server expects.
            headers.append((f"Impersonate-Extra-{quote(key, safe='')}", str(value)))
    if headers and not user:
        reader.add_problem(
            "as", "is missing, though as-uid, as-groups or as-user-extra is there; write whom to impersonate"
        )
    for _, value in headers:
        if not value.isprintable():
            reader.add_problem("as", "and its companions hold a line end or control character; take it out")
    return tuple(headers)


def _parse_exec(reader: Reader, cluster: Mapping[str, object], folder: Path | None) -> ExecPlugin | None:
    if not reader.has("exec"):
        return None
    inner = Reader(values=_drop_empty(reader.values["exec"]), path=reader.make_path("exec"), problems=reader.problems)
    inner.refuse_others(_EXEC_KEYS)
    command = inner.read_text("command", required=True) or ""
    if os.sep in command and folder is not None:
        command = str(folder / command)
    version = inner.read_choice("apiVersion", _EXEC_VERSIONS, "")
    if not inner.has("apiVersion"):
        inner.add_problem("apiVersion", f"is missing; write {_EXEC_VERSIONS[0]}")
    if inner.read_choice("interactiveMode", ("Never", "IfAvailable", "Always"), "IfAvailable") == "Always":
        inner.add_problem("interactiveMode", "is Always, and there is no terminal here; use a user that asks nothing")
    raw_args = inner.values.get("args")
    args = [str(one) for one in raw_args] if isinstance(raw_args, list) else []
    env = {}
    for variable in inner.read_children("env"):
        env[variable.read_text("name", required=True) or ""] = variable.read_secret("value") or ""
    return ExecPlugin(
        command=command,
        args=tuple(args),
        env=env,
        api_version=version,
        install_hint=inner.read_text("installHint") or "",
        cluster_info=_make_cluster_info(cluster) if inner.read_flag("provideClusterInfo") else None,
    )


def _make_cluster_info(cluster: Mapping[str, object]) -> Mapping[str, object]:
    """`spec.cluster` of an ExecCredential (client-go pkg/apis/clientauthentication/v1/types.go, Cluster)."""
    keys = ("server", "tls-server-name", "insecure-skip-tls-verify", "certificate-authority-data", "proxy-url")
    info = {key: cluster[key] for key in (*keys, "disable-compression") if key in cluster}
    extensions = cluster.get("extensions")
    for one in extensions if isinstance(extensions, list) else []:
        if isinstance(one, dict) and one.get("name") == _EXEC_EXTENSION:
            info["config"] = one.get("extension")
    return info


def _read_url(reader: Reader, key: str, schemes: Sequence[str], wanted: str) -> str | None:
    # Not shown in a message: a proxy's URL may hold a password.
    text = reader.read_secret(key)
    if text is None:
        return None
    try:
        parts = urlsplit(text)
        valid = parts.scheme in schemes and bool(parts.hostname) and (parts.port is None or parts.port > 0)
    except ValueError:
        valid = False
    if not valid or not text.isprintable() or " " in text:
        reader.add_problem(key, f"is no such URL; write {wanted}")
        return None
    return text


def _read_pem(reader: Reader, key: str, folder: Path | None) -> str | None:
    """The PEM under `key-data` (base64) or in the file under `key`; the former wins, as with kubectl."""
    data = reader.read_secret(f"{key}-data")
    if data is not None:
        try:
            return base64.b64decode(data, validate=True).decode()
        except (binascii.Error, UnicodeDecodeError):
            reader.add_problem(
                f"{key}-data", "is no base64 of a PEM file; write it as `kubectl config view --raw` shows it"
            )
            return None
    name = reader.read_text(key)
    if not name:
        return None
    path = _read_path(reader, key, name, folder)
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        reader.add_problem(key, f"cannot be read from {path} ({reason}); correct the path")
        return None


def _read_path(reader: Reader, key: str, name: str, folder: Path | None) -> Path:
    path = Path(name)
    if not path.is_absolute() and folder is None:
        reader.add_problem(key, "is a relative path, and the kubeconfig was given as text; write an absolute one")
    return path if folder is None else folder / path


def _drop_empty(value: object) -> Mapping[str, object]:
    """The entries that say something: generated kubeconfigs are full of empty ones."""
    if not isinstance(value, dict):
        return {}
    return {str(key): each for key, each in value.items() if each not in ("", None, [], {})}
