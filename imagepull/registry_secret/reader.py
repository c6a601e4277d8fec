"""What the cluster holds of a RegistrySecret: for a refresh, and for an import. Needs no AWS."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from imagepull.errors import ClusterError
from imagepull.kubernetes.client import Cluster
from imagepull.kubernetes.ownership import OWNED_BY_ANNOTATION, OWNER_LABEL, Owner
from imagepull.kubernetes.progress import Report, grouped
from imagepull.registries import ecr_hosts
from imagepull.registries.lifetimes import Lifetime
from imagepull.registry_secret import secret_object
from imagepull.registry_secret.secret_object import SECRET_TYPE, Existing
from imagepull.registry_secret.spec import Spec
from imagepull.registry_secret.writer import Previous, find


@dataclass(frozen=True, kw_only=True)
class Held:
    """What is there: UIDs by namespace, the shortest lifetime of each host's token, namespaces as they should be."""

    uids: Mapping[str, str]
    lifetimes: Mapping[str, Lifetime]
    intact: Sequence[str]


@dataclass(frozen=True, kw_only=True)
class Discovered:
    """Secrets to import, in every namespace that has one."""

    uids: Mapping[str, str]
    lifetimes: Mapping[str, Lifetime]
    ecr_hosts: list[str]


async def read(cluster: Cluster, spec: Spec, owner: Owner, previous: Previous, report: Report) -> Held:
    """The Secrets of ours; what somebody changed in one is told as a warning, and leaves it out of `intact`.

    Namespaces that may not be looked into are taken to be as they were.
    """
    found = await find(cluster, spec.name, {*previous.namespaces, *previous.uids})
    known = set(previous.uids.values())
    ours = {place: secret for place, secret in found.secrets.items() if secret.belongs_to(owner, known)}
    faults = {
        place: fault
        for place in spec.namespaces
        if place in ours and (fault := secret_object.drift(ours[place], spec, owner)) is not None
    }
    for sentence in [*grouped(faults), *grouped(found.denied)]:
        report.warn(f"Secret {spec.name} in {sentence}")
    unseen = {place: uid for place, uid in previous.uids.items() if place in found.denied}
    return Held(
        uids={**unseen, **{place: secret.uid for place, secret in ours.items()}},
        lifetimes=_shortest(ours.values()),
        intact=[place for place in spec.namespaces if place in unseen or (place in ours and place not in faults)],
    )


async def discover(cluster: Cluster, name: str, owner: Owner) -> Discovered:
    """Every pull Secret of a name, unless it is another stack's; raises ClusterError when there is none."""
    found = (await find(cluster, name, ())).secrets
    secrets = {place: secret for place, secret in found.items() if secret.type == SECRET_TYPE}
    for place, secret in secrets.items():
        if secret.labels.get(OWNER_LABEL, owner.key) != owner.key:
            holder = secret.annotations.get(OWNED_BY_ANNOTATION, "another stack")
            raise ClusterError(f"Secret {name} in namespace {place} belongs to {holder}; remove it there first")
    if not secrets:
        raise ClusterError(f"there is no Secret {name} of type {SECRET_TYPE} in any namespace; correct the ID")
    keys = sorted({key for secret in secrets.values() for key in secret.credentials})
    return Discovered(
        uids={place: secret.uid for place, secret in secrets.items()},
        lifetimes=_shortest(secrets.values()),
        ecr_hosts=[key for key in keys if ecr_hosts.parse_host(key) is not None],
    )


def _shortest(secrets: Iterable[Existing]) -> dict[str, Lifetime]:
    found: dict[str, Lifetime] = {}
    for secret in secrets:
        for host, lifetime in secret.lifetimes.items():
            if host not in found or lifetime.expires < found[host].expires:
                found[host] = lifetime
    return found
