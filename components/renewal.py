"""Renewal outside of `pulumi up`: what RegistryAccess declares for `renewal: cronJob`."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final, NotRequired, Optional, TypedDict

import pulumi

from imagepull.errors import InvalidInput
from imagepull.inputs import to_camel_case
from imagepull.registry_secret.spec import Renewal

from .external_secrets import parse_registries
from .ordering import order_after
from .resources import RegistrySecret, RenewalRights

if TYPE_CHECKING:
    from imagepull.renewal.cron_job import CronJobObjects
    from imagepull.renewal.renewer_plan import PlannedRenewer
    from imagepull.renewal.settings import CronJobSettings, ExternalSecretsSettings

__all__ = [
    "CronJobRenewal",
    "RenewalSettings",
    "declare_renewal",
    "parse_renewal",
    "plan_renewal",
]


class CronJobRenewal(TypedDict):
    """How the renewer runs as a CronJob in the cluster."""

    image: NotRequired[str]
    """Image of the renewer. Default: the one that is published with this release, by its digest; a checkout of
    imagepull has none, and `pulumi preview` refuses a program that names none (docs/renewal.md says how to build it).
    """
    namespace: NotRequired[str]
    """Namespace that the renewer runs in; it must exist. Nobody else should be allowed to run Pods there: they could
    use its ServiceAccount. Default: a namespace of its own, `<secret_name>-renewal`, which is made."""
    schedule: NotRequired[str]
    """When to look for tokens that are due, as a CronJob has it. Default: every two hours, at a minute that differs
    between stacks. Tokens are renewed once half of their life has passed, or as `refresh_before` says."""
    time_zone: NotRequired[str]
    """Time zone of the schedule. Default: `Etc/UTC`."""
    scope: NotRequired[str]
    """`namespaces`: a Role in each namespace. `cluster`: one ClusterRole, limited to Secrets of this name, but of
    every namespace. Default: `namespaces`."""
    role_arn: NotRequired[str]
    """IAM role that the renewer's ServiceAccount becomes (IRSA). Default: what the AWS SDK finds in the Pod: an EKS Pod
    Identity association of the ServiceAccount, or the node's role."""
    credentials_secret: NotRequired[str]
    """Name of a Secret in the renewer's namespace with `AWS_ACCESS_KEY_ID` and `AWS_SECRET_ACCESS_KEY`: for clusters
    outside AWS that cannot use a role. Default: none."""
    image_pull_secrets: NotRequired[Sequence[str]]
    """Pull Secrets for the renewer's own image, in its namespace. Default: none; the image should need no token, or the
    renewer cannot start when all tokens are dead."""
    env: NotRequired[Mapping[str, str]]
    """Environment variables of the renewer: `HTTPS_PROXY`, `AWS_ENDPOINT_URL_ECR`. Default: none."""


class RenewalSettings:
    """Who renews, parsed. The settings are None for other ways of renewal than their own."""

    def __init__(
        self,
        renewal: Renewal,
        cron_job: Optional["CronJobSettings"] = None,
        external_secrets: Optional["ExternalSecretsSettings"] = None,
    ) -> None:
        self.renewal = renewal
        self.cron_job = cron_job
        self.external_secrets = external_secrets


_SETTINGS: Final = {
    "cron_job": Renewal.CRON_JOB,
    "external_secrets": Renewal.EXTERNAL_SECRETS,
    "node": Renewal.NODE,
}
"""Arguments with settings, and the way of renewal that each is for."""


def parse_renewal(given: Mapping[str, Any], secret_name: Any) -> RenewalSettings:
    """The arguments of RegistryAccess that say who renews.

    Raises:
        pulumi.RunError: with every problem.
    """
    renewal = given.get("renewal") or Renewal.PULUMI.value
    ways = [each.value for each in Renewal]
    problems = []
    if isinstance(renewal, str) and renewal not in ways:
        problems.append(f"renewal: is {renewal!r}; write one of {', '.join(ways)}")
    for field, way in _SETTINGS.items():
        if given.get(field) is not None and renewal != way:
            problems.append(f"{field}: is for renewal {way.value!r}; write renewal={way.value!r}, or leave it out")
    if renewal in (Renewal.CRON_JOB, Renewal.EXTERNAL_SECRETS) and not isinstance(secret_name, str):
        problems.append(
            f"secret_name: is known only after other resources; with renewal {renewal!r} write a plain text"
        )
    settings, operator = None, None
    if renewal == Renewal.EXTERNAL_SECRETS:
        from imagepull.renewal.external_secrets import check_registries
        from imagepull.renewal.settings import parse_external_secrets

        values = {to_camel_case(key): value for key, value in (given.get("external_secrets") or {}).items()}
        try:
            operator = parse_external_secrets(values, "external_secrets")
            check_registries(parse_registries(given.get("registries")))
        except InvalidInput as error:
            problems += map(str, error.problems)
    if renewal == Renewal.CRON_JOB:
        from imagepull.renewal import cron_job
        from imagepull.renewal.published_image import read_published_image
        from imagepull.renewal.settings import parse_cron_job

        values = {to_camel_case(key): value for key, value in (given.get("cron_job") or {}).items()}
        try:
            settings = parse_cron_job(values, "cron_job")
        except InvalidInput as error:
            problems += map(str, error.problems)
        if settings is not None and settings.image is None and read_published_image() is None:
            problems.append(
                "cron_job.image: is missing, and only a release of imagepull has an image of its own; build one as"
                " docs/renewal.md says, and name it"
            )
        registries = given.get("registries")
        if isinstance(registries, Sequence):
            plain = [each for each in registries if isinstance(each, Mapping)]
            problems += map(str, cron_job.find_profiles(plain))
    if problems:
        raise pulumi.RunError("; ".join(problems))
    return RenewalSettings(Renewal(renewal) if renewal in ways else Renewal.EXTERNAL, settings, operator)


