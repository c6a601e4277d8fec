"""What another stack made, for this one: access to registries, and the cluster."""

import json
from collections.abc import Mapping
from typing import Any, Optional

import pulumi

from imagepull.inputs import to_camel_case
from imagepull.resource_types import ACCESS_REFERENCE

from .access import ACCESS_OUTPUTS, Access
from .resources import Provider

__all__ = ["AccessReference", "cluster_providers", "exported_access"]


def exported_access(access: Access) -> Mapping[str, pulumi.Output[object]]:
    """What a stack exports of an access so that others can use it with `AccessReference`: names, no credential."""
    return access.wire_outputs


class AccessReference(Access):
    """Access to private registries that another stack made, for the workloads and the transform of this one.

    The other stack keeps the Secrets and renews them; to this one they are names, so that a renewal there is no change
    here.

    Args:
        stack: Full name of the other stack: `organization/project/stack`.
        output: Its output, which is `exported_access(access)`.
        name: Name of the Pulumi resource. Default: that of the stack.

    Raises:
        pulumi.RunError: the output is not there, or is none of an access.
    """

    def __init__(
        self,
        stack: str,
        output: str = "access",
        *,
        name: Optional[str] = None,
        opts: Optional[pulumi.ResourceOptions] = None,
    ) -> None:
        super().__init__(ACCESS_REFERENCE, name or stack, None, opts)
        options = pulumi.ResourceOptions(parent=self)
        exported = _read_exported(stack, output, "exported_access(access)", options).apply(
            lambda exported: _parse_access(stack, output, exported)
        )
        self.image_pull_secrets = exported["imagePullSecrets"]
        self.namespaces = exported["namespaces"]
        self.service_accounts = exported["serviceAccounts"]
        self.hosts = exported["hosts"]
        self.expires_at = exported.apply(lambda exported: exported.get("expiresAt"))
        self.register_outputs({})


def cluster_providers(
    stack: str, output: str = "kubeconfig", *, cluster_identifier: Optional[str] = None
) -> list[pulumi.ProviderResource]:
    """Providers of both kinds for the cluster that another stack made, for `opts=ResourceOptions(providers=...)`.

    Args:
        stack: Full name of the other stack: `organization/project/stack`.
        output: Its output that is the kubeconfig: a text, or the object that EKS exports.
        cluster_identifier: See `ProviderArgs`; both providers get it.

    Raises:
        pulumi.RunError: the output is not there.
    """
    from pulumi_kubernetes import Provider as KubernetesProvider

    exported = _read_exported(stack, output, "kubeconfig")
    kubeconfig: pulumi.Output[Any] = exported.apply(lambda it: it if isinstance(it, str) else json.dumps(it))
    return [
        KubernetesProvider(
            "cluster", kubeconfig=pulumi.Output.secret(kubeconfig), cluster_identifier=cluster_identifier
        ),
        Provider("cluster", kubeconfig=kubeconfig, cluster_identifier=cluster_identifier),
    ]


def _read_exported(
    stack: str, output: str, what: str, opts: Optional[pulumi.ResourceOptions] = None
) -> pulumi.Output[Any]:
    """The other stack's output, which is to be `what`."""

    def there(found: Any) -> Any:
        if found is None:
            raise pulumi.RunError(f"stack {stack} has no output {output!r}; {_explain_absence(output, what)}")
        return found

    return pulumi.StackReference(stack, opts=opts).get_output(output).apply(there)


def _parse_access(stack: str, output: str, exported: Any) -> Mapping[str, Any]:
    needed = (to_camel_case(name) for name in ACCESS_OUTPUTS if name != "expires_at")
    if not isinstance(exported, Mapping) or any(not isinstance(exported.get(key), list) for key in needed):
        advice = _explain_absence(output, "exported_access(access)")
        raise pulumi.RunError(f"output {output!r} of stack {stack} is no access; {advice}")
    return exported


def _explain_absence(output: str, what: str) -> str:
    return f"write pulumi.export({output!r}, {what}) there, and run `pulumi up` there first"
