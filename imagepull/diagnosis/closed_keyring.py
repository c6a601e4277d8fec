"""No entry of the Pod's Secrets opens the image: the tests that say why not, in the order in which they are made."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from shlex import quote
from typing import Final

from imagepull.causes.table import Confidence, get_cause
from imagepull.diagnosis.answers import Answer
from imagepull.diagnosis.keyring_view import KeyringView, find_key_fault, find_opening_entries
from imagepull.diagnosis.node_cache import is_cached, keeps_pull_records
from imagepull.diagnosis.node_role import find_node_role, find_role_fault
from imagepull.diagnosis.objects import Case, Missing, Secret, ServiceAccount
from imagepull.diagnosis.secrets import DATA_KEYS, DOCKERCFG
from imagepull.diagnosis.symptoms import Symptom
from imagepull.diagnosis.texts import TextVerdict, find_facts
from imagepull.images.reference import HUB, ImageReference
from imagepull.registries.docker_config import make_auths_key
from imagepull.registries.ecr_hosts import parse_host
from imagepull.renewal.node import ROLE_ANNOTATION

__all__ = ["TESTS", "Look"]

_CERTAIN, _LIKELY, _POSSIBLE = Confidence.CERTAIN, Confidence.LIKELY, Confidence.POSSIBLE
_LIBRARY: Final = "library/"
_HUB_NAMES: Final = ("docker.io", "docker.com")


@dataclass(frozen=True, kw_only=True)
class Look:
    """All that the tests look at."""

    case: Case
    symptom: Symptom
    reading: TextVerdict
    reference: ImageReference
    ring: KeyringView


def _check_own_account(look: Look) -> Answer | None:
    """A Secret of the Pod's own ServiceAccount opens the image, or may do."""
    case, account = look.case, look.case.service_account
    if isinstance(account, Missing) or not account.pull_secrets:
        return None
    secret, confidence = _find_opening_secret(look, account.pull_secrets)
    own = case.pod.pull_secrets
    if secret is None or (own and confidence is not _CERTAIN):
        return None
    facts = {"secret": secret, "account": account.name, "listed": ", ".join(own)}
    evidence = (f"imagePullSecrets of ServiceAccount {account.name}: {', '.join(account.pull_secrets)}",)
    code = "pod-own-list" if own else "pod-before-sa-patch"
    return Answer(code=code, confidence=confidence, facts=facts, evidence=evidence)


def _check_node_role(look: Look) -> Answer | None:
    """The Pod's ServiceAccount names a role that the node is to pull with, and the registry refused."""
    account = look.case.service_account
    role = find_node_role(account, look.reference)
    if role is None or isinstance(account, Missing):
        return None
    granted = look.case.audience_granted
    return Answer(
        code=find_role_fault(role, granted) or "node-no-credential",
        confidence=_LIKELY,
        facts={"account": account.name, "role": quote(role) if role else "empty", "annotation": ROLE_ANNOTATION},
        evidence=(
            *_quote_lists(look),
            f"annotation {ROLE_ANNOTATION} of ServiceAccount {account.name}: {role or 'empty'}",
            *(("ClusterRoles and ClusterRoleBindings: no right to the audience",) if granted is False else ()),
        ),
    )


def _check_other_accounts(look: Look) -> Answer | None:
    if look.case.pod.pull_secrets:
        return None
    for account in look.case.other_accounts:
        secret, confidence = _find_opening_secret(look, account.pull_secrets)
        if secret is not None and confidence is _CERTAIN:
            return Answer(
                code="pod-other-serviceaccount",
                confidence=_CERTAIN,
                facts={"secret": secret, "other_account": account.name},
                evidence=(f"imagePullSecrets of ServiceAccount {account.name}: {', '.join(account.pull_secrets)}",),
            )
    return None