def plan_renewal(settings: RenewalSettings, secret_name: Any, name: str, registries: Any) -> Optional["PlannedRenewer"]:
    """Who renews, for the image pull plan; None for `pulumi up`."""
    if settings.renewal is Renewal.PULUMI:
        return None
    from imagepull.renewal.renewer_plan import plan_cron_job, plan_external_secrets, plan_renewer

    if settings.cron_job is not None:
        return plan_cron_job(settings.cron_job, secret_name, _make_owner_title(name))
    if settings.external_secrets is not None:
        return plan_external_secrets(secret_name, len(registries), settings.external_secrets.namespace_labels)
    return plan_renewer(settings.renewal.value)


def declare_renewal(
    name: str,
    settings: "CronJobSettings",
    secret: RegistrySecret,
    secret_args: Mapping[str, Any],
    opts: pulumi.ResourceOptions,
) -> pulumi.Resource:
    """Declares the CronJob with all that it needs, and a first Job; `pulumi up` fails where that does.

    Args:
        name: Name of the RegistryAccess.
        secret: The Secret that is renewed.
        secret_args: Its arguments.
        opts: Options of each resource: its parent.

    Returns:
        The first Job.
    """
    from imagepull.renewal import cron_job, document
    from imagepull.renewal.published_image import read_published_image

    secret_name = secret_args["name"]
    told = {to_camel_case(key): value for key, value in secret_args.items()}
    inputs = pulumi.Output.all(inputs=told, owner=secret.owner, identity=secret.identity)
    # What is left of the inputs is no secret: passwords are not in the document.
    text = pulumi.Output.unsecret(
        inputs.apply(
            lambda all_: document.encode(
                [document.describe_secret(_convert_to_wire(all_["inputs"]), all_["owner"], all_["identity"])]
            )
        )
    )
    owner = _make_owner_title(name)
    image = settings.image or read_published_image()
    assert image is not None  # parse_renewal
    objects = cron_job.make_objects(
        settings,
        image,
        secret_name,
        owner,
        document=text,
        digest=text.apply(document.compute_digest),
        digest_key=secret.digest_key,
    )
    return _declare(name, objects, settings, secret, secret_args, opts)


def _declare(
    name: str,
    objects: "CronJobObjects",
    settings: "CronJobSettings",
    secret: RegistrySecret,
    secret_args: Mapping[str, Any],
    opts: pulumi.ResourceOptions,
) -> pulumi.Resource:
    # Lazily: pulumi_kubernetes takes a quarter of a second to import, and other ways of renewal do without.
    from pulumi_kubernetes.batch.v1 import CronJob, Job
    from pulumi_kubernetes.core.v1 import ConfigMap, Namespace, Secret, ServiceAccount

    title = f"{name}-renewal"
    needed: list[pulumi.Resource] = [secret]
    if objects.namespace_object is not None:
        needed.append(Namespace(title, metadata=objects.namespace_object["metadata"], opts=opts))
    account = ServiceAccount(title, metadata=objects.service_account["metadata"], opts=order_after(opts, *needed))
    data, metadata = objects.config_map["data"], objects.config_map["metadata"]
    key = Secret(
        title, metadata=metadata, string_data=objects.key_secret["stringData"], opts=order_after(opts, *needed)
    )
    needed += [account, key, ConfigMap(title, metadata=metadata, data=data, opts=order_after(opts, *needed))]
    needed += _declare_rights(title, objects, settings, secret_args, order_after(opts, *needed))
    regular, first = objects.cron_job, objects.first_job
    job = Job(f"{title}-first-run", metadata=first["metadata"], spec=first["spec"], opts=order_after(opts, *needed))
    CronJob(title, metadata=regular["metadata"], spec=regular["spec"], opts=order_after(opts, *needed))
    return job


def _declare_rights(
    title: str,
    objects: "CronJobObjects",
    settings: "CronJobSettings",
    secret_args: Mapping[str, Any],
    opts: pulumi.ResourceOptions,
) -> list[pulumi.Resource]:
    from imagepull.renewal.cron_job import make_cluster_rights
    from imagepull.renewal.settings import Scope

    metadata, secret_name = objects.service_account["metadata"], secret_args["name"]
    if settings.scope is Scope.NAMESPACES:
        args: Any = {
            "name": metadata["name"],
            "secret_name": secret_name,
            "namespaces": secret_args["namespaces"],
            "service_account": metadata["name"],
            "service_account_namespace": metadata["namespace"],
        }
        return [RenewalRights(title, args, opts)]
    from pulumi_kubernetes.rbac.v1 import ClusterRole, ClusterRoleBinding

    role, binding = make_cluster_rights(secret_name, metadata["namespace"])
    return [
        ClusterRole(title, metadata=role["metadata"], rules=role["rules"], opts=opts),
        ClusterRoleBinding(
            title,
            metadata=binding["metadata"],
            role_ref=binding["roleRef"],
            subjects=binding["subjects"],
            opts=opts,
        ),
    ]


def _make_owner_title(name: str) -> str:
    return f"{pulumi.get_project()}/{pulumi.get_stack()}/{name}"


def _convert_to_wire(inputs: Mapping[str, Any]) -> dict[str, Any]:
    """The inputs with registries' names in camel case."""
    registries = [{to_camel_case(key): value for key, value in each.items()} for each in inputs["registries"]]
    return {**inputs, "registries": registries}
