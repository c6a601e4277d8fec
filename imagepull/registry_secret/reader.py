"""What the cluster holds of a RegistrySecret: for a refresh, and for an import. Needs no AWS."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from imagepull.errors import ClusterError
from imagepull.kubernetes.client import Cluster
from imagepull.kubernetes.ownership import IDENTITY_LABEL, Owner, Standing
from imagepull.kubernetes.progress import Report, describe_by_reason
from imagepull.registries import ecr_hosts
from imagepull.registries.lifetimes import Lifetime
from imagepull.registry_secret.drift import find_drift, find_lifetimes
from imagepull.registry_secret.existing import SECRET_TYPE, Existing
from imagepull.registry_secret.spec import SecretSpec
from imagepull.registry_secret.state import Previous
from imagepull.registry_secret.writer import SecretOutcome, find

__all__ = ["Discovered", "ObservedSecrets", "discover", "read"]

_TAKEN: Final = "it carries another owner's mark; the next update says whose it is"


@dataclass(frozen=True, kw_only=True)
class ObservedSecrets:
    """What is there: UIDs by namespace, the shortest lifetime of each host's token, namespaces as they should be."""

    uids: Mapping[str, str]
    lifetimes: Mapping[str, Lifetime]
    intact: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Discovered:
    """Secrets to import, in every namespace that has one. `identity`: what all of them carry, if they carry one."""

    uids: Mapping[str, str]
    ecr_hosts: list[str]
    identity: str | None


async def read(cluster: Cluster, spec: SecretSpec, owner: Owner, previous: Previous, report: Report) -> ObservedSecrets:
    """The Secrets of ours. What somebody changed in one is reported as a warning, and leaves it out of `intact`.

    Namespaces that may not be looked into are taken to be as they were.
    """
    now = datetime.now(UTC)
    found = await find(cluster, spec.name, previous.all_namespaces)
    standings = {place: secret.find_standing(owner, previous.known_uids) for place, secret in found.secrets.items()}
    ours = {place: secret for place, secret in found.secrets.items() if standings[place] is Standing.OURS}
    faults = {place: fault for place, secret in ours.items() if (fault := find_drift(secret, spec, owner, now))}
    taken = {place: _TAKEN for place, secret in found.secrets.items() if _is_taken(secret, standings[place], previous)}
    for sentence in [*describe_by_reason({**faults, **taken}), *describe_by_reason(found.denied)]:
        report.warn(f"Secret {spec.name} in {sentence}")
    unseen = {place: uid for place, uid in previous.uids.items() if place in found.denied}
    outcome = SecretOutcome()
    for place, secret in ours.items():
        if place not in faults:
            outcome.note_lifetimes(find_lifetimes(secret, owner, now))
    return ObservedSecrets(
        # What another run of ours marked is still there, and the next update may take it back.
        uids={**unseen, **{place: found.secrets[place].uid for place in {*ours, *taken}}},
        lifetimes=outcome.lifetimes,
        intact=[place for place in spec.namespaces if place in unseen or (place in ours and place not in faults)],
    )


async def discover(cluster: Cluster, name: str, owner: Owner, report: Report) -> Discovered:
    """Every pull Secret of a name, except those of other resources, of which a warning says whose they are.

    Raises:
        ClusterError: there is none, or none but those of others.
    """
    found = (await find(cluster, name, None)).secrets
    pull_secrets = {place: secret for place, secret in found.items() if secret.type == SECRET_TYPE}
    taken = {place: each for place, each in pull_secrets.items() if each.find_standing(owner, ()) is Standing.FOREIGN}
    secrets = {place: secret for place, secret in pull_secrets.items() if place not in taken}
    whose = {place: f"it belongs to {secret.holder or 'another resource'}" for place, secret in taken.items()}
    sentences = [f"Secret {name} in {sentence}" for sentence in describe_by_reason(whose)]
    if taken and not secrets:
        raise ClusterError(f"{'; '.join(sentences)}. Remove it there first: two resources cannot own one Secret")
    for sentence in sentences:
        report.warn(f"{sentence}, so the import leaves it out")
    if not secrets:
        raise ClusterError(f"there is no Secret {name} of type {SECRET_TYPE} in any namespace; correct the ID")
    keys = sorted({key for secret in secrets.values() for key in secret.credentials})
    identities = {secret.labels.get(IDENTITY_LABEL) for secret in secrets.values()}
    return Discovered(
        uids={place: secret.uid for place, secret in secrets.items()},
        ecr_hosts=[key for key in keys if ecr_hosts.parse_host(key) is not None],
        identity=identities.pop() if len(identities) == 1 else None,
    )


def _is_taken(secret: Existing, standing: Standing, previous: Previous) -> bool:
    return standing in (Standing.EARLIER, Standing.FOREIGN) and secret.uid in previous.known_uids
