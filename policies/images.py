"""The policies about images: their pull policy, their tag, and the Secret that they are pulled with."""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from imagepull.errors import InvalidReference
from imagepull.images.reference import parse
from imagepull.images.rules import RuleExemption, RuleName, Rules
from imagepull.inputs import UNKNOWN
from imagepull.kubernetes.kinds import DEFAULT_NAMESPACE, DEFAULT_SERVICE_ACCOUNT
from imagepull.registries import ecr_hosts, keyring
from policies.policy import Declared, Level, Policy, Setting, Settings, Write
from policies.workloads import (
    TEMPLATE_PATHS,
    find_added,
    find_pod_spec,
    format_image_path,
    format_path,
    resolve_images,
    write_explicit_policies,
)

__all__ = ["EXPLICIT_PULL_POLICY", "NO_LATEST_IN_PROD", "NO_NEVER_FOR_REMOTE_IMAGES", "PULL_SECRET_FOR_PRIVATE_IMAGES"]


def _find_missing_policies(resource: Declared, settings: Settings) -> Iterator[str]:
    for write in _write_policies(resource, settings):
        advice = "a policy" if write.value is UNKNOWN else f"{write.value}, which is what the kubelet would do"
        yield f"{format_path(write.path)}: is missing, and stays as it is when the image changes; write {advice}"


def _write_policies(resource: Declared, settings: Settings) -> Iterator[Write]:
    manifest = write_explicit_policies(resource, settings)
    yield from find_added({**resource.props, "metadata": manifest.manifest.get("metadata")}, manifest.manifest)


def _find_latest(resource: Declared, settings: Settings) -> Iterator[str]:
    # Without regard to case: a stack `Prod` is as much production as `prod`.
    if any(fnmatchcase(resource.stack.lower(), pattern.lower()) for pattern in settings["stacks"]):
        yield from _find_violations(resource, settings, Rules(forbid_latest=True))


def _find_never(resource: Declared, settings: Settings) -> Iterator[str]:
    local = tuple(
        RuleExemption(reason="a local image", rules=(RuleName.FORBID_NEVER,), image=pattern)
        for pattern in settings["localImages"]
    )
    yield from _find_violations(resource, settings, Rules(forbid_never=True, exceptions=local))


def _find_violations(resource: Declared, settings: Settings, rules: Rules) -> Iterator[str]:
    for image in resolve_images(resource, settings, rules):
        for violation in image.violations:
            yield f"{format_image_path(image)}: {violation.message}"


def _find_without_pull_secret(resource: Declared, settings: Settings) -> Iterator[str]:
    private = [
        format_image_path(image) for image in resolve_images(resource, settings) if _is_private(image.image, settings)
    ]
    found = find_pod_spec(resource, settings)
    if private and found and not _has_pull_secret(resource, found[1], settings):
        path = format_path((*found[0], "imagePullSecrets"))
        yield (
            f"{path}: is missing, and "
            f"{_join_with_and(private)} in a private registry; write the name of a pull Secret there"
        )


def _add_pull_secrets(resource: Declared, settings: Settings) -> Iterator[Write]:
    found = find_pod_spec(resource, settings)
    if found and settings["pullSecrets"] and any(_find_without_pull_secret(resource, settings)):
        names = [{"name": name} for name in settings["pullSecrets"]]
        yield Write(path=(*found[0], "imagePullSecrets"), value=names)


def _is_private(image: str, settings: Settings) -> bool:
    try:
        host = ecr_hosts.parse_host(parse(image).domain)
        return bool(keyring.match(settings["privateRegistries"], image)) or (host is not None and not host.public)
    except InvalidReference:
        return False


def _has_pull_secret(resource: Declared, spec: Any, settings: Settings) -> bool:
    """Whether the Pod names one, or has one by its ServiceAccount; also when that cannot be known yet."""
    metadata = resource.props.get("metadata")
    namespace = metadata if metadata is UNKNOWN else (metadata or {}).get("namespace") or DEFAULT_NAMESPACE
    account = spec.get("serviceAccountName") or spec.get("serviceAccount") or DEFAULT_SERVICE_ACCOUNT
    if _names_one(spec.get("imagePullSecrets")):
        return True
    if not settings["serviceAccounts"]:
        return False
    if UNKNOWN in (namespace, account):
        return True
    return any(fnmatchcase(f"{namespace}/{account}", pattern) for pattern in settings["serviceAccounts"])


def _names_one(entries: Any) -> bool:
    """Whether a list of pull Secrets names one, as far as it is known: the kubelet ignores entries without a name."""
    if not isinstance(entries, list):
        return entries is UNKNOWN
    return any(entry is UNKNOWN or (isinstance(entry, Mapping) and bool(entry.get("name"))) for entry in entries)


def _join_with_and(places: list[str]) -> str:
    return f"the image at {places[0]} is" if len(places) == 1 else f"the images at {', '.join(places)} are"


EXPLICIT_PULL_POLICY = Policy(
    name="explicit-pull-policy",
    description="Every container and image volume states its pull policy.",
    level=Level.MANDATORY,
    find=_find_missing_policies,
    mend=_write_policies,
    settings=TEMPLATE_PATHS,
)

NO_LATEST_IN_PROD = Policy(
    name="no-latest-in-prod",
    description="No image in production is tagged `latest`, or has neither tag nor digest.",
    level=Level.MANDATORY,
    find=_find_latest,
    settings={
        "stacks": Setting.patterns(
            "Names of the stacks that are production, in any case; `*` stands for any text",
            ["prod", "production", "prod-*", "*-prod"],
        ),
        **TEMPLATE_PATHS,
    },
)

NO_NEVER_FOR_REMOTE_IMAGES = Policy(
    name="no-never-for-remote-images",
    description="`Never` is for images that are on the node already, not for those of a registry.",
    level=Level.ADVISORY,
    find=_find_never,
    settings={
        "localImages": Setting.patterns(
            "Images that nodes are given beforehand, as they are written or in full; `*` stands for any text",
            ["localhost/*"],
        ),
        **TEMPLATE_PATHS,
    },
)

PULL_SECRET_FOR_PRIVATE_IMAGES = Policy(
    name="pull-secret-for-private-images",
    description="A Pod whose image is in a private registry names a pull Secret.",
    level=Level.ADVISORY,
    find=_find_without_pull_secret,
    mend=_add_pull_secrets,
    settings={
        "privateRegistries": Setting.patterns(
            "Private registries besides ECR, as keys of a docker config: a host, or host/path; `*` stands for part of"
            " a label"
        ),
        "serviceAccounts": Setting.patterns(
            "ServiceAccounts whose Pods get a pull Secret from them, as namespace/name; `*` stands for any text"
        ),
        "pullSecrets": Setting.patterns("Names of the pull Secrets that a remediation writes"),
        **TEMPLATE_PATHS,
    },
)