def _find_opening_secret(look: Look, names: Iterable[str]) -> tuple[str | None, Confidence]:
    """The first of the Secrets that opens the image; one that may not be read is taken for one that does, weakly."""
    found = {name: look.case.secrets.look_up(name) for name in names if name not in look.case.pod.pull_secrets}
    readable = [secret for secret in found.values() if isinstance(secret, Secret)]
    opens = find_opening_entries(readable, look.reference)
    if opens:
        return opens[0].secret.name, _CERTAIN
    unread = next((name for name, secret in found.items() if secret is Missing.WITHHELD), None)
    return unread, _LIKELY


def _check_absent_secrets(look: Look) -> Answer | None:
    """A Secret that the Pod lists is not there."""
    if not look.ring.absent:
        return None
    namesake = next((each for each in look.case.namesakes if each.name in look.ring.absent), None)
    if namesake is not None:
        facts = {"secret": namesake.name, "other_namespace": namesake.namespace}
        evidence = (f"Secret {namesake.name} is in namespace {namesake.namespace}",)
        return Answer(code="secret-other-namespace", confidence=_CERTAIN, facts=facts, evidence=evidence)
    name = look.ring.absent[0]
    near = get_close_matches(name, [each for each in look.case.secrets.found if each not in look.ring.absent], n=1)
    only_told, doubtful = name in look.ring.told_absent, name in look.ring.doubtful
    open_ = ("secrets-withheld", *get_cause("secrets-withheld").alternatives)
    return Answer(
        code="secret-absent",
        confidence=_LIKELY if only_told or doubtful else _rate_refusal(look),
        facts={"secret": name, "nearest": f" (there is {near[0]})" if near else ""},
        evidence=(_describe_absence(look, name, only_told),),
        alternatives=open_ if doubtful or only_told else (),
    )


def _describe_absence(look: Look, name: str, only_told: bool) -> str:
    return f"Event FailedToRetrieveImagePullSecret names {name}" if only_told else f"Secret {name}: not found"


def _check_types(look: Look) -> Answer | None:
    for secret in look.ring.readable:
        wrapped = secret.type == DOCKERCFG and secret.wrapped
        if secret.type not in DATA_KEYS or wrapped:
            wrapper = " but has an `auths` wrapper, which only kubernetes.io/dockerconfigjson has" if wrapped else ""
            return Answer(
                code="secret-wrong-type",
                confidence=_rate_refusal(look),
                facts={"secret": secret.name, "type": secret.type, "wrapper": wrapper},
                evidence=(f"Secret {secret.name}: type {secret.type}",),
            )
    return None


def _check_entries(look: Look) -> Answer | None:
    empty = next((secret for secret in look.ring.readable if not secret.entries and not secret.malformed), None)
    if empty is None or find_key_fault(look.ring.readable, look.reference) is not None:
        return None
    evidence = (f"Secret {empty.name}: no entry under auths",)
    return Answer(
        code="secret-no-entries", confidence=_rate_refusal(look), facts={"secret": empty.name}, evidence=evidence
    )


def _check_missing_host(look: Look) -> Answer | None:
    """The image names no registry, and the Pod's Secrets are for registries that are not Docker Hub."""
    hosts = sorted({entry.key for secret in look.ring.readable for entry in secret.entries})
    named = look.symptom.image.startswith((HUB, "index." + HUB))
    if look.reference.domain != HUB or named or not hosts or any(name in key for key in hosts for name in _HUB_NAMES):
        return None
    wanted = f"{hosts[0]}/{look.symptom.image}"
    return Answer(
        code="missing-registry-host",
        confidence=_LIKELY,
        facts={"then": f", so it is Docker Hub's; the Pod's Secrets are for {', '.join(hosts)}", "wanted": wanted},
        evidence=(f"the image {look.symptom.image} has no host; keys of the Pod's Secrets: {', '.join(hosts)}",),
    )


