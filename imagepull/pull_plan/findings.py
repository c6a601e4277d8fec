"""What will go wrong, or surprise, when the kubelet pulls the images of a plan: reported before any Pod fails.

Pure and offline: the plan's rows and the pull Secrets that the program declares are all that is looked at. Which entry
opens an image is the kubelet's rule (`imagepull.registries.keyring`).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

from imagepull.causes.table import as_clause, fill, get_cause
from imagepull.errors import InvalidReference
from imagepull.images.pull_policy import find_surprises, is_moving_tag
from imagepull.images.reference import DEFAULT_TAG, ImageReference, describe_invalid, is_bare_host, parse
from imagepull.kubernetes.kinds import DEFAULT_NAMESPACE
from imagepull.pull_plan.access import PlannedAccess, PodAccess
from imagepull.pull_plan.explicit import ResolvedImage
from imagepull.pull_plan.plan import Plan
from imagepull.registries.ecr_hosts import parse_host
from imagepull.registries.keyring import match

__all__ = ["Finding", "Severity", "collect_findings", "sort_worst_first"]

_NAMESPACES_NAMED: Final = 3
_NOT_IN_ROLE: Final = "not-in-role"
_PUBLIC: Final = ("docker.io", "ghcr.io", "quay.io", "gcr.io", "registry.k8s.io", "mcr.microsoft.com", "public.ecr.aws")


class Severity(StrEnum):
    """How bad: the pull will fail; it may, or not do what is expected; worth knowing."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing found, about one image of one workload.

    Attributes:
        code: what kind. A fault that `imagepull diagnose` would find later has its code (`bare-registry-host`,
            `key-port-mismatch`, `secret-other-namespace`, `pod-own-list`, `no-pull-secret`, `invalid-image-name`);
            what only a plan can say has its own: `no-entry`, `secret-not-given`, `not-in-role`, `never`,
            `mutable-tag`, `latest-with-digest`, a rule's name, or one of `imagepull.verify`.
        text: what is wrong.
        advice: what to write instead; empty where `text` says it.
    """

    severity: Severity
    code: str
    image: ResolvedImage
    text: str
    advice: str = ""

    def __str__(self) -> str:
        place = f"{self.image.workload_title}, container {self.image.container}, image {self.image.image}"
        return f"{self.severity.value}: {place}: {self.text}" + (f"; {self.advice}" if self.advice else "")


def collect_findings(plan: Plan) -> list[Finding]:
    """What there is to say about the images, the worst first, otherwise in their order.

    Other Secrets than the program's, that Pods name, are not known here: an image that none of the program's opens is
    at most a warning, and where the program declares none at all, a note. Where it is not known which there are,
    nothing is said about them.
    """
    return sort_worst_first(found for image in plan.images for found in _find_for_image(image, plan))


def sort_worst_first(found: Iterable[Finding]) -> list[Finding]:
    """Sorted by severity, otherwise in their order."""
    return sorted(found, key=lambda finding: list(Severity).index(finding.severity))


def _find_for_image(image: ResolvedImage, plan: Plan) -> Iterator[Finding]:
    accesses = plan.accesses
    for violation in image.violations:
        yield Finding(image=image, severity=Severity.ERROR, code=violation.rule.value, text=violation.message)
    try:
        reference = parse(image.image)
    except InvalidReference as error:
        yield _make_known(image, Severity.ERROR, "invalid-image-name", describe_invalid(error))
        return
    opening = [access for access in accesses or () if match(access.keys, image.image)]
    if is_bare_host(reference):
        yield _find_bare_host(image, reference)
        return
    there = [access for access in opening if access.is_in(image.namespace)]
    pod = plan.find_pod(image)
    if opening and not there:
        yield _find_not_in_namespace(image, opening)
    elif there and pod and reference.domain not in _PUBLIC and not any(access.reaches(pod) for access in there):
        yield _find_not_given(image, there, pod)
    elif accesses is not None and not opening:
        yield from _find_no_entry(image, reference, accesses)
    yield from _find_policy_surprises(image, reference, private=bool(opening) or _is_private_ecr(reference.domain))


def _is_private_ecr(host: str) -> bool:
    ecr = parse_host(host)
    return ecr is not None and not ecr.public


def _find_bare_host(image: ResolvedImage, reference: ImageReference) -> Finding:
    host = reference.path.removeprefix("library/")
    if reference.tag and reference.tag.isdigit():
        host += f":{reference.tag}"  # what was meant as a port
    return _make_known(image, Severity.ERROR, "bare-registry-host", {"image": image.image, "wanted": host})


def _find_no_entry(
    image: ResolvedImage, reference: ImageReference, accesses: Sequence[PlannedAccess]
) -> Iterator[Finding]:
    host, name = reference.domain, _drop_port(reference.domain)
    others = sorted(
        (own, access.secret) for access in accesses for own in access.hosts if _drop_port(own) == name and own != host
    )
    if others:
        facts = {"key": others[0][0], "secret": others[0][1], "host": host}
        yield _make_known(image, Severity.ERROR, "key-port-mismatch", facts)
    elif _is_private_ecr(host):
        yield Finding(
            image=image,
            severity=Severity.WARNING if accesses else Severity.INFO,
            code="no-entry",
            text=f"no registry of this program opens {host}, which always asks for a credential",
            advice=f"add {{host: {host}}} to registries, unless the nodes have a credential provider for it",
        )
    elif host not in _PUBLIC:
        yield Finding(
            image=image,
            severity=Severity.INFO,
            code="no-entry",
            text=f"no registry of this program opens {host}",
            advice=f"add {{host: {host}, username: ..., password: ...}} to registries, if it asks for a credential",
        )


def _drop_port(host: str) -> str:
    name, colon, port = host.rpartition(":")
    return name if colon and port.isdigit() else host


def _find_not_in_namespace(image: ResolvedImage, opening: Sequence[PlannedAccess]) -> Finding:
    namespace, secret = image.namespace or DEFAULT_NAMESPACE, opening[0].secret
    if opening[0].by_node:
        text = f"the nodes open this image with a role of ServiceAccounts, which none in namespace {namespace} has"
        advice = f"add {namespace} to the namespaces of the access by the node"
        return Finding(image=image, severity=Severity.ERROR, code=_NOT_IN_ROLE, text=text, advice=advice)
    there = sorted(opening[0].namespaces or ())
    others = ", ".join(there[:_NAMESPACES_NAMED]) + (", ..." if len(there) > _NAMESPACES_NAMED else "")
    facts = {"secret": secret, "other_namespace": others or "(none)", "namespace": namespace}
    return _make_known(image, Severity.ERROR, "secret-other-namespace", facts)


def _find_not_given(image: ResolvedImage, there: Sequence[PlannedAccess], pod: PodAccess) -> Finding:
    account, secret = pod.service_account, there[0].secret
    if there[0].by_node:
        text = f"the nodes open this image with a role that its ServiceAccount {account} does not have"
        advice = f"add {account} to the service_accounts of the access by the node"
        return Finding(image=image, severity=Severity.WARNING, code=_NOT_IN_ROLE, text=text, advice=advice)
    # What the program can write, where the cause of a Pod that is there names the Pod.
    advice = f"write access=... in the workload, or {secret} in its imagePullSecrets"
    host, listed = parse(image.image).domain, ", ".join(pod.pull_secrets)
    facts = {"secret": secret, "account": account, "host": host, "node_credentials": ""}
    if not listed:
        return replace(_make_known(image, Severity.WARNING, "no-pull-secret", facts), advice=advice)
    if there[0].is_listed_by(account):
        facts["listed"] = listed
        return replace(_make_known(image, Severity.WARNING, "pod-own-list", facts), advice=advice)
    text = f"the Secret {secret} opens the image, but the Pod lists {listed} in imagePullSecrets"
    return Finding(image=image, severity=Severity.WARNING, code="secret-not-given", text=text, advice=advice)


def _make_known(image: ResolvedImage, severity: Severity, code: str, facts: Mapping[str, str]) -> Finding:
    """A fault of the table of causes: `imagepull diagnose` says the same of the Pod later."""
    cause = get_cause(code)
    text, advice = (as_clause(fill(sentence, facts)) for sentence in (cause.cause, cause.fix))
    return Finding(image=image, severity=severity, code=code, text=text, advice=advice)


_SEVERITY_OF: Final[Mapping[str, Severity]] = {
    "latest-with-digest": Severity.WARNING,
    "never": Severity.WARNING,
    "mutable-tag": Severity.INFO,
}


def _find_policy_surprises(image: ResolvedImage, reference: ImageReference, *, private: bool) -> Iterator[Finding]:
    for surprise in find_surprises(image.image, image.policy, private=private):
        severity = _SEVERITY_OF.get(surprise.code)
        if surprise.code == "mutable-tag" and is_moving_tag(reference.tag or DEFAULT_TAG):
            severity = Severity.WARNING
        if severity:
            yield Finding(image=image, severity=severity, code=surprise.code, text=surprise.text)
