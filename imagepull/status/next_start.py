"""How the next pull of one image goes: pure, from what the cluster holds at one moment.

The order is the kubelet's: which Secrets the Pod has, which of their entries match, whether one of those still lives;
then the node's credential, by the ServiceAccount's role or the node's own; then none. What it means when nothing opens
an image is said by `imagepull.diagnosis`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from imagepull.causes.table import fill, get_cause
from imagepull.diagnosis.node_role import find_node_role, find_role_fault
from imagepull.diagnosis.objects import Missing, Node, Pod, Secret, ServiceAccount
from imagepull.errors import InvalidReference
from imagepull.images.pull_policy import PullPolicy
from imagepull.images.reference import ImageReference, parse
from imagepull.registries.lifetimes import describe_time_left
from imagepull.status.evidence import Evidence, asks_for_credentials
from imagepull.status.inventory import Inventory
from imagepull.status.model import OpenedBy, StartOutcome
from imagepull.status.openings import Opening, find_openings, list_usable_entries
from imagepull.status.renewers import find_renewer, is_kept_alive

__all__ = ["Explain", "Explanation", "Judgement", "Start", "judge"]

_MOST_LISTED_IMAGES: Final = 50
"""Images that a kubelet reports at most (`nodeStatusMaxImages`): one that is not listed may be there all the same."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Start:
    """A container, or image volume, that starts.

    Attributes:
        pod: the Pod, or the template of a workload's next Pod.
        template: it is a template, so that its ServiceAccount's list counts as it is now.
        cached: the Pod runs already, and its policy lets it start again from the node's copy.
    """

    pod: Pod
    image: str
    policy: str
    template: bool
    cached: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Explanation:
    """Why nothing opens an image: a code of `imagepull.diagnosis`, and what to do."""

    code: str
    confidence: str
    cause: str
    fix: str