def _check_keys(look: Look) -> Answer | None:
    fault = find_key_fault(look.ring.readable, look.reference)
    if fault is None:
        return None
    code, secret, key = fault
    upper = key.lower() == look.reference.domain and key != look.reference.domain
    difference = " (the kubelet compares upper and lower case as they stand)" if upper else ""
    return Answer(
        code=code,
        confidence=_rate_refusal(look) if code == "key-other-host" else _CERTAIN,
        facts={
            "secret": secret.name,
            "key": key,
            "difference": difference,
            "host": make_auths_key(look.reference.domain),
        },
        evidence=(f"Secret {secret.name}: entry {key}",),
    )


def _check_node_cache(look: Look) -> Answer | None:
    node = look.case.node
    if isinstance(node, Missing) or look.symptom.policy == "Always" or not keeps_pull_records(node):
        return None
    if not is_cached(node, look.reference):
        return None
    return Answer(
        code="cached-other-credential",
        confidence=_LIKELY,
        evidence=(f"status.images of node {look.case.pod.node} lists {look.symptom.image}",),
    )


def _check_private_or_absent(look: Look) -> Answer | None:
    if look.reading.code != "hub-denied":
        return None
    if look.reference.domain == HUB and look.reference.path.startswith(_LIBRARY):
        return Answer(code="repository-absent", confidence=_LIKELY)
    known = not isinstance(look.case.service_account, Missing) and look.reading.confidence is _LIKELY
    return Answer(code="private-or-absent", confidence=_CERTAIN if known else _LIKELY, evidence=_quote_lists(look))


def _check_forbidden(look: Look) -> Answer | None:
    if look.reading.code != "forbidden" or parse_host(look.reference.domain):
        return None
    return Answer(
        code="forbidden", confidence=_POSSIBLE, facts=find_facts(look.reading.text), evidence=_quote_lists(look)
    )


def _check_node_credential(look: Look) -> Answer | None:
    """The text says that a user and password were refused, and the Pod has none: the node's own, or one since gone."""
    if look.reading.code != "wrong-password":
        return None
    return Answer(
        code="wrong-password",
        confidence=_POSSIBLE,
        facts={
            "secret": "that the node brought, or that is no longer there",
            "key": look.reference.domain,
            "password_fault": "",
            "password_fix": "Look at the node's credential provider, and at the Pod's Secrets.",
        },
        evidence=_quote_lists(look),
        alternatives=("no-pull-secret",),
    )


def _explain_no_secret(look: Look) -> Answer:
    usable = find_opening_entries(look.case.secrets.found.values(), look.reference)
    hint = f"; the Secret {usable[0].secret.name} of this namespace would open it" if usable else ""
    by_role = next((each for each in look.case.other_accounts if find_node_role(each, look.reference)), None)
    if by_role is not None:
        hint += f"; nodes pull for ServiceAccount {by_role.name} with the role that it names"
    ecr = parse_host(look.reference.domain)
    own = ", and the node brings no credential for it" if ecr and not ecr.public else ""
    facts = {"usable": hint, "node_credentials": own}
    return Answer(code="no-pull-secret", confidence=_LIKELY, facts=facts, evidence=_quote_lists(look))


TESTS: Final[tuple[Callable[[Look], Answer | None], ...]] = (
    _check_own_account,
    _check_node_role,
    _check_other_accounts,
    _check_absent_secrets,
    _check_types,
    _check_entries,
    _check_missing_host,
    _check_keys,
    _check_node_cache,
    _check_private_or_absent,
    _check_forbidden,
    _check_node_credential,
    _explain_no_secret,
)


def _rate_refusal(look: Look) -> Confidence:
    """A registry that says the same of what is not there leaves open whether a credential would have helped."""
    return _LIKELY if look.reading.code in ("forbidden", "hub-denied") else _CERTAIN


def _quote_lists(look: Look) -> tuple[str, ...]:
    pod, account = look.case.pod, look.case.service_account
    listed = f"imagePullSecrets of the Pod: {', '.join(pod.pull_secrets) or 'none'}"
    if not isinstance(account, ServiceAccount):
        return (listed,)
    return (listed, f"imagePullSecrets of ServiceAccount {account.name}: {', '.join(account.pull_secrets) or 'none'}")
