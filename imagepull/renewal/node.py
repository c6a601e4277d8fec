"""Renewal by the node: the kubelet asks AWS for each pull, through ecr-credential-provider, and there is no Secret.

Two ways, by who is asked for in AWS. The node's role opens the images of every Pod on the node. A role for
ServiceAccounts opens those of Pods whose ServiceAccount is annotated with it: the kubelet hands the plugin a token of
that ServiceAccount (Kubernetes 1.34 or newer), which the plugin exchanges for the role.

Formats: kubernetes/kubernetes staging/src/k8s.io/kubelet/config/v1/types.go, kubernetes/cloud-provider-aws
cmd/ecr-credential-provider/main.go (v1.37.1).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

import yaml

from imagepull.errors import Problem
from imagepull.registries.ecr_hosts import parse_host
from imagepull.registries.inputs import ROLE_ARN
from imagepull.renewal.settings import NodeSettings
from imagepull.service_accounts.claims import ROLE_ANNOTATION

__all__ = [
    "AUDIENCE",
    "AUDIENCE_VERB",
    "PLUGIN",
    "ROLE_ANNOTATION",
    "Distribution",
    "describe_placement",
    "find_unfit_registries",
    "is_role",
    "make_audience_rights",
    "make_credential_provider_config",
]

PLUGIN: Final = "ecr-credential-provider"
"""Name of the plugin: the name of its file in the kubelet's folder of plugins."""
AUDIENCE: Final = "sts.amazonaws.com"
AUDIENCE_VERB: Final = "request-serviceaccounts-token-audience"
"""What a kubelet must be allowed to do with the audience, as if that were a resource."""
_RIGHTS_NAME: Final = "imagepull-node-token-audience"
_RBAC: Final = "rbac.authorization.k8s.io"


class Distribution(StrEnum):
    """How the nodes were made: decides where the configuration belongs."""

    EKS = "eks"
    KOPS = "kops"
    KUBEADM = "kubeadm"
    K3S = "k3s"
    TALOS = "talos"


def find_unfit_registries(registries: Sequence[Mapping[str, object]], path: str = "registries") -> list[Problem]:
    """What the registries ask for that a node cannot do.

    Args:
        registries: Their inputs, with names in camel case; hosts that are not known yet are passed over.
        path: Where they stand.
    """
    found = []
    for position, registry in enumerate(registries):
        place, host = f"{path}[{position}]", registry.get("host")
        if registry.get("password") is not None or registry.get("username") is not None:
            reason = "has a password, which needs a Secret; give it a RegistryAccess of its own, renewal 'pulumi'"
            found.append(Problem(path=place, reason=reason))
        elif isinstance(host, str) and parse_host(host) is None:
            reason = f"is {host}; {PLUGIN} knows ECR's own host names only: give it a RegistryAccess of its own"
            found.append(Problem(path=f"{place}.host", reason=reason))
        for key in ("roleArn", "externalId", "sessionName", "profile"):
            if registry.get(key) is not None:
                reason = (
                    "is not for renewal 'node'; one role for all registries is node.roleArn, none is the node's own"
                )
                found.append(Problem(path=f"{place}.{key}", reason=reason))
    return found


def make_credential_provider_config(hosts: Sequence[str], settings: NodeSettings) -> str:
    """The file for the kubelet's `--image-credential-provider-config`, as YAML.

    Args:
        hosts: ECR registries whose images the plugin opens; no others are asked of it.
        settings: Whose role is asked for.
    """
    return yaml.safe_dump(_make_config(hosts, settings), sort_keys=False)


def _make_config(hosts: Sequence[str], settings: NodeSettings) -> dict[str, Any]:
    provider: dict[str, Any] = {
        "name": PLUGIN,
        "matchImages": list(hosts),
        # The plugin says itself how long each answer is good: half of the token's life.
        "defaultCacheDuration": "0s",
        "apiVersion": "credentialprovider.kubelet.k8s.io/v1",
    }
    if settings.role_arn is not None:
        provider["tokenAttributes"] = {
            "serviceAccountTokenAudience": AUDIENCE,
            "cacheType": "ServiceAccount",
            # ServiceAccounts without the annotation pull without this plugin: by the Secrets they have.
            "requireServiceAccount": True,
            "requiredServiceAccountAnnotationKeys": [ROLE_ANNOTATION],
        }
    return {
        "apiVersion": "kubelet.config.k8s.io/v1",
        "kind": "CredentialProviderConfig",
        "providers": [provider],
    }