Explain = Callable[[Start], Explanation]
"""Says why a registry would refuse this start."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Judgement:
    """What is known of one start; fields as in `Pull`. `role`: the role with which the node opens the image."""

    outcome: StartOutcome
    opened_by: OpenedBy
    opening: Opening | None = None
    explanation: Explanation | None = None
    fails_at: datetime | None = None
    role: str = ""


_FINE_WITHOUT_SECRET: Final = Judgement(outcome=StartOutcome.FINE, opened_by=OpenedBy.NOBODY)


def judge(start: Start, inventory: Inventory, evidence: Evidence, within: float, explain: Explain) -> Judgement:
    """How the start goes. `within`: seconds ahead in which a token that expires counts."""
    try:
        reference = parse(start.image)
    except InvalidReference:
        return _judge_failure(start, OpenedBy.NOBODY, explain)
    if start.policy == PullPolicy.NEVER.value:
        return _judge_never(start, reference, inventory, explain)
    names = _list_secret_names(start, inventory)
    looked_up = [inventory.find_secret(start.pod.namespace, name) for name in names or ()]
    secrets = [each for each in looked_up if isinstance(each, Secret)]
    if any(secret.malformed for secret in secrets):
        return _judge_failure(start, OpenedBy.NOBODY, explain)
    found = find_openings(secrets, reference)
    account = inventory.find_account(start.pod.namespace, start.pod.service_account)
    role, faulty = _find_role(account, reference, inventory)
    node_opens = bool(role) or evidence.has_node_credential(reference)
    if found:
        return _judge_openings(start, found, inventory, node_opens, within, explain)
    if faulty and Missing.WITHHELD not in looked_up and not evidence.has_pulled_from(reference):
        return _judge_failure(start, OpenedBy.NOBODY, explain)
    if node_opens:
        return Judgement(outcome=StartOutcome.FINE, opened_by=OpenedBy.NODE, role=role)
    if evidence.is_official(reference) or evidence.opens_without_secret(reference):
        return _FINE_WITHOUT_SECRET
    # Nodes that may not be read may have a credential of their own; an account, a role that they pull with.
    hidden = [*looked_up, account] if asks_for_credentials(reference) else looked_up
    if names is None or Missing.WITHHELD in hidden or inventory.nodes is None:
        return Judgement(outcome=StartOutcome.UNKNOWN, opened_by=OpenedBy.UNKNOWN, explanation=_explain_withheld(start))
    if asks_for_credentials(reference) or _is_meant_to_have_secret(start, reference, looked_up, inventory):
        return _judge_failure(start, OpenedBy.NOBODY, explain)
    return _FINE_WITHOUT_SECRET


def _find_role(account: ServiceAccount | Missing, reference: ImageReference, inventory: Inventory) -> tuple[str, bool]:
    """The role with which the node opens the image, empty for none; and whether one is meant to and cannot."""
    role = find_node_role(account, reference)
    if role is None:
        return "", False
    faulty = find_role_fault(role, inventory.audience_granted) is not None
    return "" if faulty else role, faulty


def _list_secret_names(start: Start, inventory: Inventory) -> Sequence[str] | None:
    """Names of the Secrets that the Pod has, or will have; None when its ServiceAccount may not be read."""
    if start.pod.pull_secrets or not start.template:
        return start.pod.pull_secrets
    account = inventory.find_account(start.pod.namespace, start.pod.service_account)
    if isinstance(account, Missing):
        return None if account is Missing.WITHHELD else ()
    return account.pull_secrets


def _judge_openings(
    start: Start, found: Sequence[Opening], inventory: Inventory, node_opens: bool, within: float, explain: Explain
) -> Judgement:
    now, first = inventory.at, found[0]
    alive = [opening for opening in found if opening.opens(now)]
    if not alive and not node_opens:
        return replace(_judge_failure(start, OpenedBy.SECRET, explain), opening=first)
    fine = Judgement(outcome=StartOutcome.FINE, opened_by=OpenedBy.SECRET, opening=first)
    if node_opens:
        return fine
    last = max(alive, key=lambda opening: opening.expires.timestamp() if opening.expires else float("inf"))
    if last.expires is None or last.expires > now + timedelta(seconds=within):
        return fine
    renewer = find_renewer(last.secret, inventory.renewals)
    if is_kept_alive(last.secret, last.expires, renewer, now):
        return fine
    left = describe_time_left((last.expires - now).total_seconds()).removesuffix(" left")
    why = (
        f"{renewer.title} has not renewed it, though that was due"
        if renewer.automatic
        else f"only {renewer.title} renews it"
        if last.secret.owned_by
        else "nobody is known to renew it"
    )
    cause = get_cause("token-expires")
    facts = {"key": last.entry.key, "secret": last.secret.name, "left": left, "renewer": why}
    explanation = Explanation(
        code=cause.code,
        confidence="certain" if last.secret.owned_by else "likely",
        cause=fill(cause.cause, facts),
        fix=fill(cause.fix, {"renewal": _advise_renewal(last.secret, automatic=renewer.automatic)}),
    )
    return Judgement(
        outcome=StartOutcome.FAILS_SOON,
        opened_by=OpenedBy.SECRET,
        opening=first,
        explanation=explanation,
        fails_at=last.expires,
    )


def _advise_renewal(secret: Secret, *, automatic: bool) -> str:
    if automatic:
        return f"Look at the renewer's last run; imagepull renew -n {secret.namespace} renews it by hand."
    if secret.owned_by:
        return f"Run pulumi up for {secret.owned_by}, or set renewal so that a CronJob renews it."
    return "Renew it, or let RegistryAccess write and renew the Secret."


def _judge_never(start: Start, reference: ImageReference, inventory: Inventory, explain: Explain) -> Judgement:
    """Policy Never: no registry is asked, so what counts is which nodes have the image."""
    fine = _FINE_WITHOUT_SECRET
    if start.cached:
        return fine
    if inventory.nodes is None:
        cause = "The policy is Never, and the nodes may not be read, so it is not known whether they have the image."
        return Judgement(
            outcome=StartOutcome.UNKNOWN,
            opened_by=OpenedBy.NOBODY,
            explanation=Explanation(
                code="never-absent", confidence="possible", cause=cause, fix="Allow list on nodes."
            ),
        )
    nodes = [node for node in inventory.nodes.values() if start.pod.node in ("", node.name)]
    without = [node for node in nodes if not _has(node, reference)]
    if not without or all(len(node.images) >= _MOST_LISTED_IMAGES for node in without):
        return fine
    judged = _judge_failure(start, OpenedBy.NOBODY, explain)
    if len(without) == len(nodes) or judged.explanation is None:
        return judged
    cause = f"The policy is Never, and {len(without)} of {len(nodes)} nodes do not list the image: {without[0].name}."
    return replace(judged, explanation=replace(judged.explanation, cause=cause))


def _has(node: Node, reference: ImageReference) -> bool:
    return reference.canonical in node.images


def _is_meant_to_have_secret(
    start: Start, reference: ImageReference, looked_up: Sequence[Secret | Missing], inventory: Inventory
) -> bool:
    """Whether something shows that the image needs a Secret, though its registry is none that always asks for one.

    The Pod names a Secret that is not there; or a Secret of its namespace is for this registry.
    """
    if Missing.ABSENT in looked_up:
        return True
    there = inventory.secrets.get(start.pod.namespace)
    if there is None:
        return False
    name = _strip_port(reference.domain)
    return any(
        _strip_port(entry.key.partition("://")[2] or entry.key) == name
        for secret in there.found.values()
        for entry in list_usable_entries(secret)
    )


def _strip_port(place: str) -> str:
    """Host without port and path."""
    host = place.partition("/")[0]
    return host.rpartition(":")[0] or host if host.rpartition(":")[2].isdigit() else host


def _explain_withheld(start: Start) -> Explanation:
    namespace = start.pod.namespace
    return Explanation(
        code="",
        confidence="",
        cause=f"The Secrets or ServiceAccounts of namespace {namespace}, or the nodes, may not be read.",
        fix=f"Allow list on secrets and serviceaccounts in {namespace}, and on nodes.",
    )


def _judge_failure(start: Start, opened_by: OpenedBy, explain: Explain) -> Judgement:
    explanation = explain(start)
    if start.cached:
        here = f"Node {start.pod.node} has the image, so this Pod starts there again, and nowhere else"
        explanation = replace(explanation, confidence="likely", cause=f"{here}. {explanation.cause}")
    return Judgement(outcome=StartOutcome.FAILS_NEXT_START, opened_by=opened_by, explanation=explanation)
