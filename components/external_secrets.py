"""Renewal by External Secrets Operator: what RegistryAccess declares for `renewal: externalSecrets`."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

import pulumi

from imagepull.errors import InvalidInput, Problem
from imagepull.inputs import to_camel_case
from imagepull.kubernetes.ownership import Owner
from imagepull.registry_secret import spec as registry_secret
from imagepull.registry_secret.spec import RegistrySource

from .ordering import order_after
from .resources import CopiedSecrets, RegistrySecret

if TYPE_CHECKING:
    from imagepull.renewal.external_secrets import ExternalSecretsObjects
    from imagepull.renewal.settings import ExternalSecretsSettings

__all__ = ["ExternalSecretsRenewal", "declare_external_secrets", "parse_registries"]


class ExternalSecretsRenewal(TypedDict):
    """How External Secrets Operator, which must be in the cluster, renews."""

    namespace: NotRequired[str]
    """Namespace of the source; it must exist. Default: one of its own, `<secret_name>-source`, which is made."""
    namespace_labels: NotRequired[Mapping[str, str]]
    """Every namespace with all of these labels gets a copy, also one that Pulumi does not know. Default: only the
    program's own namespaces."""
    service_account: NotRequired[str]
    """ServiceAccount in the source's namespace that the operator becomes an IAM role with (IRSA). Default: as the
    operator itself reaches AWS."""
    source_interval: NotRequired[str]
    """How often the operator fetches tokens: `4h`. Default: `4h`."""
    copy_interval: NotRequired[str]
    """How often it compares each copy with the source: `15m`. Default: `15m`."""
    server: NotRequired[str]
    """Address of the API server, for an operator outside the cluster. Default: as Pods reach it."""


def declare_external_secrets(
    name: str,
    settings: "ExternalSecretsSettings",
    secret: RegistrySecret,
    secret_args: Mapping[str, Any],
    opts: pulumi.ResourceOptions,
) -> pulumi.Resource:
    """Declares one source and its copies, for External Secrets Operator; `pulumi up` waits for the copies.

    Args:
        name: Name of the RegistryAccess.
        secret: The Secret that is copied. It says whose the copies are.
        secret_args: Its arguments.
        opts: Options of each resource: its parent.
    """
    from imagepull.renewal import external_secrets

    registries = parse_registries(secret_args["registries"])
    labels, annotations = secret_args.get("labels") or {}, secret_args.get("annotations") or {}
    marks = pulumi.Output.all(
        owner=secret.owner, identity=secret.identity, labels=labels, annotations=annotations
    ).apply(
        lambda known: external_secrets.copy_marks(
            # Without a provider, in a test with mocks, there is neither.
            Owner(title=known["owner"] or "", identity=known["identity"]),
            [registry.host for registry in registries],
            known["labels"],
            known["annotations"],
        )
    )
    namespaces = secret_args["namespaces"]
    objects = external_secrets.make_objects(settings, secret_args["name"], registries, namespaces, marks)
    return _declare_external_secrets(name, objects, secret, secret_args, opts)


def _declare_external_secrets(
    name: str,
    objects: "ExternalSecretsObjects",
    secret: RegistrySecret,
    secret_args: Mapping[str, Any],
    opts: pulumi.ResourceOptions,
) -> pulumi.Resource:
    from pulumi_kubernetes.apiextensions import CustomResource
    from pulumi_kubernetes.core.v1 import Namespace, ServiceAccount
    from pulumi_kubernetes.rbac.v1 import Role, RoleBinding

    from imagepull.renewal.external_secrets import compute_source_digest

    def declare_custom(suffix: str, manifest: Mapping[str, Any], options: pulumi.ResourceOptions) -> pulumi.Resource:
        return CustomResource(
            f"{name}-{suffix}",
            api_version=manifest["apiVersion"],
            kind=manifest["kind"],
            metadata=manifest["metadata"],
            spec=manifest["spec"],
            opts=options,
        )

    title = f"{name}-source"
    needed: list[pulumi.Resource] = [secret]
    if objects.namespace_object is not None:
        needed.append(Namespace(title, metadata=objects.namespace_object["metadata"], opts=order_after(opts, secret)))
    role, binding, options = objects.role, objects.role_binding, order_after(opts, *needed)
    needed += [
        ServiceAccount(title, metadata=objects.account["metadata"], opts=options),
        Role(title, metadata=role["metadata"], rules=role["rules"], opts=options),
        RoleBinding(
            title,
            metadata=binding["metadata"],
            role_ref=binding["roleRef"],
            subjects=binding["subjects"],
            opts=options,
        ),
    ]
    needed += [declare_custom(f"token-{i}", each, options) for i, each in enumerate(objects.generators)]
    needed.append(declare_custom("source", objects.source, order_after(opts, *needed)))
    needed.append(declare_custom("store", objects.store, order_after(opts, *needed)))
    needed.append(declare_custom("copies", objects.copies, order_after(opts, *needed)))
    args: Any = {
        "name": secret_args["name"],
        "namespaces": secret_args["namespaces"],
        "cluster_external_secret": objects.copies["metadata"]["name"],
        "identity": secret.identity,
        "source_namespace": objects.source["metadata"]["namespace"],
        "source_digest": compute_source_digest(objects),
    }
    return CopiedSecrets(name, args, order_after(opts, *needed))


def parse_registries(registries: Any) -> Sequence[RegistrySource]:
    """The registries; raises InvalidInput where they are not known while the program runs."""
    if not isinstance(registries, Sequence) or any(not isinstance(each, Mapping) for each in registries):
        reason = "are known only after other resources; with renewal 'externalSecrets' write them in the program"
        raise InvalidInput([Problem(path="registries", reason=reason)])
    plain = [{to_camel_case(key): value for key, value in each.items()} for each in registries]
    return registry_secret.parse({"name": "any", "registries": plain}, required=False).registries
