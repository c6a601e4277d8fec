"""RenewalRights: the right to renew one Secret, as a Role and a RoleBinding in each of a set of namespaces."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from imagepull.differences import Difference, find_differences
from imagepull.inputs import NAMESPACE, OBJECT_NAME, Reader
from imagepull.kubernetes.ownership import (
    IDENTITY_LABEL,
    MANAGED_BY,
    MANAGED_BY_LABEL,
    OWNED_BY_ANNOTATION,
    OWNER_LABEL,
    Owner,
)

__all__ = ["INPUTS", "RightsSpec", "diff", "make_policy_rules", "make_role", "make_role_binding", "parse"]

INPUTS: Final = ("name", "secretName", "namespaces", "serviceAccount", "serviceAccountNamespace")
_GROUP: Final = "rbac.authorization.k8s.io"


@dataclass(frozen=True, kw_only=True)
class RightsSpec:
    """Rights as asked for. `name`: of the Roles; `service_account`: who gets them, in another namespace."""

    name: str
    secret_name: str
    namespaces: tuple[str, ...]
    service_account: str
    service_account_namespace: str


def parse(inputs: Mapping[str, object], *, required: bool = True) -> RightsSpec:
    """The inputs parsed. Values not known yet are accepted and left out.

    Args:
        required: Whether there must be a namespace: a refresh may have emptied recorded inputs.

    Raises:
        InvalidInput: with every wrong input.
    """
    reader = Reader(values=inputs)
    reader.refuse_others(INPUTS)
    spec = RightsSpec(
        name=reader.read_text("name", OBJECT_NAME, required=True) or "",
        secret_name=reader.read_text("secretName", OBJECT_NAME, required=True) or "",
        namespaces=reader.read_texts("namespaces", NAMESPACE, required=required),
        service_account=reader.read_text("serviceAccount", OBJECT_NAME, required=True) or "",
        service_account_namespace=reader.read_text("serviceAccountNamespace", NAMESPACE, required=True) or "",
    )
    reader.raise_problems()
    return spec


def diff(old: Mapping[str, object], new: Mapping[str, object]) -> dict[str, Difference]:
    """Differences of the inputs by path."""
    return find_differences(old, new, sets={"namespaces": None})


def make_policy_rules(secret_name: str) -> list[dict[str, Any]]:
    """Read and patch the Secret of this name; nothing else."""
    return [{"apiGroups": [""], "resources": ["secrets"], "resourceNames": [secret_name], "verbs": ["get", "patch"]}]


def make_role(spec: RightsSpec, owner: Owner, namespace: str) -> dict[str, Any]:
    """The Role in one namespace."""
    return {"metadata": _make_metadata(spec, owner, namespace), "rules": make_policy_rules(spec.secret_name)}


def make_role_binding(spec: RightsSpec, owner: Owner, namespace: str) -> dict[str, Any]:
    """The RoleBinding in one namespace."""
    subjects: Sequence[dict[str, str]] = [
        {"kind": "ServiceAccount", "name": spec.service_account, "namespace": spec.service_account_namespace}
    ]
    return {
        "metadata": _make_metadata(spec, owner, namespace),
        "roleRef": {"apiGroup": _GROUP, "kind": "Role", "name": spec.name},
        "subjects": list(subjects),
    }


def _make_metadata(spec: RightsSpec, owner: Owner, namespace: str) -> dict[str, Any]:
    assert owner.identity is not None
    return {
        "name": spec.name,
        "namespace": namespace,
        "labels": {MANAGED_BY_LABEL: MANAGED_BY, OWNER_LABEL: owner.key, IDENTITY_LABEL: owner.identity},
        "annotations": {OWNED_BY_ANNOTATION: owner.title},
    }
