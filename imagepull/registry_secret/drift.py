"""How a Secret of ours differs from what was written. Pure."""

from datetime import datetime

from imagepull.kubernetes import ownership
from imagepull.kubernetes.ownership import Owner
from imagepull.redaction import clean
from imagepull.registries import lifetimes as renewal
from imagepull.registries.lifetimes import Lifetime
from imagepull.registry_secret import trust
from imagepull.registry_secret.existing import SECRET_TYPE, Existing
from imagepull.registry_secret.spec import SecretSpec

__all__ = ["find_drift", "find_lifetimes"]


def find_drift(existing: Existing, spec: SecretSpec, owner: Owner, now: datetime) -> str | None:
    """A clause that says how the Secret differs; None when it does not.

    Entries, labels and annotations of others are no difference, nor is a token that a renewer has renewed.

    Args:
        owner: As in the state: without an identity if a version without identities wrote the state.
    """
    if existing.is_being_deleted:
        return "it is being deleted"
    if existing.malformed is not None:
        return existing.malformed
    if existing.type != SECRET_TYPE:
        return f"its type is {clean(existing.type)}"
    labels = dict(spec.labels)
    if owner.identity is not None:
        labels[ownership.IDENTITY_LABEL] = owner.identity
    elif existing.labels.get(ownership.OWNER_LABEL) not in owner.keys:
        return f"its label {ownership.OWNER_LABEL} was changed"
    for kind, current, wanted in (
        ("label", existing.labels, labels),
        ("annotation", existing.annotations, spec.annotations),
    ):
        for key, value in wanted.items():
            if current.get(key) != value:
                return f"its {kind} {key} was changed"
    believed = find_lifetimes(existing, owner, now)
    for registry in spec.registries:
        host, credential = registry.host, existing.find_credential(registry.host)
        if credential is None:
            return f"its entry of {host} is gone"
        if registry.fixed is not None and credential != registry.fixed:
            return f"its entry of {host} was changed"
        if registry.token is not None and host not in believed:
            noted = renewal.parse_lifetimes({host: existing.notes.get(host)})
            if noted:
                return f"the token of {host} in it was changed"
            return f"how long its token of {host} lives is not known"
    return None


def find_lifetimes(existing: Existing, owner: Owner, now: datetime) -> dict[str, Lifetime]:
    """Lifetimes of the tokens that are believed, by host. A host that is not in it is due."""
    if owner.digest_key is None:
        if not trust.is_unedited_since_legacy(existing):
            return {}
        noted = renewal.parse_lifetimes(existing.notes)
        return {host: trust.limit(lifetime, now) for host, lifetime in noted.items()}
    entries = {host: trust.find_believed(existing, host, owner.digest_key, now) for host in existing.notes}
    return {host: entry.lifetime for host, entry in entries.items() if entry is not None and entry.lifetime is not None}
