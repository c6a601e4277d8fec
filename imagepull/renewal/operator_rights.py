"""What External Secrets Operator must be allowed to do for `renewal: externalSecrets`: the one table of it."""

from collections.abc import Sequence
from typing import Any, Final

__all__ = ["list_operator_rules"]

_GROUP: Final = "external-secrets.io"
_READ: Final = ("get", "list", "watch")
_KINDS: Final = ("clustersecretstores", "secretstores", "externalsecrets", "clusterexternalsecrets")
_RIGHTS: Final[tuple[tuple[str, Sequence[str], Sequence[str]], ...]] = (
    # API group, resources, verbs: enough for operator v0.20.4 without its push reconcilers, tried verb by verb.
    (_GROUP, _KINDS, _READ),
    (_GROUP, ("externalsecrets",), ("create", "update", "patch", "delete")),
    (_GROUP, ("clusterexternalsecrets",), ("update",)),
    (_GROUP, tuple(f"{kind}/{part}" for kind in _KINDS for part in ("status", "finalizers")), ("update", "patch")),
    (f"generators.{_GROUP}", ("ecrauthorizationtokens", "clustergenerators", "generatorstates"), _READ),
    ("", ("namespaces",), (*_READ, "update")),
    ("", ("serviceaccounts",), _READ),
    ("", ("configmaps",), ("get",)),  # kube-root-ca.crt, which a store names
    ("", ("secrets",), (*_READ, "create", "update", "patch", "delete")),
    ("", ("serviceaccounts/token",), ("create",)),
    ("", ("events",), ("create", "patch")),
    ("events.k8s.io", ("events",), ("create", "patch")),
)


def list_operator_rules() -> list[dict[str, Any]]:
    """Rules of the operator's ClusterRole."""
    return [
        {"apiGroups": [group], "resources": list(resources), "verbs": list(verbs)}
        for group, resources, verbs in _RIGHTS
    ]
