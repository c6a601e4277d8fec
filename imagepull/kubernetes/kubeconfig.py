"""Which cluster, as whom: a kubeconfig's text or path, `KUBECONFIG`, `~/.kube/config`, or the Pod's ServiceAccount."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from imagepull.errors import ClusterError
from imagepull.kubernetes.connection import ClusterEntry, Connection, UserEntry, parse_connection
from imagepull.kubernetes.kinds import DEFAULT_NAMESPACE
from imagepull.redaction import clean

__all__ = ["load"]

_DEFAULT: Final = "~/.kube/config"
_POD_FILES: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount")
"""Where the kubelet puts a Pod's token and the cluster's authority."""


@dataclass(frozen=True, kw_only=True)
class _Kubeconfig:
    """A document, its entries by name. `where`: for messages; `folder`: where its relative paths start."""

    where: str
    folder: Path | None
    current_context: str | None
    clusters: Mapping[str, object]
    contexts: Mapping[str, object]
    users: Mapping[str, object]


def load(kubeconfig: str | None, context: str | None) -> Connection:
    """The cluster and user of a context (None: the current one); raises ClusterError, one sentence each.

    Args:
        kubeconfig: A kubeconfig's text or path; None for the usual places.
    """
    if kubeconfig is not None:
        return _select(_find_given(kubeconfig), context)
    paths = [Path(each).expanduser() for each in os.environ.get("KUBECONFIG", _DEFAULT).split(os.pathsep) if each]
    present = [path for path in paths if path.is_file()]
    if not present:
        return _read_in_cluster(paths)
    # kubectl merges the files of KUBECONFIG; here a context is taken whole from the first file that has it.
    configs = [_read_file(path) for path in present]
    wanted = context or next((config.current_context for config in configs if config.current_context), None)
    return _select(next((config for config in configs if wanted in config.contexts), configs[0]), wanted)


def _find_given(kubeconfig: str) -> _Kubeconfig:
    if "\n" in kubeconfig or kubeconfig.lstrip().startswith(("{", "apiVersion")):
        return _parse(kubeconfig, "the kubeconfig given", None)
    try:
        path = Path(kubeconfig).expanduser()
        found = path if path.is_file() else None
    except (OSError, ValueError, RuntimeError):
        found = None
    if found is None:
        # Cleaned: it may be a kubeconfig's text after all, in base64 for example.
        raise ClusterError(f"kubeconfig: there is no file {clean(kubeconfig)}; give the path of one, or its text")
    return _read_file(found)


def _read_file(path: Path) -> _Kubeconfig:
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise ClusterError(f"kubeconfig: {path} cannot be read ({error.strerror}); correct its permissions") from None
    return _parse(text, str(path), path.parent)


def _parse(text: str, where: str, folder: Path | None) -> _Kubeconfig:
    import yaml

    try:
        # The loader in C is ten times as quick, where PyYAML has been built with it.
        document = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 (both are safe)
        return _Kubeconfig(
            where=where,
            folder=folder,
            current_context=document.get("current-context"),
            clusters=_index_by_name(document["clusters"], "cluster"),
            contexts=_index_by_name(document["contexts"], "context"),
            users=_index_by_name(document.get("users") or [], "user"),
        )
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" (line {mark.line + 1})" if mark is not None else ""
        raise ClusterError(
            f"kubeconfig: {where} is no YAML{line}; give a kubeconfig as `kubectl config view` shows it"
        ) from None
    except (KeyError, TypeError, ValueError, AttributeError):
        # What these say could quote a token.
        raise ClusterError(
            f"kubeconfig: {where} lacks clusters, contexts or users; compare it with `kubectl config view`"
        ) from None


def _index_by_name(entries: list[Mapping[str, object]], key: str) -> Mapping[str, object]:
    return {str(entry["name"]): entry[key] for entry in entries}


def _read_in_cluster(tried: list[Path]) -> Connection:
    """The connection of a Pod (client-go rest/config.go, InClusterConfig)."""
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST"), os.environ.get("KUBERNETES_SERVICE_PORT")
    token, authority = _POD_FILES / "token", _POD_FILES / "ca.crt"
    namespace = _POD_FILES / "namespace"
    if not host or not port or not token.is_file():
        names = ", ".join(str(path) for path in tried)
        raise ClusterError(
            f"kubeconfig: there is no file {names}, and this is no Pod; set KUBECONFIG, or "
            "imagepull:kubeconfig in Pulumi"
        )
    return Connection(
        name="of this Pod",
        cluster=ClusterEntry(
            server=f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}",
            authority=authority.read_text(encoding="utf-8") if authority.is_file() else None,
        ),
        user=UserEntry(token_file=token),
        namespace=namespace.read_text(encoding="utf-8").strip() if namespace.is_file() else DEFAULT_NAMESPACE,
    )


def _select(config: _Kubeconfig, context: str | None) -> Connection:
    name, where = context or config.current_context, config.where
    known = ", ".join(sorted(config.contexts)) or "none"
    if not name:
        raise ClusterError(f"context: {where} has no current context; set the context to one of: {known}")
    if name not in config.contexts:
        raise ClusterError(f"context: {where} has no context {name}; set the context to one of: {known}")
    chosen = config.contexts[name]
    found = {}
    for kind, entries in (("cluster", config.clusters), ("user", config.users)):
        entry = chosen.get(kind) if isinstance(chosen, dict) else None
        if not isinstance(entry, str) or entry not in entries:
            raise ClusterError(f"context: {name} of {where} names the {kind} {entry}, which is not there; correct it")
        found[kind] = entry
    cluster, user = found["cluster"], found["user"]
    connection = parse_connection(name, cluster, config.clusters[cluster], user, config.users[user], config.folder)
    namespace = chosen.get("namespace") if isinstance(chosen, dict) else None
    return replace(connection, namespace=namespace) if isinstance(namespace, str) and namespace else connection
