"""Who renews the tokens of a pull Secret, when that is due, and whether it has not happened."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from imagepull.diagnosis.fields import Json, read_mapping, read_text
from imagepull.diagnosis.objects import Secret
from imagepull.errors import InvalidInput
from imagepull.renewal import document
from imagepull.status.inventory import RunningRenewer
from imagepull.status.model import Renewer

__all__ = ["find_renewal_due", "find_renewer", "is_kept_alive", "list_renewers", "read_owner_title"]

_NOBODY: Final = Renewer(title="nobody known", automatic=False)
_PULUMI: Final = Renewer(title="pulumi up", automatic=False)
_OPERATORS: Final = frozenset({"ExternalSecret"})
"""Kinds whose controller writes a Secret anew by itself (external-secrets.io)."""
_LATE: Final = 0.25
"""Share of a token's life that is left when a renewal at its half has failed for long."""


def find_renewer(secret: Secret, renewals: Mapping[tuple[str, str], RunningRenewer]) -> Renewer:
    """Who renews a Secret, as far as the cluster shows. `renewals`: as in `Inventory`."""
    kind, _, name = secret.controller.partition("/")
    if kind in _OPERATORS:
        return Renewer(title=f"{kind} {name}", automatic=True)
    renewal = renewals.get((secret.namespace, secret.name))
    if renewal is not None:
        title = f"{renewal.title} (suspended)" if renewal.stopped else renewal.title
        return Renewer(title=title, automatic=not renewal.stopped)
    return _PULUMI if secret.owned_by else _NOBODY


def list_renewers(documents: Iterable[Json], cron_jobs: Iterable[Json]) -> dict[tuple[str, str], RunningRenewer]:
    """What our CronJobs renew, by namespace and name of the Secret.

    Args:
        documents: ConfigMaps that hold a renewal document; one that does not parse renews nothing.
        cron_jobs: of the same namespaces and names.
    """
    suspended = {_read_place(each): read_mapping(each, "spec").get("suspend") is True for each in cron_jobs}
    found: dict[tuple[str, str], RunningRenewer] = {}
    for each in documents:
        place = _read_place(each)
        try:
            secrets = document.parse(read_text(read_mapping(each, "data"), document.FILE_NAME))
        except InvalidInput:
            continue
        for secret in secrets if place in suspended else ():
            renewal = RunningRenewer(
                title=f"CronJob {'/'.join(place)}", stopped=suspended[place], refresh_before=secret.refresh_before
            )
            found.update({(namespace, secret.name): renewal for namespace in secret.namespaces})
    return found


def read_owner_title(secret: Secret) -> str:
    """Whose a Secret is: the Pulumi resource or the object that writes it; empty when nothing says so."""
    return secret.owned_by or " ".join(secret.controller.split("/", 1))


def find_renewal_due(secret: Secret, expires: datetime | None, renewal: RunningRenewer | None) -> datetime | None:
    """When a token is due for renewal: at half of its life, or as its renewer is configured; None if unknown."""
    written = secret.updated
    if expires is None or written is None or written >= expires or not (secret.owned_by or renewal):
        return None
    if renewal is not None and renewal.refresh_before is not None:
        return expires - timedelta(seconds=renewal.refresh_before)
    return written + (expires - written) / 2


def is_kept_alive(secret: Secret, expires: datetime, renewer: Renewer, now: datetime) -> bool:
    """Whether the token will be replaced in time: its renewer runs by itself, and has not let it grow old."""
    if not renewer.automatic:
        return False
    written = secret.updated
    return written is None or expires - now > (expires - written) * _LATE


def _read_place(document: Json) -> tuple[str, str]:
    metadata = read_mapping(document, "metadata")
    return read_text(metadata, "namespace"), read_text(metadata, "name")
