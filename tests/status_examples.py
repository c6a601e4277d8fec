"""Statuses to show: a small one with one of everything, and a large one."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from imagepull.status.model import OpenedBy, Pull, Renewer, StartOutcome, Status, TokenStatus

__all__ = ["HOSTILE", "NOW", "large_status", "small_status"]

NOW: Final = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
ECR: Final = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
EUROPE: Final = "210987654321.dkr.ecr.eu-west-1.amazonaws.com"
OWNER: Final = "private-images/prod/registry-access"
BY_HAND: Final = Renewer(title="pulumi up", automatic=False)
BY_ITSELF: Final = Renewer(title="CronJob imagepull/renew-registry-access", automatic=True)
HOSTILE: Final = "<img src=x onerror=alert(1)>\"'{{ 7*7 }}</td></script><script>alert(2)</script>"


def small_status() -> Status:
    """One pull of each outcome, three tokens."""
    return Status(
        scope="all namespaces",
        at=NOW,
        within=6 * 3600,
        pulls=tuple(_small_pulls()),
        tokens=tuple(_small_tokens()),
        namespaces=4,
        workloads=7,
        pods=19,
        limits=("namespace vault: its Secrets may not be read; allow list on secrets",),
    )


def large_status(namespaces: int = 1_000, pulls_each: int = 10) -> Status:
    """A token in each of many namespaces, all of one renewal, and some pulls in each."""
    names = [f"team-{number:04}" for number in range(namespaces)]
    pulls = [
        _fine(namespace, f"Deployment/app-{number}", f"{ECR}/team/app-{number}:1.{number}", pods=("a", "b"))
        for namespace in names
        for number in range(pulls_each)
    ]
    tokens = [
        _token(
            namespace,
            "registry-access",
            ECR,
            hours_left=9 + place % 50 / 3600,
            issued=NOW - timedelta(hours=3),
            renewal=NOW + timedelta(hours=3),
            workloads=tuple(f"Deployment/app-{number}" for number in range(pulls_each)),
            pods=2 * pulls_each,
        )
        for place, namespace in enumerate(names)
    ]
    return Status(
        scope="all namespaces",
        at=NOW,
        within=6 * 3600,
        pulls=tuple(pulls),
        tokens=tuple(tokens),
        namespaces=namespaces,
        workloads=namespaces * pulls_each,
        pods=2 * namespaces * pulls_each,
    )


def _small_pulls() -> list[Pull]:
    soon = NOW + timedelta(hours=2)
    return [
        _pull(
            "shop",
            "Deployment/web",
            f"{ECR}/shop/web:1.4.2",
            container="web",
            outcome=StartOutcome.FAILS_NOW,
            expires=soon,
            code="image-absent",
            cause="There is no tag 1.4.2 in shop/web; the nearest are 1.4.1 and 1.4.0.",
            fix="Write 1.4.1, or push 1.4.2.",
            pods=("web-59f4bb6dd4-8z74k", "web-59f4bb6dd4-czkc6"),
        ),
        _pull(
            "tools",
            "CronJob/tidy",
            f"{EUROPE}/tools/tidy:latest",
            container="tidy",
            policy="Always",
            reason="tag is latest",
            outcome=StartOutcome.FAILS_NEXT_START,
            secret="europe",
            owner="",
            expires=NOW - timedelta(hours=1, minutes=12),
            code="token-expired",
            cause="The ECR token in Secret europe expired 1.2 hours ago.",
            fix="Renew it: kubectl imagepull renew -n tools, or let RegistryAccess write the Secret.",
        ),
        _pull(
            "shop",
            "StatefulSet/db",
            f"{ECR}/shop/migrate:7",
            container="init migrate",
            outcome=StartOutcome.FAILS_NEXT_START,
            **_NO_SECRET,
            code="pod-before-sa-patch",
            confidence="likely",
            cause="The Pod is older than its ServiceAccount's list: lists are copied when a Pod is created.",
            fix="kubectl rollout restart -n shop statefulset/db",
            pods=("db-0",),
            template=False,
        ),
        _pull(
            "shop",
            "Deployment/api",
            f"{ECR}/shop/api:2.0",
            container="api",
            outcome=StartOutcome.FAILS_SOON,
            expires=soon,
            fails_at=soon,
            code="token-expires",
            cause="The token in Secret registry-access expires in 2.0 hours, and nothing renews it by itself.",
            fix="Run pulumi up of private-images/prod.",
            pods=("api-5bb6bd778d-vvbcl",),
        ),
        _pull(
            "vault",
            "Deployment/vault",
            f"{ECR}/vault:1.17",
            container="vault",
            outcome=StartOutcome.UNKNOWN,
            **{**_NO_SECRET, "opened_by": OpenedBy.UNKNOWN},
            cause="The Secrets of namespace vault may not be read.",
            fix="Allow list on secrets in vault.",
            pods=("vault-0",),
            template=False,
        ),
        _fine("tools", "Pod/worker", f"{EUROPE}/tools/worker:0.9", secret="pull", pods=("worker",)),
        _pull(
            "web",
            "Deployment/proxy",
            "nginx:1.29",
            container="nginx",
            registry="docker.io",
            outcome=StartOutcome.FINE,
            **_NO_SECRET,
            pods=tuple(f"proxy-{number}" for number in range(12)),
        ),
    ]


def _small_tokens() -> list[TokenStatus]:
    nobody = Renewer(title="nobody known", automatic=False)
    return [
        _token(
            "tools",
            "europe",
            EUROPE,
            hours_left=-1.2,
            owner="",
            renewer=nobody,
            renewal=None,
            workloads=("CronJob/tidy",),
        ),
        _token(
            "shop",
            "registry-access",
            ECR,
            hours_left=2,
            renewer=BY_HAND,
            workloads=("Deployment/api", "Deployment/web"),
            pods=3,
        ),
        _token("tools", "pull", EUROPE, hours_left=10, workloads=("Pod/worker",), pods=1),
        TokenStatus(
            namespace="web",
            secret="hub",
            key="https://index.docker.io/v1/",
            owner="Helm release proxy",
            renewer=BY_HAND,
        ),
    ]


_NO_SECRET: Final[dict[str, Any]] = {
    "opened_by": OpenedBy.NOBODY,
    "secret": "",
    "key": "",
    "owner": "",
    "expires": None,
}
"""Fields of a pull that no Secret opens."""


def _pull(namespace: str, workload: str, image: str, *, outcome: StartOutcome, **fields: Any) -> Pull:
    """A pull that a Secret of ours opens, unless the fields say otherwise."""
    host = image.partition("/")[0]
    usual: dict[str, Any] = {
        "container": "app",
        "registry": host,
        "policy": "IfNotPresent",
        "reason": f"tag is {image.rpartition(':')[2]}, not latest",
        "opened_by": OpenedBy.SECRET,
        "secret": "registry-access",
        "key": host,
        "owner": OWNER,
        "confidence": "certain" if "code" in fields else "",
        "template": True,
    }
    return Pull(namespace=namespace, workload=workload, image=image, outcome=outcome, **{**usual, **fields})


def _fine(namespace: str, workload: str, image: str, **fields: Any) -> Pull:
    return _pull(namespace, workload, image, outcome=StartOutcome.FINE, expires=NOW + timedelta(hours=10), **fields)


def _token(namespace: str, secret: str, key: str, *, hours_left: float, **fields: Any) -> TokenStatus:
    """A token of 12 hours that a CronJob renews at half of its life, unless the fields say otherwise."""
    expires = NOW + timedelta(hours=hours_left)
    usual: dict[str, Any] = {
        "owner": OWNER,
        "renewer": BY_ITSELF,
        "issued": expires - timedelta(hours=12),
        "renewal": expires - timedelta(hours=6),
    }
    return TokenStatus(namespace=namespace, secret=secret, key=key, expires=expires, **{**usual, **fields})