def is_role(text: str) -> bool:
    """Whether a text is an IAM role's ARN, as the annotation must hold it."""
    return len(text) <= ROLE_ARN.longest and ROLE_ARN.pattern.fullmatch(text) is not None


def make_audience_rights() -> tuple[dict[str, Any], dict[str, Any]]:
    """ClusterRole and ClusterRoleBinding that let kubelets ask for ServiceAccounts' tokens for AWS.

    Without them Events say only 401; the reason is in the kubelet's log (kubernetes/kubernetes
    plugin/pkg/admission/noderestriction, ServiceAccountNodeAudienceRestriction).
    """
    metadata = {"name": _RIGHTS_NAME, "labels": {"app.kubernetes.io/managed-by": "imagepull"}}
    role = {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "ClusterRole",
        "metadata": metadata,
        "rules": [{"apiGroups": [""], "resources": [AUDIENCE], "verbs": [AUDIENCE_VERB]}],
    }
    binding = {
        "apiVersion": f"{_RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": metadata,
        "roleRef": {"apiGroup": _RBAC, "kind": "ClusterRole", "name": _RIGHTS_NAME},
        "subjects": [{"apiGroup": _RBAC, "kind": "Group", "name": "system:nodes"}],
    }
    return role, binding


@dataclass(frozen=True, kw_only=True)
class _Place:
    """Where a distribution's kubelet finds the plugin and its configuration."""

    config: str
    plugins: str
    note: str
    present: bool = False
    """Whether nodes of this distribution pull from ECR with their own role already."""


# Sources: EKS: awslabs/amazon-eks-ami nodeadm; kOps: nodeup/pkg/model/kubelet.go; kubeadm: API kubeadm.k8s.io/v1beta4;
# k3s: `k3s agent --help`; Talos: siderolabs/extensions container-runtime/ecr-credential-provider.
_PLACES: Final[Mapping[Distribution, _Place]] = {
    Distribution.EKS: _Place(
        config="/etc/eks/image-credential-provider/config.json",
        plugins="/etc/eks/image-credential-provider",
        present=True,
        note="Amazon's node images have plugin and flags; write the file in the launch template's user data, before "
        "nodeadm starts the kubelet. Fargate and Auto Mode nodes cannot be configured: they use their own role.",
    ),
    Distribution.KOPS: _Place(
        config="/var/lib/kubelet/credential-provider.conf",
        plugins="/opt/kubernetes/bin",
        present=True,
        note="kOps installs plugin and flags; write the file over its own in a hook of the instance group "
        "(spec.hooks, before: [kubelet.service]).",
    ),
    Distribution.KUBEADM: _Place(
        config="/etc/kubernetes/image-credential-provider.yaml",
        plugins="/usr/local/lib/kubelet/credential-providers",
        note="Put the plugin there on each node, and give the kubelet two flags: nodeRegistration.kubeletExtraArgs "
        "has image-credential-provider-config and image-credential-provider-bin-dir. On nodes that are there: "
        "KUBELET_EXTRA_ARGS in /etc/default/kubelet, and restart the kubelet.",
    ),
    Distribution.K3S: _Place(
        config="/var/lib/rancher/credentialprovider/config.yaml",
        plugins="/var/lib/rancher/credentialprovider/bin",
        note="Put the plugin there on each node; k3s takes both when it starts.",
    ),
    Distribution.TALOS: _Place(
        config="machine.kubelet.credentialProviderConfig",
        plugins="/usr/local/lib/kubelet/credentialproviders",
        note="The plugin is the system extension siderolabs/ecr-credential-provider; the configuration is a patch of "
        "the machine configuration.",
    ),
}


def describe_placement(distribution: Distribution, hosts: Sequence[str], settings: NodeSettings) -> str:
    """What to put where on the nodes of a distribution: comments, and the configuration itself."""
    place = _PLACES[distribution]
    lines = [f"Configuration: {place.config}", f"Plugin: {place.plugins}/{PLUGIN}", place.note]
    if place.present and settings.role_arn is None:
        lines.append(
            "With the node's own role nothing is to do: the nodes pull from every ECR registry that it may read."
        )
    document = _make_config(hosts, settings)
    if distribution is Distribution.TALOS:
        document = {"machine": {"kubelet": {"credentialProviderConfig": document}}}
    return "".join(f"# {line}\n" for line in lines) + yaml.safe_dump(document, sort_keys=False)
