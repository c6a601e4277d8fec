"""Which cluster, as whom: a kubeconfig's text or path, `KUBECONFIG`, `~/.kube/config`, or the Pod's ServiceAccount."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from imagepull.errors import ClusterError

if TYPE_CHECKING:
    from lightkube.config.kubeconfig import KubeConfig, SingleConfig

_DEFAULT: Final = "~/.kube/config"
_EXEC_API: Final = "client.authentication.k8s.io"


def load(kubeconfig: str | None, context: str | None) -> "SingleConfig":
    """The cluster and user of a context (None: the current one); raises ClusterError, one sentence each.

    Args:
        kubeconfig: A kubeconfig's text or path; None for the usual places.
    """
    if kubeconfig is not None:
        where, config = _given(kubeconfig)
        return _select(config, context, where)
    paths = [Path(each).expanduser() for each in os.environ.get("KUBECONFIG", _DEFAULT).split(os.pathsep) if each]
    present = [path for path in paths if path.is_file()]
    if not present:
        return _in_cluster(paths)
    # kubectl merges the files of KUBECONFIG; here a context is taken whole from the first file that has it.
    configs = [(str(path), _read(path.read_text(errors="replace"), str(path), path)) for path in present]
    wanted = context or next((config.current_context for _, config in configs if config.current_context), None)
    where, config = next(((w, c) for w, c in configs if wanted in c.contexts), configs[0])
    return _select(config, wanted, where)


def _given(kubeconfig: str) -> tuple[str, "KubeConfig"]:
    if "\n" in kubeconfig or kubeconfig.lstrip().startswith(("{", "apiVersion")):
        return "the kubeconfig given", _read(kubeconfig, "the kubeconfig given", None)
    path = Path(kubeconfig).expanduser()
    if not path.is_file():
        raise ClusterError(f"kubeconfig: there is no file {kubeconfig}; give the path of one, or its text")
    return kubeconfig, _read(path.read_text(errors="replace"), kubeconfig, path)


def _read(text: str, where: str, path: Path | None) -> "KubeConfig":
    import yaml
    from lightkube.config.kubeconfig import KubeConfig

    try:
        return KubeConfig.from_dict(_with_exec_info(yaml.safe_load(text)), fname=path)
    except yaml.YAMLError as error:
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


def _with_exec_info(document: Any) -> Any:
    """The document, with what client-go tells an exec plugin and lightkube does not.

    Source: kubernetes/client-go plugin/pkg/client/auth/exec/exec.go, KUBERNETES_EXEC_INFO. The API v1 answers as
    v1beta1 does, the only one that lightkube admits.
    """
    for entry in document.get("users") or []:
        plugin = (entry.get("user") or {}).get("exec")
        if plugin:
            info = {"apiVersion": plugin.get("apiVersion"), "kind": "ExecCredential", "spec": {"interactive": False}}
            plugin["env"] = [*(plugin.get("env") or []), {"name": "KUBERNETES_EXEC_INFO", "value": json.dumps(info)}]
            if plugin.get("apiVersion") == f"{_EXEC_API}/v1":
                plugin["apiVersion"] = f"{_EXEC_API}/v1beta1"
    return document


def _in_cluster(tried: list[Path]) -> "SingleConfig":
    from lightkube.config.kubeconfig import KubeConfig
    from lightkube.core.exceptions import ConfigError

    try:
        found = KubeConfig.from_service_account().get()
    except (ConfigError, KeyError):
        names = ", ".join(str(path) for path in tried)
        raise ClusterError(
            f"kubeconfig: there is no file {names}, and this is no Pod; set imagepull:kubeconfig or KUBECONFIG"
        ) from None
    assert found is not None
    return found


def _select(config: "KubeConfig", context: str | None, where: str) -> "SingleConfig":
    name = context or config.current_context
    known = ", ".join(sorted(config.contexts)) or "none"
    if not name:
        raise ClusterError(f"context: {where} has no current context; set imagepull:context to one of: {known}")
    if name not in config.contexts:
        raise ClusterError(f"context: {where} has no context {name}; set imagepull:context to one of: {known}")
    chosen = config.contexts[name]
    for kind, names, wanted in (("cluster", config.clusters, chosen.cluster), ("user", config.users, chosen.user)):
        if not wanted or wanted not in names:
            raise ClusterError(f"context: {name} of {where} names the {kind} {wanted}, which is not there; correct it")
    found = config.get(name)
    assert found is not None
    return found
